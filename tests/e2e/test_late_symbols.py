"""A crash that arrives before its symbols."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from cairn_cli.demo.post import post_minidump
from cairn_cli.output import moment
from tests.contract.crashpad import compile_program, crash
from tests.e2e.conftest import Running
from tests.e2e.test_commands import run

SOURCE = """
__attribute__((noinline)) int look_at(const int* late) { return *late; }
int main(int argc, char**) { return look_at(argc > 5 ? new int : nullptr) + 1; }
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_its_event_gets_names_once_they_are_there(running: Running, tmp_path: Path) -> None:
    program = compile_program(SOURCE, tmp_path, "-g", "-O1", "-fno-optimize-sibling-calls", name="late")
    event_id = post_minidump(running.minidump_url, crash(program, tmp_path).dumps[0], {})
    early = running.event(event_id)
    assert early.title.startswith("late+0x")
    assert any(error.type == "native_missing_dsym" for error in early.errors)

    running.symbols(program)
    deadline = time.monotonic() + 30
    while (event := running.event(event_id)).title != "look_at":
        assert time.monotonic() < deadline, f"still {event.title}"
        time.sleep(0.1)
    assert event.cairn.first_symbolicated == early.cairn.symbolicated
    assert event.cairn.symbolicated and early.cairn.symbolicated
    assert event.cairn.symbolicated > early.cairn.symbolicated
    assert not event.errors
    shown = run(running, "events", "show", event_id).out
    assert f"symbolicated again {moment(event.cairn.symbolicated)} UTC, first" in shown
