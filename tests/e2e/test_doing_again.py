"""`cairn redrive` and `cairn reprocess` against a running Cairn."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cairn.store.notifications import requeue_message
from cairn.store.queues import Queue
from cairn_cli.demo.post import post_minidump
from tests.cli.command import Done, cairn
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running


def run(running: Running, *arguments: str | Path) -> Done:
    return cairn(*arguments, environment=running.environment)


def queue(running: Running, output: str) -> Queue:
    return Queue(running.target.clients, running.target.outputs[output])


def symbolicated(running: Running, event_id: str) -> float:
    return running.event(event_id).cairn.symbolicated or 0


def wait_until_newer(running: Running, event_id: str, than: float) -> None:
    deadline = time.monotonic() + 30
    while symbolicated(running, event_id) <= than:
        assert time.monotonic() < deadline, f"{event_id} was not symbolicated again"
        time.sleep(0.1)


@pytest.fixture
def project(running: Running) -> Any:
    """A project of its own, with the address of its minidumps."""
    made = running.projects.create(f"again-{time.monotonic_ns()}", "Again")
    key = running.projects.create_key(made.id, "tests")
    return made.id, running.minidump_url.replace("/api/1/", f"/api/{made.id}/").rpartition("=")[
        0
    ] + "=" + key.public_key


def crash(running: Running, url: str) -> str:
    event_id = post_minidump(url, SAMPLE / "lighthouse.dmp", {}).replace("-", "")
    running.record(event_id)
    return event_id


def test_dead_letters_become_events(running: Running, project: Any) -> None:
    event_id = crash(running, project[1])
    before, record = symbolicated(running, event_id), running.record(event_id)
    queue(running, "CrashDeadLetters").send(requeue_message(record.upload_key))
    queue(running, "CrashDeadLetters").send("nobody can read this")
    done = run(running, "redrive", "--queue", "crashes")
    assert done.err == ""
    assert record.upload_key in done.out
    assert "crashes: 1 of 2 dead letters are back" in done.out
    assert "the message is neither S3's nor Cairn's" in done.out
    assert "in the log of the function symbolicate: search for " in done.out
    assert done.code == 1, "one had to stay"
    wait_until_newer(running, event_id, before)

    left = run(running, "redrive", "--json").json
    assert [(one["about"], one["moved"]) for one in left] == [("nobody can read this", False)]
    dead = queue(running, "CrashDeadLetters")
    dead.delete(dead.receive())
    done = run(running, "redrive")
    assert (done.code, done.out) == (0, "There are no dead letters.\n")


def test_dead_letters_of_debug_files(running: Running) -> None:
    running.symbols(SAMPLE / "lighthouse")
    queue(running, "DebugFileDeadLetters").send('{"cairn": 1, "assemble": "%s", "plan": "x"}' % ("a" * 40))
    (one,) = run(running, "redrive", "--queue", "debug-files", "--json").json
    assert (one["queue"], one["about"], one["moved"]) == ("debug-files", f"the debug file {'a' * 40}", True)


def test_events_by_id(running: Running, project: Any) -> None:
    event_id = crash(running, project[1])
    before = symbolicated(running, event_id)
    done = run(running, "reprocess", event_id)
    assert (done.code, done.out) == (0, "1 crash is symbolicated again\n")
    wait_until_newer(running, event_id, before)

    done = run(running, "reprocess", event_id, "0" * 32)
    assert done.code == 1
    assert f"{'0' * 32}  no such event" in done.out


def test_all_of_a_project_since_a_time(running: Running, project: Any) -> None:
    ids = [crash(running, project[1]) for _ in range(3)]
    record = running.record(ids[0])
    before = {event_id: symbolicated(running, event_id) for event_id in ids}
    settings, clients = running.target.settings, running.target.clients
    clients.s3.delete_object(Bucket=settings.bucket, Key=record.upload_key)
    wanted = ["reprocess", "--project", str(project[0]), "--since", "1h"]
    refused = run(running, *wanted)
    assert (refused.code, refused.out) == (1, "")
    assert "this would symbolicate 2 crashes again" in refused.err and "--yes" in refused.err
    done = run(running, *wanted, "--yes", "--json")
    lost = {"event_id": ids[0], "why": "retention"}
    assert (done.code, done.json) == (1, {"sent": 2, "gone": [lost], "unknown": []}), "not all could be done"
    for event_id in ids[1:]:
        wait_until_newer(running, event_id, before[event_id])
    assert symbolicated(running, ids[0]) == before[ids[0]]
    assert f"{ids[0]}  the dump is gone: its retention is over" in run(running, *wanted, "--yes").out
    assert run(running, *wanted[:-1], "2020-01-01", "--until", "2020-02-01").out == "0 crashes are symbolicated again\n"


def test_all_of_an_issue_as_far_as_its_dumps_are_kept(running: Running, project: Any) -> None:
    ids = [crash(running, project[1]) for _ in range(3)]
    removed = running.record(ids[0])
    before = {event_id: symbolicated(running, event_id) for event_id in ids}
    assert removed.issue
    clients, bucket = running.target.clients, running.target.settings.bucket
    clients.s3.delete_object(Bucket=bucket, Key=removed.upload_key.replace("upload.json", "dump"))
    wanted = ["reprocess", "--issue", removed.issue, "--project", str(project[0])]
    counted = run(running, *wanted, "--dry-run")
    assert counted.code == 1
    assert counted.out.splitlines() == [
        "2 crashes would be symbolicated again",
        f"  {ids[0]}  the dump is gone: the project keeps no more of them (`cairn privacy show`)",
    ]
    gone = [{"event_id": ids[0], "why": "policy"}]
    assert run(running, *wanted, "--dry-run", "--json").json == {"would_send": 2, "gone": gone, "unknown": []}
    assert {event_id: symbolicated(running, event_id) for event_id in ids} == before
    done = run(running, *wanted, "--yes", "--json")
    assert (done.code, done.json) == (1, {"sent": 2, "gone": gone, "unknown": []})
    for event_id in ids[1:]:
        wait_until_newer(running, event_id, before[event_id])
    assert symbolicated(running, ids[0]) == before[ids[0]]
    assert run(running, *wanted, "--since", "2020-01-01", "--until", "2020-02-01").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name either events, or an issue"),
        (["--project", "1"], "--project needs --since"),
        (["x", "--project", "1", "--since", "1d"], "name either events, or an issue"),
        (["x", "--issue", "y"], "name either events, or an issue"),
        (["--issue", "4711"], "project demo has no events of the issue 4711"),
        (["--project", "1", "--since", "soon"], "'soon' is no time"),
    ],
)
def test_what_is_asked_must_be_clear(running: Running, arguments: list[str], said: str) -> None:
    done = run(running, "reprocess", *arguments)
    assert done.code in (1, 2)
    assert said in done.err
