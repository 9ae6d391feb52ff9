"""Nothing that was accepted is lost, however the emulator ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cairn_cli.local.emulator import Emulator
from cairn_cli.local.state import LocalError, State
from tests.local.small_stack import Small, bundles, eventually, start_small


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def put(small: Small, *names: str) -> None:
    for name in names:
        assert small.ask("POST", f"/put?name={name}", b"dump")[0] == 200


def test_everything_is_there_after_kill_9(state: State, tmp_path: Path) -> None:
    first = start_small(state, bundles(tmp_path))
    put(first, "a", "b", "c")
    assert eventually(lambda: len(first.items()) == 3)
    put(first, "late", "slow")
    os.kill(first.emulator.process.pid, signal.SIGKILL)
    first.emulator.stop()

    second = start_small(state, bundles(tmp_path))
    assert second.said == []
    assert second.outputs == first.outputs
    assert second.emulator.endpoint_url == first.emulator.endpoint_url
    try:
        objects = second.clients.s3.list_objects_v2(Bucket="small-crashes")["Contents"]
        assert {item["Key"] for item in objects} == {f"crashes/{name}" for name in ("a", "b", "c", "late", "slow")}
        put(second, "d")
        expected = {f"crashes/{name}" for name in ("a", "b", "c", "late", "slow", "d")}
        assert eventually(lambda: second.items() == expected), second.items()
    finally:
        second.emulator.stop()


def test_an_orderly_stop_sends_no_event_again_and_new_code_is_deployed(state: State, tmp_path: Path) -> None:
    first = start_small(state, bundles(tmp_path, version=1))
    put(first, "a")
    assert first.ask("GET", "/")[1]["version"] == 1
    assert eventually(lambda: first.items() == {"crashes/a"} and not first.has_work())
    first.clients.dynamodb.delete_item(TableName=first.outputs["Table"], Key={"pk": {"S": "crashes/a"}})
    first.emulator.stop()
    assert first.emulator.process.returncode == 0

    second = start_small(state, bundles(tmp_path, version=2))
    try:
        assert second.said[0] == "3 bundles uploaded"
        assert second.ask("GET", "/")[1]["version"] == 2
        put(second, "b")
        assert eventually(lambda: second.items() == {"crashes/b"}), second.items()
    finally:
        second.emulator.stop()


def test_a_first_deployment_that_was_cut_off_is_forgotten(state: State) -> None:
    first = Emulator.start(state, port=0)
    (state.objects / "000000000000" / "left-over").mkdir(parents=True)
    first.kill()
    second = Emulator.start(state, port=0)
    second.stop()
    assert not (state.objects / "000000000000").exists()


def test_the_emulator_ends_with_its_parent(state: State) -> None:
    emulator = Emulator.start(state, port=0)
    emulator._input.close()  # what the system does when the parent is killed
    emulator.process.wait(5)
    assert not state.is_running()


def test_a_second_instance_is_told_who_runs(state: State) -> None:
    emulator = Emulator.start(state, port=0)
    try:
        with pytest.raises(LocalError, match="already runs on the state") as caught:
            Emulator.start(state, port=0)
        assert caught.value.code == "already_running"
    finally:
        emulator.stop()


def test_a_taken_port_is_named(small: Small, state: State) -> None:
    port = int(small.emulator.url.rpartition(":")[2])
    with pytest.raises(LocalError, match=f"Port {port} of 127.0.0.1 .* Choose another one with --port") as caught:
        Emulator.start(state, port)
    assert caught.value.code == "port_taken"
    assert not state.is_running()


def test_an_emulator_that_does_not_start_shows_its_log(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn_cli.local.emulator.MODULE", "cairn_cli.local.no_such_module")
    with pytest.raises(LocalError, match=r"(?s)did not start.*No module named") as caught:
        Emulator.start(state, port=0)
    assert caught.value.code == "emulator_failed"
