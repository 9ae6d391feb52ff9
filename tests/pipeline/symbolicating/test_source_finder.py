"""Source bundles of a deployment: a help, and never a crash's fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.symbolicating.source_finder import StoredSources
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.ranges.spans import Allowance
from cairn.symbols.source_code import source_search
from cairn.symbols.source_code.source_search import ModuleLines
from tests.emulator import running_store
from tests.symbols.source_code.source_bundles import bundle

Store = tuple[Settings, Clients]
DEBUG_ID = "01234567-89ab-cdef-0123-456789abcdef"
OTHER_ID = "f" * 32
FILE = "/src/game.cpp"
WANTED = {DEBUG_ID: {FILE: [1, 2]}}
LINES = {FILE: {1: "int main() {}"}}


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


def uploaded(store: Store, folder: Path, text: str = "int main() {}\n", name: str = "game.src.zip") -> SymbolEntry:
    path = folder / name
    path.write_bytes(bundle({FILE: text.encode()}))
    (entry,) = Compilation(*store).run(DebugFiles(*store).put(path, path.name)).entries
    return entry


def found(sources: StoredSources) -> ModuleLines:
    return sources.find(WANTED).modules[DEBUG_ID]


def test_lines_of_what_was_uploaded(store: Store, tmp_path: Path) -> None:
    entry = uploaded(store, tmp_path)
    assert (entry.key, entry.debug_file_key) == (
        f"symbols/sources/v4/{entry.debug_file_key.split('/')[1]}/{DEBUG_ID}",
        f"debug-files/{entry.debug_file_key.split('/')[1]}/game.src.zip",
    )
    wanted: Mapping[str, Mapping[str, list[int]]] = {
        OTHER_ID: {FILE: [1]},
        DEBUG_ID.replace("-", "").upper(): {FILE: [1, 2], "/src/other.cpp": [1]},
    }
    answer = StoredSources(*store).find(wanted)
    assert {debug_id: one.lines for debug_id, one in answer.modules.items()} == {
        DEBUG_ID.replace("-", "").upper(): LINES
    }


def test_all_modules_are_asked_for_in_one_request(store: Store, tmp_path: Path) -> None:
    uploaded(store, tmp_path)
    sources, made = StoredSources(*store), list[str]()
    store[1].dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: made.append(model.name))
    sources.find({f"{n:032x}": {FILE: [1]} for n in range(1, 31)})
    assert made == ["BatchGetItem"]


def test_the_latest_bundle_that_has_the_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[SymbolEntry] = []
    monkeypatch.setattr(LastUses, "note", lambda _, entries, now: noted.extend(entries))
    older = uploaded(store, tmp_path, "old\n", "old.src.zip")
    newer = uploaded(store, tmp_path, "new\n", "new.src.zip")
    assert newer.created >= older.created
    assert found(StoredSources(*store)).lines == {FILE: {1: "new"}}
    Objects(store[1], store[0].bucket).delete(newer.debug_file_key)
    assert found(StoredSources(*store)).lines == {FILE: {1: "old"}}
    assert noted == [newer, older], "what is of use is kept"


@pytest.mark.parametrize("gone", ["key", "debug_file_key"])
def test_a_bundle_that_is_gone_has_nothing(store: Store, tmp_path: Path, gone: str) -> None:
    entry = uploaded(store, tmp_path)
    Objects(store[1], store[0].bucket).delete(getattr(entry, gone))
    assert found(StoredSources(*store)) == ModuleLines({})


def test_a_bundle_that_goes_after_it_was_opened_has_nothing(store: Store, tmp_path: Path) -> None:
    entry, sources = uploaded(store, tmp_path), StoredSources(*store)
    assert found(sources).lines == LINES
    Objects(store[1], store[0].bucket).delete(entry.debug_file_key)
    assert found(sources) == ModuleLines({})
    uploaded(store, tmp_path)
    assert found(sources).lines == LINES, "and has it again when it comes again"


def test_a_bundle_of_an_older_version_is_as_if_it_had_not_come_yet(store: Store, tmp_path: Path) -> None:
    """Before there were indexes, the bundle stood in place of one."""
    entry = uploaded(store, tmp_path)
    index, sources = SymbolIndex(*store), StoredSources(*store)
    index.remove(entry)
    old = replace(entry, key=entry.debug_file_key, version=3)
    index.put_sources(old)
    assert sources.find(WANTED).modules == {}
    assert (sources.take_outdated(), sources.take_outdated()) == ((old,), ())
    assert not sources.has_any([DEBUG_ID])
    index.put_sources(entry)
    assert sources.has_any([DEBUG_ID])


def test_a_bundle_of_a_newer_version_says_so(store: Store, tmp_path: Path) -> None:
    entry, sources = uploaded(store, tmp_path), StoredSources(*store)
    SymbolIndex(*store).put_sources(replace(entry, version=entry.version + 1))
    assert found(sources).problems == ("game.src.zip: another version of Cairn indexed this source bundle",)
    assert sources.take_outdated() == ()


def test_a_damaged_index_says_so(store: Store, tmp_path: Path) -> None:
    entry = uploaded(store, tmp_path)
    store[1].s3.put_object(Bucket=store[0].bucket, Key=entry.key, Body=bytes(entry.size))
    assert found(StoredSources(*store)).problems == ("game.src.zip: These bytes are no source index.",)


def test_bundles_that_were_not_used_are_closed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.pipeline.symbolicating.source_finder.OPEN_BUNDLES", 1)
    first, sources = uploaded(store, tmp_path, "old\n", "old.src.zip"), StoredSources(*store)
    assert found(sources).lines == {FILE: {1: "old"}}
    second = uploaded(store, tmp_path, "new\n", "new.src.zip")
    assert found(sources).lines == {FILE: {1: "new"}}
    assert list(sources._open) == [second.key] != [first.key]


def test_a_crash_waits_no_longer_than_it_may(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded(store, tmp_path)
    monkeypatch.setattr(source_search, "Allowance", lambda: Allowance(until=0))
    assert found(StoredSources(*store)) == ModuleLines(
        {}, ("game.src.zip: more would have to be read than a crash is worth",)
    )


def test_only_so_many_bundles_are_opened_for_a_crash(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(store, tmp_path)
    monkeypatch.setattr(source_search, "OPENED", 0)
    assert found(StoredSources(*store)).lines == {}
