from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.compiling.name_pieces import ROWS_PER_PIECE, name_pieces, piece_spans
from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.row_spans import row_spans
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.errors import MalformedDebugFileError, SymbolFileError
from cairn.symbols.symbol_file.columns import NONE, Piece, pack
from cairn.symbols.symbol_file.name_piece import NamePiece

Link = tuple[int, int, int, int]
Row = tuple[int, Link]


def symcache(rows: list[Row], parents: list[Link] | None = None, version: int = 9) -> bytes:
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


def line(function: int, line: int = 1, parent: int = NONE) -> Link:
    return (0, line, function, parent)


GAP = (NONE, NONE, NONE, NONE)


def cut(rows: list[Row], parents: list[Link] | None = None, ends: dict[int, int] | None = None, size: int = 1 << 20,
        version: int = 9) -> list[Piece]:  # fmt: skip
    cache = SymCache(symcache(rows, parents, version))
    parts = [NameRows(cache, ends or {})]
    return list(name_pieces(parts, piece_spans(parts, row_spans(parts)), str.upper, size))


def pieces_of(rows: list[Row], ends: dict[int, int] | None = None, size: int = 1 << 20) -> list[NamePiece]:
    return [NamePiece(piece.data) for piece in cut(rows, ends=ends, size=size)]


def chain_of(link: Link, parents: list[Link]) -> list[Link]:
    """What a location means, by the words of the format: innermost first."""
    chain = []
    while link[2] != NONE:
        chain.append(link)
        if link[3] == NONE:
            break
        link = parents[link[3]]
    return chain


@pytest.mark.parametrize("version", (7, 8, 9))
def test_versions_of_the_symcache(version: int) -> None:
    (piece,) = cut([(0x10, line(3, 7, 0)), (0x20, GAP)], [line(4, 8)], version=version)
    names = NamePiece(piece.data)
    located = [(at.function, at.symbol, at.file, at.line, at.entry, at.language) for at in names.locate(0x18)]
    assert located == [("F3", "f3", "/d/a.c", 7, None, "cpp"), ("F4", "f4", "/d/a.c", 8, 0x400, "cpp")]
    assert names.locate(0x20) == names.locate(0xF) == ()


@given(st.binary(max_size=200))
def test_bytes_that_are_no_symcache(data: bytes) -> None:
    with pytest.raises(MalformedDebugFileError):
        SymCache(data)


def test_an_inline_chain_that_loops_is_cut_and_then_refused() -> None:
    (piece,) = cut([(0x10, line(3, 7, 0))], [line(4, 8, 1), line(5, 9, 0)])
    with pytest.raises(SymbolFileError, match="does not end"):
        NamePiece(piece.data).locate(0x10)


@pytest.mark.parametrize("link", [(1, 1, 0, NONE), (0, 1, 10, NONE), (0, 1, 0, 1)], ids=["file", "function", "outer"])
def test_a_symcache_that_names_what_it_lacks_is_refused(link: Link) -> None:
    with pytest.raises(MalformedDebugFileError, match="does not have"):
        cut([(0x10, link)])


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
    assert nearest == [[("F1", 0x100, True)]] * 2 + [[("F2", 0x200, True)]] * 2
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
        assert [at.function for at in piece.nearest(start)] == [f"F{start // 0x20 % 10}"]


def test_many_rows_are_cut_by_their_number() -> None:
    """Where gaps lie at the seams, too: these stay with the name before."""
    count = 2 * ROWS_PER_PIECE + 100
    rows = [(2 * number, GAP if number % 8 in (0, 1) else line(number % 10, number)) for number in range(count)]
    pieces = cut(rows)
    assert [piece.start // 2 for piece in pieces] == [0, ROWS_PER_PIECE + 2, 2 * ROWS_PER_PIECE + 2]
    (nearest,) = NamePiece(pieces[0].data).nearest(2 * ROWS_PER_PIECE + 3)
    assert nearest.function == f"F{(ROWS_PER_PIECE - 1) % 10}"


PARENTS = [line(7, 1), line(8, 2, 0), line(9, 3, 1), (NONE, NONE, 6, 0)]
ROWS = st.dictionaries(
    st.integers(0, 0xFFFFFFFF),
    st.one_of(
        st.just(GAP),
        st.builds(line, st.integers(0, 9), st.integers(0, 5), st.sampled_from((NONE, 0, 1, 2, 3))),
        st.tuples(st.just(NONE), st.sampled_from((0, 4, NONE)), st.integers(0, 9), st.just(NONE)),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(ROWS, st.integers(1, 400))
def test_pieces_say_what_the_symcache_says(rows: dict[int, Link], size: int) -> None:
    pieces = cut(sorted(rows.items()), PARENTS, size=size)
    for offset, link in rows.items():
        piece = next((piece for piece in reversed(pieces) if piece.start <= offset), None)
        located = () if piece is None else NamePiece(piece.data).locate(offset)
        expected = [
            (
                f"f{function}",
                "/d/a.c" if file != NONE else None,
                line if file != NONE and line not in (0, NONE) else None,
            )
            for file, line, function, _ in chain_of(link, PARENTS)
        ]
        assert [(at.symbol, at.file, at.line) for at in located] == expected


@given(st.lists(st.integers(0, 6), min_size=4, max_size=40))
def test_pieces_that_lie_raise_or_answer(numbers: list[int]) -> None:
    try:
        piece = NamePiece(pack(numbers))
        for offset in range(10):
            piece.locate(offset)
            piece.nearest(offset)
    except SymbolFileError as error:
        assert error.code == "broken_symbol_file"


@pytest.mark.parametrize("kind", range(3), ids=["file", "function", "outer"])
def test_a_piece_that_names_what_it_lacks_is_refused(kind: int) -> None:
    (piece,) = cut([(0x10, line(1, 1, 0))], [line(2)])
    lying = bytearray(piece.data)
    place = 4 * (4 + 1 + (0, 2, 3)[kind])
    lying[place : place + 4] = pack((5,))
    with pytest.raises(SymbolFileError, match="does not have"):
        NamePiece(bytes(lying)).locate(0x10)
