"""`cairn local --large-uploads`: the second door comes up, is told of, and goes with the rest."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cairn_cli.local.run import LocalCairn, told
from cairn_cli.local.service import event_of
from cairn_cli.local.state import LocalError, State
from tests.local.test_run import cairn_local, wait_until_free


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    """One state for all: only the first start has to deploy."""
    return State(tmp_path_factory.mktemp("large") / "state")


def large_url(said: str) -> str:
    """The second address to paste."""
    _, second = re.findall(
        r"curl -F upload_file_minidump=@crash.dmp '(http://.+/api/1/minidump/\?sentry_key=\w{32})'", said
    )
    return str(second)


def wait_until_refused(url: str) -> None:
    """Return when nobody listens there any more."""
    parts = urlsplit(url)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError(f"somebody still listens at {url}")


def test_ctrl_c_stops_both_doors(state: State) -> None:
    with cairn_local(state, "--large-uploads", "0") as (process, said):
        url = large_url(said)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(url, data=b"no minidump")
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("400 POST /api/1/minidump/"):
            assert line
        process.send_signal(signal.SIGINT)
        assert f"the state is in {state.root}" in process.stdout.read()
        assert process.wait() == 0
    wait_until_free(state, 1)
    wait_until_refused(url)


def test_kill_9_ends_both_doors_and_they_come_up_again(state: State) -> None:
    with cairn_local(state, "--large-uploads", "0") as (process, said):
        url = large_url(said)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until_free(state, 5)
    wait_until_refused(url)
    port = urlsplit(url).port
    with LocalCairn(state.root, port=0, large_uploads=port) as cairn:
        assert cairn.large_minidump_url == url
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/relay/healthcheck/live/") as answer:
            assert json.loads(answer.read()) == {"is_healthy": True}


def test_a_port_that_is_taken_is_said_and_nothing_stays(state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} of 127.0.0.1 cannot be used.*--large-uploads"):
            LocalCairn(state.root, port=0, large_uploads=port).__enter__()
    wait_until_free(state, 5)


def test_a_server_that_does_not_start_says_why(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn_cli.local.service.MODULE", "services.nowhere")
    with pytest.raises(LocalError, match=r"did not start:\n(.*\n)*.*No module named services.nowhere"):
        LocalCairn(state.root, port=0, large_uploads=0).__enter__()
    wait_until_free(state, 5)


def test_the_lines_of_its_log_that_are_shown() -> None:
    answered = {"level": "INFO", "message": "answered", "method": "POST", "path": "/api/1/minidump/", "status": 200}
    line = json.dumps({**answered, "size": 2048, "seconds": 0.05})
    assert told(event_of(line), verbose=False) == "200 POST /api/1/minidump/  2 KB, 50 ms"
    accepted = '{"level": "INFO", "message": "accepted"}'
    assert told(event_of(accepted), verbose=False) is None
    assert told(event_of(accepted), verbose=True) == f"  LargeUploads: {accepted}"
    for trouble in ('{"level": "ERROR", "message": "x"}', "Traceback (most recent call last):", "[]"):
        assert told(event_of(trouble), verbose=False) == f"  LargeUploads: {trouble}"


def test_it_leaves_no_bundles_behind(state: State) -> None:
    with LocalCairn(state.root, port=0, large_uploads=0):
        unpacked = list((state.scratch / "large-uploads").glob("cairn-*"))
        assert len(unpacked) == 1
    with LocalCairn(state.root, port=0, large_uploads=0):
        assert not Path(unpacked[0]).exists()
