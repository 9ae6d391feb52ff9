"""`cairn local` as a person uses it: the real bundles, the real template, a terminal's signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cairn.store.projects import Projects
from cairn.store.settings import Settings
from cairn_cli.local.run import LocalCairn, first_key, told, welcome
from cairn_cli.local.state import Connection, LocalError, State, aws_clients, read_connection

CAIRN = [sys.executable, "-c", "import sys; from cairn_cli.main import main; sys.exit(main())"]


@contextmanager
def cairn_local(state: State, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, running, with what it said until it was ready."""
    process = subprocess.Popen(
        [*CAIRN, "local", "--port", "0", "--state", str(state.root), *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    said = ""
    while "Ctrl-C stops it" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    try:
        yield process, said
    finally:
        process.kill()
        process.communicate()


def processes_of(state: State) -> list[str]:
    """The command lines of all processes that have to do with ``state``."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(state.root) in line]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    """One state for all: only the first start has to deploy."""
    return State(tmp_path_factory.mktemp("run") / "state")


def wait_until_free(state: State, limit: float) -> None:
    deadline = time.monotonic() + limit
    while state.is_running() or processes_of(state):
        assert time.monotonic() < deadline, processes_of(state)
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_nothing(state: State, how: signal.Signals) -> None:
    with cairn_local(state) as (process, said):
        url = re.findall(
            r"curl -F upload_file_minidump=@crash.dmp '(http://.+/api/1/minidump/\?sentry_key=\w{32})'", said
        )
        assert len(url) == 1
        connection = read_connection(state.root)
        assert connection is not None and url[0].startswith(connection.url)
        assert (connection.dsn or "no DSN") in said
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(url[0], data=b"no minidump")
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("400 POST /api/1/minidump/"):
            assert line
        process.send_signal(how)
        started = time.monotonic()
        assert f"the state is in {state.root}" in process.stdout.read()
        assert process.wait() == 0
        assert time.monotonic() - started < 5
    wait_until_free(state, 1)
    assert read_connection(state.root) is None


def test_kill_9_of_the_command_leaves_nothing_either_and_the_project_stays(state: State) -> None:
    with cairn_local(state) as (process, said):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until_free(state, 5)
    assert read_connection(state.root) is None
    with LocalCairn(state.root, port=0) as cairn:
        assert cairn.dsn.partition("@")[0] in said
        assert read_connection(state.root) == cairn.connection
        with pytest.raises(LocalError, match=re.escape(f"at {cairn.url} (pid ")):
            LocalCairn(state.root, port=0).__enter__()
        projects = Projects(Settings.from_outputs(cairn.connection.outputs), aws_clients(cairn.connection))
        assert first_key(projects) == first_key(projects)
        assert [project.slug for project in projects.list()] == ["demo"]


def test_a_state_elsewhere_is_found_by_what_the_start_says(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAIRN_STATE", raising=False)
    lines: list[str] = []
    local = LocalCairn(state.root, port=0)
    local.connection, local.minidump_url = Connection("http://127.0.0.1:8000", "", 1), ""
    welcome(local, lines.append)
    (name, _, value) = next(line for line in lines if "export" in line).rpartition("export ")[2].partition("=")
    monkeypatch.setenv(name, value)
    assert State.at(None) == state
    lines.clear()
    welcome(local, lines.append)
    assert not [line for line in lines if "export" in line], "then nobody need be told"


def test_the_lines_that_are_shown() -> None:
    post = {
        "event": "request",
        "method": "POST",
        "path": "/api/1/minidump/",
        "status": 200,
        "size": 2048,
        "seconds": 0.05,
    }
    assert told(post, verbose=False) == "200 POST /api/1/minidump/  2 KB, 50 ms"
    assert told({**post, "method": "GET"}, verbose=False) is None
    assert told({**post, "method": "GET"}, verbose=True)
    assert told({**post, "method": "GET", "status": 404}, verbose=False)
    log = {"event": "log", "function": "Cairn-IngestFunction7FD6BA1A-853CA2734AF28", "failed": False}
    log["text"] = '{"_aws": 1}\n{"message": "accepted"}'
    assert told(log, verbose=False) is None
    assert told(log, verbose=True) == '  Ingest: {"message": "accepted"}'
    assert told({**log, "failed": True}, verbose=False) == told(log, verbose=True)
