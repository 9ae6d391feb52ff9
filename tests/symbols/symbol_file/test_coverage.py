from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.symbol_file.coverage import END_OF_ADDRESSES, MAX_STRETCHES, Coverage, merge


def test_stretches_that_touch_are_one_and_padding_is_not_covered() -> None:
    assert merge([(100, 110), (0, 10), (10, 40), (5, 8), (60, 60)]) == [(0, 40), (100, 110)]
    assert merge([(0, 10), (11, 40)]) == [(0, 10), (11, 40)]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), max_size=12))
def test_what_lies_in_a_stretch_is_covered_and_nothing_else(parts: list[tuple[int, int]]) -> None:
    coverage = Coverage.of((start, start + size) for start, size in parts)
    for offset in range(0, 600):
        assert (offset in coverage) == any(start <= offset < start + size for start, size in parts)


def test_a_stretch_may_go_on_to_the_end_of_addresses() -> None:
    coverage = Coverage.of([(10, 20), (30, END_OF_ADDRESSES)])
    assert list(coverage.bounds) == [10, 20, 30]
    asked = (-1, 9, 10, 20, 30, END_OF_ADDRESSES - 1, END_OF_ADDRESSES)
    assert [offset in coverage for offset in asked] == [False, False, True, False, True, True, False]


def test_of_too_many_stretches_the_nearest_are_merged_and_no_others() -> None:
    near = [(start, start + 8) for start in range(0, 1000 * 9, 9)]
    far = [(start, start + 8) for start in range(1 << 20, (1 << 20) + 40 * (MAX_STRETCHES - 1), 40)]
    assert merge(near + far) == [(0, 999 * 9 + 8), *far]


def test_where_all_gaps_are_alike_only_as_many_as_it_takes_are_closed() -> None:
    stretches = [(start, start + 1) for start in range(0, 100 * MAX_STRETCHES, 40)]
    merged = merge(stretches)
    assert len(merged) == MAX_STRETCHES
    assert (merged[0][0], merged[-1][1]) == (stretches[0][0], stretches[-1][1])
    assert all(end <= start for (_, end), (start, _) in pairwise(merged))
