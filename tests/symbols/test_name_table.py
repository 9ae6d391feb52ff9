from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.columns import pack
from cairn.symbols.errors import MalformedDebugFileError, SymbolFileError
from cairn.symbols.name_table import NamePiece, name_pieces
from cairn.symbols.symcache import NONE, SymCache

Row = tuple[int, tuple[int, int, int, int]]


def symcache(rows: list[Row], parents: list[tuple[int, int, int, int]] | None = None, version: int = 9) -> bytes:
    """A symcache with ``f0`` … ``f9`` as functions and ``/d/a.c`` as its file."""
    names = [b"f%d" % number for number in range(10)] + [b"/d", b"a.c"]
    strings, offsets = b"", []
    for name in names:
        offsets.append(len(strings))
        strings += (struct.pack("<I", len(name)) if version == 7 else bytes((len(name),))) + name
    file = struct.pack("<3I", NONE, offsets[10], offsets[11]) + (b"\xff" * 12 if version == 9 else b"")
    functions = b"".join(struct.pack("<4I", offsets[number], NONE, 0x100 * number, 2) for number in range(10))
    locations = [*(parents or []), *(location for _, location in rows)]
    header = struct.pack(
        "<4sI32s6I16x", b"SYMC", version, bytes(32), 201, 1, 10, len(locations), len(rows), len(strings)
    )
    sections = (
        file, functions, b"".join(struct.pack("<4I", *location) for location in locations),
        b"".join(struct.pack("<I", start) for start, _ in rows),
    )  # fmt: skip
    data = header
    for section in sections:
        data += section
        data += bytes(-len(data) % 8)
    return data + strings


def line(function: int, line: int = 1, parent: int = NONE) -> tuple[int, int, int, int]:
    return (0, line, function, parent)


GAP = (NONE, NONE, NONE, NONE)


def pieces_of(rows: list[Row], ends: dict[int, int] | None = None, size: int = 1 << 20) -> list[NamePiece]:
    return [NamePiece(piece.data) for piece in name_pieces(SymCache(symcache(rows)), ends or {}, str, size)]


@pytest.mark.parametrize("version", (7, 8, 9))
def test_versions_of_the_symcache(version: int) -> None:
    cache = SymCache(symcache([(0x10, line(3, 7, 0)), (0x20, GAP)], [line(4, 8)], version))
    chain = cache.lookup(0x18)
    assert [(cache.function(at.function).symbol, at.line) for at in chain] == [("f3", 7), ("f4", 8)]
    assert cache.file(chain[0].file or 0) == "/d/a.c"
    assert cache.lookup(0x20) == cache.lookup(0xF) == cache.lookup(1 << 33) == []


@given(st.binary(max_size=200))
def test_bytes_that_are_no_symcache(data: bytes) -> None:
    with pytest.raises(MalformedDebugFileError):
        SymCache(data)


def test_an_inline_chain_that_loops_is_refused() -> None:
    cache = SymCache(symcache([(0x10, line(3, 7, 0))], [line(4, 8, 1), line(5, 9, 0)]))
    with pytest.raises(MalformedDebugFileError, match="does not end"):
        cache.lookup(0x10)
    with pytest.raises(MalformedDebugFileError, match="does not end"):
        list(name_pieces(cache, {}, str))


def test_a_name_of_the_symbol_table_ends_where_the_symbol_ends() -> None:
    bare = (NONE, 0, 1, NONE)
    (piece,) = pieces_of([(0x10, bare), (0x40, bare), (0x60, line(2))], {0x10: 0x30, 0x40: 0x80, 0x60: 0x61})
    assert [bool(piece.locate(offset)) for offset in (0x2F, 0x30, 0x3F, 0x40, 0x5F, 0x70)] == [
        True, False, False, True, True, True,
    ]  # fmt: skip
    (located,) = piece.locate(0x10)
    assert located.from_symbol_table
    assert not piece.locate(0x60)[0].from_symbol_table


def test_the_nearest_symbol_is_known_in_a_gap_and_nowhere_else() -> None:
    bare = (NONE, 0, 1, NONE)
    (piece,) = pieces_of([(0x8, GAP), (0x10, bare), (0x60, line(2)), (0x70, GAP)], {0x10: 0x30})
    nearest = [[(at.function, at.entry, at.ends_before) for at in piece.nearest(at)] for at in (0x30, 0x5F, 0x70, 0x99)]
    assert nearest == [[("f1", 0x100, True)]] * 2 + [[("f2", 0x200, True)]] * 2
    assert [piece.nearest(offset) for offset in (0x7, 0x8, 0x10, 0x60)] == [()] * 4
    (ended,) = piece.nearest(0x70)
    assert (ended.file, ended.line) == (None, None)


@given(st.integers(1, 400))
def test_a_gap_stands_in_the_piece_of_the_name_before_it(size: int) -> None:
    rows: list[Row] = []
    for number in range(60):
        rows += [(0x20 * number, line(number % 10, number + 1)), (0x20 * number + 0x10, GAP)]
    pieces = pieces_of(rows, size=size)
    starts = [piece._starts[0] for piece in pieces]
    for start, _ in rows[1::2]:
        piece = next(piece for piece, first in zip(reversed(pieces), reversed(starts), strict=True) if first <= start)
        assert [at.function for at in piece.nearest(start)] == [f"f{start // 0x20 % 10}"]


ROWS = st.dictionaries(
    st.integers(0, 0xFFFFFFFF),
    st.one_of(st.just(GAP), st.builds(line, st.integers(0, 9), st.integers(1, 5))),
    min_size=1, max_size=40,
)  # fmt: skip


@given(ROWS, st.integers(1, 400))
def test_pieces_say_what_the_symcache_says(rows: dict[int, tuple[int, int, int, int]], size: int) -> None:
    cache = SymCache(symcache(sorted(rows.items())))
    pieces = list(name_pieces(cache, {}, str, size))
    for offset in rows:
        piece = next((piece for piece in reversed(pieces) if piece.start <= offset), None)
        located = () if piece is None else NamePiece(piece.data).locate(offset)
        expected = [(cache.function(at.function).symbol, at.line) for at in cache.lookup(offset)]
        assert [(at.symbol, at.line) for at in located] == expected


@given(st.lists(st.integers(0, 6), min_size=4, max_size=40))
def test_pieces_that_lie_raise_or_answer(numbers: list[int]) -> None:
    try:
        piece = NamePiece(pack(numbers))
        for offset in range(10):
            piece.locate(offset)
            piece.nearest(offset)
    except SymbolFileError as error:
        assert error.code == "broken_symbol_file"


def test_a_piece_with_a_loop_is_refused() -> None:
    counts, start, row = (1, 2, 1, 0), (0,), (1,)
    files, lines, functions, parents = (0, 0), (1, 1), (0, 0), (2, 1)
    data = pack((*counts, *start, *row, *files, *lines, *functions, *parents, 0, 0, 0, 0))
    with pytest.raises(SymbolFileError, match="does not end"):
        NamePiece(data).locate(0)
