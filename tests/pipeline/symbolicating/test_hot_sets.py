"""Hot sets: what one crash looked up in S3 spares the next one the reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.crash.symbolication import DistantFinder
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.symbolicating import symbol_finder
from cairn.pipeline.symbolicating.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.store.aws import Clients
from cairn.store.errors import UnavailableError
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.hot_sets import HotSets, StoredHotSet, hot_key
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.symbol_file import reader
from cairn.symbols.symbol_file.hot_set import HotSet
from tests.emulator import running_store
from tests.symbols.programs import SYM

Store = tuple[Settings, Clients]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


@pytest.fixture
def entry(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> SymbolEntry:
    """A symbol file of its own for each test, with a hot set though it is small."""
    monkeypatch.setattr(symbol_finder, "SMALLEST_WITH_HOT_SET", 0)
    return compiled(store, tmp_path, request.node.name)


def compiled(store: Store, folder: Path, name: str) -> SymbolEntry:
    """The symbol file of a debug file with a function of that name."""
    path = folder / "a.sym"
    path.write_bytes(SYM + f"PUBLIC 9000 0 {name}\n".encode())
    (entry,) = Compilation(*store).run(DebugFiles(*store).put(path, path.name)).entries
    return entry


def test_the_next_process_reads_nothing_more(store: Store, entry: SymbolEntry) -> None:
    first = OpenSymbolFiles(*store)
    file = first.open(entry)
    names, rule = file.locate([0x1000]), file.rule_at(0x1000)
    assert [read.purpose for read in file.log] == ["opening"]
    first.keep_hot_sets()

    file = OpenSymbolFiles(*store).open(entry)
    assert file.locate([0x1000]) == names
    assert file.rule_at(0x1000) == rule
    hot = HotSets(*store).get(entry.key).hot
    assert hot and file.log == [("hot set", len(hot.index_frame))]


def test_the_first_crash_of_a_large_file_does_not_read_its_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "WHOLE_FILE", 0)
    monkeypatch.setattr(reader, "TAIL", 16)
    monkeypatch.setattr(symbol_finder, "SMALLEST_WITH_HOT_SET", 0)
    entry = compiled(store, tmp_path, "large")
    first = OpenSymbolFiles(*store)
    file = first.open(entry)
    assert file.locate([0x1000])[0x1000]
    assert [read.purpose for read in file.log] == ["hot set", "names"]
    first.keep_hot_sets()

    assert compiled(store, tmp_path, "large").key == entry.key  # compiling again leaves what crashes found
    kept = HotSets(*store).get(entry.key)
    assert kept.hot and list(kept.hot.names) == [0x1000]


def test_a_hot_set_is_written_when_it_grew_by_a_part(store: Store, entry: SymbolEntry) -> None:
    first = OpenSymbolFiles(*store)
    first.open(entry).locate(range(0x1000, 0x1010))
    first.keep_hot_sets()
    before = HotSets(*store).get(entry.key)
    assert before.hot and len(before.hot.names) == 16

    for more, kept in ((2, 16), (3, 19)):
        other = OpenSymbolFiles(*store)
        other.open(entry).locate(range(0x1100, 0x1100 + more))
        other.keep_hot_sets()
        after = HotSets(*store).get(entry.key)
        assert after.hot and len(after.hot.names) == kept
    assert after.tag != before.tag


def test_of_two_writers_one_wins(store: Store, entry: SymbolEntry) -> None:
    both = [OpenSymbolFiles(*store), OpenSymbolFiles(*store)]
    for offset, files in enumerate(both, 0x1000):
        files.open(entry).locate([offset])
    for files in both:
        files.keep_hot_sets()
    kept = HotSets(*store).get(entry.key)
    assert kept.hot and list(kept.hot.names) == [0x1000]


def test_a_stale_tag_does_not_write(store: Store) -> None:
    hot_sets, hot = HotSets(*store), HotSet(b"", {}, {})
    assert hot_sets.get("symbols/stale") == StoredHotSet()
    assert hot_sets.put("symbols/stale", hot, None)
    tag = hot_sets.get("symbols/stale").tag
    assert hot_sets.put("symbols/stale", HotSet(b"1", {}, {}), tag)
    assert not hot_sets.put("symbols/stale", hot, tag)
    assert not hot_sets.put("symbols/never-there", hot, tag)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", HotSet(b"another index", {}, {}).pack()], ids=["empty", "nonsense", "other"]
)
def test_a_damaged_hot_set_is_put_right(store: Store, entry: SymbolEntry, content: bytes) -> None:
    settings, clients = store
    Objects(clients, settings.bucket).put(hot_key(entry.key), content)
    files = OpenSymbolFiles(*store)
    assert files.open(entry).locate([0x1000])[0x1000][0].function == "alpha(int)"
    files.keep_hot_sets()
    kept = HotSets(*store).get(entry.key)
    assert kept.hot and list(kept.hot.names) == [0x1000]


def test_a_hot_set_that_cannot_be_written_is_no_fault(
    store: Store, entry: SymbolEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(*_: object) -> bool:
        tried.append(True)
        raise UnavailableError("unavailable", "slow down")

    monkeypatch.setattr(HotSets, "put", fail)
    files = OpenSymbolFiles(*store)
    files.open(entry).locate([0x1000])
    files.keep_hot_sets()
    assert tried


def test_a_small_symbol_file_has_none(store: Store, entry: SymbolEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_finder, "SMALLEST_WITH_HOT_SET", entry.size + 1)
    files = OpenSymbolFiles(*store)
    files.open(entry).locate([0x1000])
    files.keep_hot_sets()
    assert HotSets(*store).get(entry.key) == StoredHotSet()


def test_tasks_run_side_by_side(store: Store) -> None:
    finder = IndexFinder(SymbolIndex(*store), OpenSymbolFiles(*store))
    assert isinstance(finder, DistantFinder)
    done: list[int] = []
    for count in (0, 1, 5):
        done.clear()
        finder.side_by_side([lambda number=number: done.append(number) for number in range(count)])  # type: ignore[misc]
        assert sorted(done) == list(range(count))
