"""Debug files in a running Cairn: the ones that crashes use stay, the others go."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from cairn.store.notifications import SWEEP
from cairn.store.queues import Queue
from cairn.store.symbols.last_uses import DAY
from cairn.store.symbols.symbol_index import LISTING, SymbolIndex
from cairn.store.table import Row, Table
from cairn_cli.demo.post import post_minidump
from tests.cli.command import cairn
from tests.contract.crashpad import compile_program, crash
from tests.e2e.conftest import Running

SOURCE = """
__attribute__((noinline)) int look_at(const int* kept) { return *kept; }
int main(int argc, char**) { return look_at(argc > 5 ? new int : nullptr) + 1; }
"""
NAMES = ("kept", "sent_again", "unused")


def listed(running: Running) -> dict[str, Row]:
    """The rows of debug files that the test uploaded, by name."""
    table = Table(running.target.clients, running.target.settings.symbols_table)
    rows = table.query("pk = :pk", {":pk": LISTING})
    return {row["entry"]["name"]: row for row in rows if row["entry"]["name"] in NAMES}


def uploaded_long_ago(running: Running, name: str) -> None:
    """Let the upload of a file lie further back than files are kept."""
    row = listed(running)[name]
    table = Table(running.target.clients, running.target.settings.symbols_table)
    assert table.put(row | {"entry": row["entry"] | {"created": time.time() - 100 * DAY}})


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_a_file_that_a_crash_used_or_that_is_sent_again_stays_and_another_goes(
    running: Running, tmp_path: Path
) -> None:
    kept, again, unused = (compile_program(SOURCE + f"int {name};", tmp_path, "-g", name=name) for name in NAMES)
    running.symbols(kept, again, unused)
    for name in NAMES:
        uploaded_long_ago(running, name)
    assert cairn("upload-debug-files", again, "--no-wait", environment=running.environment).code == 0
    assert "used" in listed(running)["sent_again"]
    event = running.event(post_minidump(running.minidump_url, crash(kept, tmp_path).dumps[0], {}))
    assert event.title == "look_at"

    deadline = time.monotonic() + 30
    while "used" not in listed(running)["kept"]:
        assert time.monotonic() < deadline, "the use was not noted"
        time.sleep(0.1)
    queue = Queue(running.target.clients, running.cairn.connection.outputs["DebugFileQueue"])
    queue.send(json.dumps(SWEEP))
    while "unused" in listed(running):
        assert time.monotonic() < deadline, "the unused file was not deleted"
        time.sleep(0.1)
    assert listed(running).keys() == {"kept", "sent_again"}
    names = {entry.name for entry in SymbolIndex(running.target.settings, running.target.clients).list()}
    assert "unused" not in names
