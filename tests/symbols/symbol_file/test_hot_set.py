"""What is kept of look-ups, and symbol files that are opened with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.records import Location
from cairn.symbols.rules import CfiRule, WinRule
from cairn.symbols.symbol_file import hot_set as hot_set_module
from cairn.symbols.symbol_file.hot_set import HotSet
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.symbols.symbol_file.test_symbol_file import CountingBlob, sample

INLINED = Location("std::move<int>", "_ZSt4moveIiE", None, "/src/move.h", 12, "cpp")
OUTER = Location("main", "main", 0x1000, "/src/main.cpp", None, "c")
PUBLIC = Location("_start", "_start", 0x900, from_symbol_table=True)
CFI = CfiRule(("rsp", 16, "+"), (".cfa", -8, "+", "^"), (("rbp", (".cfa", -16, "+", "^")), ("rbx", None)), True)
OUTERMOST = CfiRule(("rsp", 8, "+"), None)
FPO = WinRule(0, 0x1000, 0x20, 3, 2, 8, 4, 16, 0, allocates_base_pointer=True)
FRAME_DATA = WinRule(4, 0x1000, 0x20, 3, 2, 8, 4, 16, 0, ("$eip", ".raSearch", "="))
HOT = HotSet(
    b"index",
    {0x1004: (INLINED, OUTER), 0x1010: (OUTER,), 0x900: (PUBLIC,), 0x10: ()},
    {0x1004: CFI, 0x1010: CFI, 0x900: OUTERMOST, 0x2000: FPO, 0x2020: FRAME_DATA, 0x10: None},
)


def packed(hot: HotSet) -> bytes:
    data = hot.pack()
    assert data is not None
    return data


def test_all_kinds_of_answers_come_back() -> None:
    assert HotSet.unpack(packed(HOT)) == HOT


def test_equal_rules_are_one_object() -> None:
    rules = HotSet.unpack(packed(HOT)).rules
    assert rules[0x1004] is rules[0x1010]


def test_what_was_looked_up_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_set_module, "MAX_PLACES", 2)
    kept = HotSet.unpack(packed(HOT))
    assert list(kept.names) == [0x900, 0x10]
    assert list(kept.rules) == [0x2020, 0x10]


def test_a_hot_set_that_saves_nothing_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_set_module, "MAX_SIZE", len(packed(HOT)) - 1)
    assert HOT.pack() is None


def test_another_version_is_refused() -> None:
    data = packed(HOT)
    with pytest.raises(SymbolFileVersionError, match="version 9"):
        HotSet.unpack(data[:8] + b"\x09\0\0\0" + data[12:])


@pytest.mark.parametrize("cut", [0, 7, 15, 16, 25, -1])
def test_a_short_one_is_refused(cut: int) -> None:
    with pytest.raises(SymbolFileError):
        HotSet.unpack(packed(HOT)[:cut])


@pytest.mark.parametrize("offset", [0, 12, 13, 30, -3])
def test_a_damaged_one_is_refused(offset: int) -> None:
    data = bytearray(packed(HOT))
    data[offset] ^= 0xFF
    with pytest.raises(SymbolFileError):
        HotSet.unpack(bytes(data))


def test_a_file_with_a_hot_set_answers_without_a_read(tmp_path: Path) -> None:
    data = sample(tmp_path)
    cold = SymbolFile.open(BytesBlob(data))
    names = cold.locate([0x1000, 0x1010])
    rules = {offset: cold.rule_at(offset) for offset in (0x1000, 0x1010, 0x5000)}
    assert (cold.hot_places, cold.known_places) == (0, 5)
    hot = HotSet.unpack(packed(cold.hot_set()))
    assert cold.hot_places == 5

    blob = CountingBlob(data)
    warm = SymbolFile.open(blob, hot=hot)
    assert warm.description == cold.description
    assert warm.locate([0x1000, 0x1010]) == names
    assert {offset: warm.rule_at(offset) for offset in rules} == rules
    assert warm.has_function(0x1000)
    assert (warm.hot_places, warm.known_places) == (5, 5)
    assert blob.calls == []


def test_what_the_hot_set_lacks_is_read(tmp_path: Path) -> None:
    data = sample(tmp_path)
    cold = SymbolFile.open(BytesBlob(data))
    blob = CountingBlob(data)
    warm = SymbolFile.open(blob, hot=cold.hot_set())
    assert warm.locate([0x1000]) == cold.locate([0x1000])
    assert warm.rule_at(0x1000) == cold.rule_at(0x1000)
    assert [len(call) for call in blob.calls] == [1, 1]
    assert [read.purpose for read in warm.log] == ["hot set", "names", "unwind rules"]
    assert (warm.hot_places, warm.known_places) == (0, 2)


def test_the_hot_set_of_another_file_is_refused(tmp_path: Path) -> None:
    data = sample(tmp_path)
    hot = SymbolFile.open(BytesBlob(data)).hot_set()
    with pytest.raises(SymbolFileError, match="does not fit"):
        SymbolFile.open(BytesBlob(data + b"more"), hot=hot)
    with pytest.raises(SymbolFileError, match="damaged"):
        SymbolFile.open(BytesBlob(data), hot=hot._replace(index_frame=b"nonsense"))


def test_the_nearest_symbol_is_kept_too(tmp_path: Path) -> None:
    data = sample(tmp_path)
    first = SymbolFile.open(BytesBlob(data))
    assert first.locate([0x1060]) == {0x1060: ()}
    nearest = first.nearest(0x1060)
    assert nearest is not None
    assert (nearest.function, nearest.entry) == ("alpha(int)", 0x1000)
    blob = CountingBlob(data)
    again = SymbolFile.open(blob, hot=HotSet.unpack(packed(first.hot_set())))
    assert again.locate([0x1060]) == {0x1060: ()}
    assert (again.nearest(0x1060), blob.calls) == (nearest, [])
