"""Cutting a symcache into the pieces of a symbol file that hold names and lines.

Functions, paths and inline chains keep the numbers that the symcache gave them, so that rows are copied as they are,
and cutting is work on whole columns. ``NamePiece`` reads a piece; the layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.symbol_file.columns import NONE, Piece, deltas, pack

ROWS_PER_PIECE = 1024
PIECE_SIZE = 512 * 1024
"""Bytes before compression, about, above which a piece is halved. ``docs/decisions/023-cutting-symcaches.md`` has the
figures."""

_LOCATION_SIZE = 20


def piece_bounds(rows: NameRows) -> list[int]:
    """The numbers of the rows that pieces begin with, and the count of all rows."""
    bounds = [0]
    while bounds[-1] < len(rows.starts):
        bounds.append(rows.cut_behind(bounds[-1] + ROWS_PER_PIECE))
    return bounds


def name_pieces(
    cache: SymCache, rows: NameRows, readable: Callable[[str], str], bounds: Sequence[int], size: int = PIECE_SIZE
) -> Iterator[Piece]:
    """Cut rows of a symcache into pieces, at ``bounds`` and where a piece is too large between two of them.
    ``readable`` turns a mangled name into one for people."""
    cutter = _Cutter(cache, rows, readable, size)
    for first, end in pairwise(bounds):
        yield from cutter.cut(first, end)


class _Cutter:
    """A symcache, its rows, and the text of its functions and paths, all by the symcache's numbers."""

    def __init__(self, cache: SymCache, rows: NameRows, readable: Callable[[str], str], size: int) -> None:
        self._rows = rows
        self._size = size
        self._locations = cache.locations
        self._entries, self._languages = cache.entries, cache.languages
        self._symbol, self._readable = cache.symbol, readable
        self._names: dict[int, bytes] = {}
        self._symbols: dict[int, bytes] = {}
        self._paths = [cache.file(number).encode() for number in range(cache.file_count)]

    def cut(self, first: int, end: int) -> Iterator[Piece]:
        """Yield the rows from ``first`` to before ``end`` as one piece; where that is too large, as halves."""
        columns = [column[first:end] for column in self._rows.columns]
        outer_numbers = self._outers_of(columns[3])
        outers = [_picked(outer_numbers, column) for column in self._locations]
        paths, functions = (sorted({*columns[kind], *outers[kind]} - {NONE}) for kind in (0, 2))
        self._learn(functions)
        texts = [*_picked(functions, self._names), *_picked(functions, self._symbols), *_picked(paths, self._paths)]
        middle = self._rows.cut_behind((first + end) // 2)
        size = _LOCATION_SIZE * (end - first + len(outer_numbers)) + sum(map(len, texts))
        if size > self._size and first < middle < end:
            yield from self.cut(first, middle)
            yield from self.cut(middle, end)
        else:
            yield self._piece(self._rows.starts[first:end], columns, outers, (outer_numbers, functions, paths), texts)

    def _piece(
        self,
        starts: Sequence[int],
        columns: Iterable[Sequence[int]],
        outers: Iterable[Sequence[int]],
        numbers: tuple[Sequence[int], ...],
        texts: Sequence[bytes],
    ) -> Piece:
        _, functions, _ = numbers
        counts = (len(starts), *map(len, numbers))
        facts = (_picked(functions, column) for column in (self._entries, self._languages))
        packed = map(pack, (counts, deltas(starts), *columns, *outers, *map(deltas, numbers), *facts, map(len, texts)))
        return Piece(starts[0], b"".join((*packed, *texts)))

    def _learn(self, functions: Sequence[int]) -> None:
        """Make the texts of functions that no piece had so far."""
        for function in set(functions).difference(self._names):
            symbol = self._symbol(function)
            name = self._readable(symbol)
            self._names[function] = name.encode()
            self._symbols[function] = b"" if symbol == name else symbol.encode()

    def _outers_of(self, numbers: Sequence[int]) -> list[int]:
        """The numbers of all locations on the way out from those with ``numbers``."""
        found: set[int] = set()
        while wanted := {*numbers} - {NONE} - found:
            found |= wanted
            numbers = _picked([*wanted], self._locations[3])
        return sorted(found)


def _picked(numbers: Sequence[int], column: Sequence[Any] | Mapping[int, Any]) -> Sequence[Any]:
    """The values of a column at ``numbers``."""
    try:
        return itemgetter(*numbers)(column) if len(numbers) > 1 else [column[number] for number in numbers]
    except IndexError:
        raise MalformedDebugFileError("A symcache names something that it does not have.") from None
