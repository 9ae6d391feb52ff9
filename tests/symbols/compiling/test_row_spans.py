"""Which of two symcaches of one file holds where."""

from __future__ import annotations

from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.row_spans import Span, covered_by, row_spans
from cairn.symbols.compiling.symcache import SymCache
from tests.symbols.compiling.test_name_pieces import GAP, Row, line, symcache


def parts_of(*parts: list[Row]) -> list[NameRows]:
    """Functions ``f0`` … ``f9`` begin at 0x000, 0x100 …"""
    return [NameRows(SymCache(symcache(rows)), {}) for rows in parts]


def holding(*parts: list[Row]) -> list[tuple[int, int, int]]:
    """Which part holds, and the lines of its first and last row."""
    found = parts_of(*parts)
    lines = [part.columns[1] for part in found]
    return [(span.part, lines[span.part][span.first], lines[span.part][span.end - 1]) for span in row_spans(found)]


def test_one_holds_everywhere() -> None:
    rows = [(0x100, line(1)), (0x180, GAP)]
    assert row_spans(parts_of(rows)) == [Span(0, 0, 2)]
    assert row_spans(parts_of([])) == [Span(0, 0, 0)]


def test_each_holds_where_it_knows_more() -> None:
    first = [(0x100, line(1, 11)), (0x180, GAP), (0x300, line(3, 13)), (0x380, GAP)]
    second = [(0x200, line(2, 22)), (0x280, GAP), (0x400, line(4, 24)), (0x480, GAP)]
    none = GAP[1]
    assert holding(first, second) == [(0, 11, none), (1, 22, none), (0, 13, none), (1, 24, none)]
    assert holding(second, first) == [(1, 11, none), (0, 22, none), (1, 13, none), (0, 24, none)]


def test_of_two_descriptions_the_first_holds_even_where_it_has_a_hole() -> None:
    first = [(0x100, line(1, 11)), (0x120, GAP), (0x140, line(1, 12)), (0x180, GAP)]
    second = [(0x100, line(1, 21)), (0x180, line(1, 22)), (0x200, line(2, 23)), (0x280, GAP)]
    assert holding(first, second) == [(0, 11, GAP[1]), (1, 23, GAP[1])]


def test_functions_without_a_gap_between_them_are_told_apart() -> None:
    first = [(0x200, line(2, 12)), (0x300, GAP)]
    second = [(0x100, line(1, 21)), (0x200, line(2, 22)), (0x300, line(3, 23)), (0x400, GAP)]
    assert holding(first, second) == [(1, 21, 21), (0, 12, 12), (1, 23, GAP[1])]


def test_functions_are_covered_up_to_where_the_next_part_holds() -> None:
    first = [(0x200, line(2)), (0x300, GAP)]
    second = [(0x100, line(1)), (0x200, line(2)), (0x300, line(3)), (0x400, GAP)]
    parts = parts_of(first, second)
    assert list(covered_by(parts, row_spans(parts))) == [(0x100, 0x200), (0x200, 0x300), (0x300, 0x400)]
