"""Many clients at once, some killed half way, and functions that are killed in the middle of their work: all that was
accepted is stored and becomes an event, each once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn_cli.local.run import LocalCairn
from cairn_cli.target import Target, local_target
from tests.load.crowd import Crowd, Doors, dump_of, events, settle, stored
from tests.local.function_processes import processes_of

pytestmark = pytest.mark.timeout(300)
POSTS, CLIENTS = 300, 8
PATIENCE = 60.0


@pytest.fixture
def cairn(tmp_path: Path) -> Iterator[LocalCairn]:
    """A Cairn of its own: it is counted what is in it."""
    with LocalCairn(tmp_path / "data" / "cairn", port=0) as started:
        yield started


def wait_for_answers(crowd: Crowd, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(crowd.answers) < number:
        assert time.monotonic() < deadline, f"{len(crowd.answers)} answers after {PATIENCE} s"
        time.sleep(0.01)


def hand_out_soon(target: Target) -> None:
    """What a function died over comes again after five seconds, not twelve minutes."""
    target.clients.sqs.set_queue_attributes(
        QueueUrl=target.outputs["CrashQueue"], Attributes={"VisibilityTimeout": "5"}
    )


def test_accepted_is_stored_is_events(cairn: LocalCairn, tmp_path: Path) -> None:
    target, doors, crowd = (
        local_target(cairn.connection),
        Doors(cairn),
        Crowd(cairn.minidump_url, dump_of(tmp_path, 20_000)),
    )
    with doors.watched():
        crowd.start(CLIENTS, POSTS)
        wait_for_answers(crowd, POSTS // 4)
        crowd.kill(2)
        crowd.wait()
        settle(target, PATIENCE)
    kept, made = stored(target), events(target)
    assert {answer.status for answer in crowd.answers} == {200}
    assert POSTS // 4 <= len(crowd.accepted) < POSTS, "some were killed"
    assert crowd.accepted <= kept
    assert doors.accepted == len(kept) == len(made)
    assert kept == set(made)


def test_functions_that_are_killed_lose_nothing_that_was_promised(cairn: LocalCairn, tmp_path: Path) -> None:
    target, crowd = local_target(cairn.connection), Crowd(cairn.minidump_url, dump_of(tmp_path, 20_000))
    hand_out_soon(target)
    crowd.start(4, 60)
    killed = 0
    for number in (10, 25, 40):
        wait_for_answers(crowd, number)
        for pid in [*processes_of(cairn, "Ingest"), *processes_of(cairn, "Symbolication")]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    crowd.wait()
    settle(target, PATIENCE)
    kept, made = stored(target), events(target)
    assert killed >= 3
    assert {answer.status for answer in crowd.answers} <= {200, 500}
    assert len(crowd.accepted) >= 30
    assert crowd.accepted <= kept
    assert len(made) == len(set(made))
    assert kept == set(made)
