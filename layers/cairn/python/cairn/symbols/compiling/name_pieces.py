"""Cutting a symcache into the pieces of a symbol file that hold names and lines.

Functions, paths and inline chains keep the numbers that the symcache gave them, so that rows are copied as they are,
and cutting is work on whole columns. ``NamePiece`` reads a piece; the layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.row_spans import Span
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.symbol_file.columns import NONE, Piece, deltas, pack

ROWS_PER_PIECE = 1024
PIECE_SIZE = 512 * 1024
"""Bytes before compression, about, above which a piece is halved. ``docs/decisions/023-cutting-symcaches.md`` has the
figures."""

_LOCATION_SIZE = 20


def piece_spans(parts: Sequence[NameRows], spans: Iterable[Span]) -> list[Span]:
    """Cut spans into the rows of each piece."""
    return [piece for span in spans for piece in _cut_span(parts[span.part], span)]


def _cut_span(rows: NameRows, span: Span) -> Iterator[Span]:
    first = span.first
    while first < span.end:
        end = min(rows.cut_behind(first + ROWS_PER_PIECE), span.end)
        yield Span(span.part, first, end)
        first = end


def name_pieces(
    parts: Sequence[NameRows], spans: Iterable[Span], readable: Callable[[str], str], size: int = PIECE_SIZE
) -> Iterator[Piece]:
    """Make the pieces of these rows, several of one that would be too large. ``readable`` turns a mangled name into one
    for people."""
    cutters = [_Cutter(rows, readable, size) for rows in parts]
    for span in spans:
        yield from cutters[span.part].cut(span.first, span.end)


class _Cutter:
    """A symcache, its rows, and the text of its functions and paths, all by the symcache's numbers."""

    def __init__(self, rows: NameRows, readable: Callable[[str], str], size: int) -> None:
        cache, self._rows = rows.cache, rows
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
