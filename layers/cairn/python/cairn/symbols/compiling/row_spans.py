"""The rows of one or two symcaches of the same file, in order of address.

Two come about when each has half of the units (``dwarf_halves.py``). Both have the whole symbol table. Several units
may describe one function, for the linker keeps one copy of those that many have; the first unit's description holds, as
in ``symbolic``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.symbol_file.coverage import END_OF_ADDRESSES, Coverage, Stretch


class Span(NamedTuple):
    """Rows that follow each other: which of the symcaches has them, the first one, and the one behind the last."""

    part: int
    first: int
    end: int


def row_spans(parts: Sequence[NameRows]) -> list[Span]:
    """Return which rows hold, in order of address. A span begins with a row that is no gap, but for the first."""
    if len(parts) == 1:
        return [Span(0, 0, len(parts[0].starts))]
    changes = [(0, 0), *_changes(*parts), (END_OF_ADDRESSES, -1)]
    spans = (
        Span(part, bisect_left(parts[part].starts, begin), bisect_left(parts[part].starts, end))
        for (begin, part), (end, _) in pairwise(changes)
    )
    return [span for span in spans if span.first < span.end]


def covered_by(parts: Sequence[NameRows], spans: Sequence[Span]) -> Iterator[Stretch]:
    """Yield the stretches of addresses that belong to functions, by the rows that hold."""
    limits = [*(parts[span.part].starts[span.first] for span in spans[1:]), END_OF_ADDRESSES]
    for span, limit in zip(spans, limits, strict=False):
        yield from parts[span.part].covered(span.first, span.end, limit)


def _changes(first: NameRows, second: NameRows) -> Iterator[tuple[int, int]]:
    """Where which of two symcaches begins to hold: the first where it has debug information, the second with each
    function that the first has not. What lies between, both know alike."""
    described = Coverage(tuple(first.described()))
    begins = [(start, 0) for start in described.bounds[::2]]
    begins += [(entry, 1) for entry in second.entries() if entry not in described]
    holding = 0
    for start, part in sorted(begins):
        if part != holding:
            yield start, part
            holding = part
