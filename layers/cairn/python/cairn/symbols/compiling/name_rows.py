"""The rows of a symcache as columns, with the ends of symbols that it does not know."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.symbol_file.columns import NONE
from cairn.symbols.symbol_file.coverage import END_OF_ADDRESSES, Stretch


class NameRows:
    """``starts`` are the addresses from which on rows hold, rising; ``columns`` are the file, line, function and outer
    location of each. A row without function is a gap.

    ``symbol_ends`` says where names of the symbol table end, by their start: where that is before the next row, a gap
    follows.
    """

    def __init__(self, cache: SymCache, symbol_ends: Mapping[int, int]) -> None:
        self.cache = cache
        self.starts, self.columns = cache.starts, cache.rows
        ends = list(self._ends(symbol_ends))
        if ends:
            self.starts = _with_gaps(self.starts, ends)
            self.columns = tuple(_with_gaps(column, [(row, NONE) for row, _ in ends]) for column in self.columns)

    def _ends(self, symbol_ends: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        """The rows before which a gap is missing, and where it begins."""
        for start, end in sorted(symbol_ends.items()):
            row = bisect_left(self.starts, start)
            if row < len(self.starts) and self.starts[row] == start and self._is_symbol_only(row):
                following = self.starts[row + 1] if row + 1 < len(self.starts) else END_OF_ADDRESSES
                if start < end < following:
                    yield row + 1, end

    def _is_symbol_only(self, row: int) -> bool:
        file, line, function, outer = (column[row] for column in self.columns)
        return function != NONE and file == NONE and line in (0, NONE) and outer == NONE

    def cut_behind(self, row: int) -> int:
        """The first row from ``row`` on with which a piece may begin. A gap stands in the piece of the name before it,
        where ``NamePiece.nearest`` looks."""
        functions = self.columns[2]
        while row < len(functions) and functions[row] == NONE:
            row += 1
        return min(row, len(functions))

    def covered(self, first: int, end: int, limit: int) -> Iterator[Stretch]:
        """Yield the stretches of addresses that the rows from ``first`` to before ``end`` give to functions; the last
        row holds up to ``limit``."""
        begin = first
        for gap, function in enumerate(self.columns[2][first:end], first):
            if function == NONE:
                if gap > begin:
                    yield self.starts[begin], self.starts[gap]
                begin = gap + 1
        if begin < end:
            yield self.starts[begin], limit

    def entries(self) -> Iterator[int]:
        """Yield where functions begin that have debug information, in no order."""
        for entry, language in zip(self.cache.entries, self.cache.languages, strict=True):
            if NONE not in (entry, language):
                yield entry

    def described(self) -> Iterator[int]:
        """Yield where debug information begins and ends, in turn: rows of functions that have a language, which those
        of the symbol table alone have not."""
        languages = enumerate(self.cache.languages)
        bare = {NONE, *(function for function, language in languages if language == NONE)}
        begin = 0
        for row in [row for row, function in enumerate(self.columns[2]) if function in bare]:
            if row > begin:
                yield from (self.starts[begin], self.starts[row])
            begin = row + 1
        if begin < len(self.starts):
            yield from (self.starts[begin], END_OF_ADDRESSES)


def _with_gaps(column: array[int], gaps: list[tuple[int, int]]) -> array[int]:
    """The column with a value put before each of some rows, which rise."""
    filled = array("I")
    done = 0
    for row, value in gaps:
        filled.extend(column[done:row])
        filled.append(value)
        done = row
    filled.extend(column[done:])
    return filled
