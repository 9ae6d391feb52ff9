"""The pieces of a symbol file that hold names and lines, each complete for one stretch of addresses.

A piece has its own functions, paths and inline chains: a look-up needs the one piece that covers the address. They
keep the numbers that the symcache gave them, so that rows are copied as they are, and cutting is work on whole columns.
The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from cairn.symbols.columns import ColumnReader, Piece, deltas, pack
from cairn.symbols.errors import MalformedDebugFileError, SymbolFileError
from cairn.symbols.name_rows import NameRows
from cairn.symbols.records import Location
from cairn.symbols.symcache import LANGUAGES, MAX_INLINE_DEPTH, NONE, SymCache

ROWS_PER_PIECE = 1024
PIECE_SIZE = 512 * 1024
"""Bytes before compression, about, above which a piece is halved. ``docs/decisions/023-cutting-symcaches.md`` has the
figures."""

_LOCATION_SIZE = 20

Link = tuple[int, int, int, int]
"""A location: file, line, function, the location it is inlined into."""


def name_pieces(
    cache: SymCache, rows: NameRows, readable: Callable[[str], str], size: int = PIECE_SIZE
) -> Iterator[Piece]:
    """Cut the rows of a symcache into pieces. ``readable`` turns a mangled name into one for people."""
    cutter = _Cutter(cache, rows, readable, size)
    first = 0
    while first < len(rows.starts):
        end = rows.cut_behind(first + ROWS_PER_PIECE)
        yield from cutter.cut(first, end)
        first = end


class _Cutter:
    """A symcache, its rows, and the text of its functions and paths, all by the symcache's numbers."""

    def __init__(self, cache: SymCache, rows: NameRows, readable: Callable[[str], str], size: int) -> None:
        self._rows = rows
        self._size = size
        self._locations = cache.locations
        self._entries, self._languages = cache.entries, cache.languages
        symbols = list(map(cache.symbol, range(cache.function_count)))
        names = list(map(readable, symbols))
        self._names = [name.encode() for name in names]
        self._symbols = [
            b"" if symbol == name else symbol.encode() for symbol, name in zip(symbols, names, strict=True)
        ]
        self._paths = [cache.file(number).encode() for number in range(cache.file_count)]

    def cut(self, first: int, end: int) -> Iterator[Piece]:
        """Yield the rows from ``first`` to before ``end`` as one piece; where that is too large, as halves."""
        columns = [column[first:end] for column in self._rows.columns]
        outer_numbers = self._outers_of(columns[3])
        outers = [_picked(outer_numbers, column) for column in self._locations]
        paths, functions = (sorted({*columns[kind], *outers[kind]} - {NONE}) for kind in (0, 2))
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

    def _outers_of(self, numbers: Sequence[int]) -> list[int]:
        """The numbers of all locations on the way out from those with ``numbers``."""
        found: set[int] = set()
        while wanted := {*numbers} - {NONE} - found:
            found |= wanted
            numbers = _picked([*wanted], self._locations[3])
        return sorted(found)


def _picked(numbers: Sequence[int], column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column at ``numbers``."""
    try:
        return itemgetter(*numbers)(column) if len(numbers) > 1 else [column[number] for number in numbers]
    except IndexError:
        raise MalformedDebugFileError("A symcache names something that it does not have.") from None


class NamePiece:
    """A decoded piece.

    Raises:
        SymbolFileError: on construction or look-up, when the bytes contradict themselves.
    """

    def __init__(self, data: bytes) -> None:
        reader = ColumnReader(data)
        rows, outers, functions, paths = reader.take(4)
        self._starts = reader.take_rising(rows)
        self._rows = tuple(reader.take(rows) for _ in range(4))
        self._outers = tuple(reader.take(outers) for _ in range(4))
        self._outer_numbers = reader.take_rising(outers)
        self._function_numbers = reader.take_rising(functions)
        self._path_numbers = reader.take_rising(paths)
        self._entries, self._languages = reader.take(functions), reader.take(functions)
        ends = reader.take_rising(2 * functions + paths)
        self._ends = (0, *ends)
        self._text = bytes(reader.take_bytes(self._ends[-1]))

    def locate(self, offset: int) -> tuple[Location, ...]:
        """Return the functions at ``offset``, innermost first; empty where none is known."""
        row = bisect_right(self._starts, offset) - 1
        if row < 0:
            return ()
        chain = self._chain(row)
        return tuple(
            self._location(link, is_outermost=place == len(chain) - 1, is_alone=len(chain) == 1)
            for place, link in enumerate(chain)
        )

    def nearest(self, offset: int) -> tuple[Location, ...]:
        """Return the function before the gap that ``offset`` lies in, without file and line; empty in no gap."""
        row = last = bisect_right(self._starts, offset) - 1
        while row > 0 and self._rows[2][row] == NONE:
            row -= 1
        if row == last or not (chain := self._chain(row)):
            return ()
        location = self._location(chain[-1], is_outermost=True, is_alone=len(chain) == 1)
        return (location._replace(file=None, line=None, ends_before=True),)

    def _chain(self, row: int) -> list[Link]:
        chain: list[Link] = []
        columns, place = self._rows, row
        while True:
            file, line, function, outer = (column[place] for column in columns)
            if function == NONE:
                return chain
            chain.append((file, line, function, outer))
            if outer == NONE:
                return chain
            if len(chain) > MAX_INLINE_DEPTH:
                raise SymbolFileError("A piece of the symbol file has an inline chain that does not end.")
            columns, place = self._outers, _place_of(outer, self._outer_numbers)

    def _location(self, link: Link, *, is_outermost: bool, is_alone: bool) -> Location:
        file, line, number, _ = link
        function, count = _place_of(number, self._function_numbers), len(self._function_numbers)
        path = "" if file == NONE else self._string(2 * count + _place_of(file, self._path_numbers))
        name, language = self._string(function), self._languages[function]
        is_known = line not in (0, NONE)
        return Location(
            function=name,
            symbol=self._string(count + function) or name,
            entry=self._entries[function] if is_outermost else None,
            file=path or None,
            line=line if is_known and path else None,
            language=LANGUAGES[language] if language < len(LANGUAGES) else None,
            from_symbol_table=is_alone and not path and not is_known,
        )

    def _string(self, number: int) -> str:
        return self._text[self._ends[number] : self._ends[number + 1]].decode("utf-8", "replace")


def _place_of(number: int, numbers: array[int]) -> int:
    """Where ``number`` stands among rising ``numbers``."""
    place = bisect_left(numbers, number)
    if place == len(numbers) or numbers[place] != number:
        raise SymbolFileError("A piece of the symbol file names something that it does not have.")
    return place
