"""Which addresses of a module belong to functions: a short list that a walk can ask without fetching anything."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain

END_OF_ADDRESSES = 1 << 32
MAX_STRETCHES = 16384
"""Stretches that are kept. Where there are more, gaps are closed, the narrow ones first.

While there are fewer, not even the padding between two functions counts as covered: pointers to functions lie on every
stack, and the byte before a function is what tells them from return addresses
(tests/symbols/symbol_file/test_coverage.py)."""

Stretch = tuple[int, int]
"""``(start, end)``, the end exclusive."""


def merge(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Sort and merge stretches that overlap or touch; at most ``MAX_STRETCHES`` remain."""
    merged: list[Stretch] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged if len(merged) <= MAX_STRETCHES else _close_gaps(merged)


def _close_gaps(stretches: list[Stretch]) -> list[Stretch]:
    """Close the narrowest gaps, and no more of them than it takes."""
    by_width = sorted(range(1, len(stretches)), key=lambda number: stretches[number][0] - stretches[number - 1][1])
    left = sorted(by_width[len(stretches) - MAX_STRETCHES :])
    starts, ends = [0, *left], [number - 1 for number in (*left, len(stretches))]
    return [(stretches[first][0], stretches[last][1]) for first, last in zip(starts, ends, strict=True)]


class Coverage:
    """Answers whether an address is covered. ``bounds`` are starts and ends in turn, rising; a last stretch without an
    end goes on to the end of all addresses."""

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = bounds

    @classmethod
    def of(cls, stretches: Iterable[Stretch]) -> Coverage:
        bounds = chain.from_iterable(merge(stretches))
        return cls(array("I", (bound for bound in bounds if bound < END_OF_ADDRESSES)))

    def __contains__(self, offset: int) -> bool:
        return offset < END_OF_ADDRESSES and bisect_right(self.bounds, offset) % 2 == 1

    def __bool__(self) -> bool:
        return bool(self.bounds)
