"""Debug files that no crash used for long go, a batch at a time, and can come again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.debug_files.sweep_debug_files import Sweep
from cairn.pipeline.symbolicating.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.last_uses import DAY
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from tests.emulator import running_store
from tests.symbols.programs import SYM

Store = tuple[Settings, Clients]


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as (settings, clients):
        yield replace(settings, symbol_retention_days=10), clients


def compiled(store: Store, folder: Path) -> SymbolEntry:
    debug_id = secrets.token_hex(16).upper() + "0"
    content = SYM.replace(SYM.split()[3], debug_id.encode(), 1)
    path = folder / "game.sym"
    path.write_bytes(content)
    (entry,) = Compilation(*store).run(DebugFiles(*store).put(path, path.name)).entries
    return entry


def sha1_of(entry: SymbolEntry) -> str:
    return entry.debug_file_key.split("/")[1]


def found(store: Store, entry: SymbolEntry) -> bool:
    return bool(SymbolIndex(*store).find([(entry.debug_id, None)], consistent=True)[entry.debug_id, None])


def test_what_a_crash_used_stays(store: Store, tmp_path: Path) -> None:
    used, unused = compiled(store, tmp_path), compiled(store, tmp_path)
    files = OpenSymbolFiles(*store)
    IndexFinder(SymbolIndex(*store), files).find(used.debug_id, None)
    later = time.time() + 10 * DAY + 60
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cairn.pipeline.symbolicating.symbol_finder.time.time", lambda: later - 9 * DAY)
        files.note_uses()
    assert Sweep(*store).run(later) == ((sha1_of(unused),), False)
    assert (found(store, used), found(store, unused)) == (True, False)
    assert Sweep(*store).run(later) == ((), False)


def test_nothing_goes_before_its_time(store: Store, tmp_path: Path) -> None:
    entry = compiled(store, tmp_path)
    assert Sweep(*store).run(time.time() + 9 * DAY) == ((), False)
    assert found(store, entry)


def test_a_run_deletes_so_many_and_says_that_there_are_more(store: Store, tmp_path: Path) -> None:
    entries = [compiled(store, tmp_path) for _ in range(3)]
    sweep = Sweep(*store, per_run=2)
    later = time.time() + 11 * DAY
    first, has_more = sweep.run(later)
    assert (len(first), has_more) == (2, True)
    second, has_more = sweep.run(later)
    assert (len(second), has_more) == (1, False)
    assert {*first, *second} == set(map(sha1_of, entries))


def test_a_file_that_went_can_be_uploaded_again(store: Store, tmp_path: Path) -> None:
    entry = compiled(store, tmp_path)
    Sweep(*store).run(time.time() + 11 * DAY)
    assert not found(store, entry)
    (again,) = Compilation(*store).run(DebugFiles(*store).put(tmp_path / "game.sym", "game.sym")).entries
    assert again.key == entry.key
    assert found(store, entry)
