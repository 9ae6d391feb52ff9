from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.unwind_data.macho_compact import MAX_ENTRIES, Entry, entries
from tests.symbols.unwind_data.macho_programs import table

FUNCTIONS = [(0x1000, 0x0100_0000), (0x1040, 0), (0x1100, 0x0202_0000)]


@pytest.mark.parametrize("compressed", (True, False))
def test_every_function_has_its_encoding(compressed: bool) -> None:
    found = list(entries(table(FUNCTIONS, 0x1200, compressed)))
    assert found == [
        Entry(0x1000, 0x1040, 0x0100_0000),
        Entry(0x1040, 0x1100, 0),
        Entry(0x1100, 0x1200, 0x0202_0000),
    ]


def test_encodings_that_pages_share() -> None:
    own = bytearray(table(FUNCTIONS, 0x1200))
    struct.pack_into("<II", own, 4, len(own), 3)
    own += struct.pack("<3I", 7, 8, 9)
    assert [entry.encoding for entry in entries(bytes(own))] == [8, 7, 9]


def test_what_overlaps_is_left_out() -> None:
    found = list(entries(table([(0x1000, 1), (0x2000, 2), (0x1800, 3), (0x3000, 4)], 0x4000, compressed=False)))
    assert found == [Entry(0x1000, 0x2000, 1), Entry(0x3000, 0x4000, 4)]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    ((0, 2, "unknown version 2"), (52, 4, "unknown kind 4"), (20, 1 << 31, "cut short"), (32, 1 << 31, "cut short")),
    ids=("version", "page", "index", "page's place"),
)
def test_what_makes_no_sense_is_told(place: int, value: int, message: str) -> None:
    data = bytearray(table(FUNCTIONS, 0x1200))
    struct.pack_into("<I", data, place, value)
    with pytest.raises(MalformedDebugFileError, match=message):
        list(entries(bytes(data)))


def test_pages_that_are_named_again_and_again_have_an_end() -> None:
    """A page of 64 KB, named by 100,000 entries of the index, would be seven thousand million functions."""
    count, times = 0xFFFF, 100_000
    page = struct.pack("<IHH", 2, 8, count) + bytes(8 * count)
    index = struct.pack("<III", 0, 28, 0) * times
    data = struct.pack("<7I", 1, 28, 0, 28, 0, 28 + len(page), times) + page + index
    with pytest.raises(MalformedDebugFileError, match=f"more than {MAX_ENTRIES:,}"):
        list(entries(data))


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_any_bytes_are_answered(tail: bytes, head: bytes) -> None:
    for data in (head + tail, table(FUNCTIONS, 0x1200)[: len(head)] + tail):
        try:
            found = list(entries(data))
        except MalformedDebugFileError:
            continue
        assert all(one.end <= other.start for one, other in pairwise(found))
