"""The pieces of a symbol file that hold names and lines, each complete for one stretch of addresses.

A piece has its own functions, files, inline chains and strings: a look-up needs the one piece that covers the address.
The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, pairwise

from cairn.symbols.columns import ColumnReader, Piece, deltas, pack
from cairn.symbols.errors import MalformedDebugFileError, SymbolFileError
from cairn.symbols.records import Location
from cairn.symbols.symcache import LANGUAGES, MAX_INLINE_DEPTH, NONE, SymCache

PIECE_SIZE = 128 * 1024
"""Bytes of a piece before compression, about. ``docs/decisions/003-symbol-files.md`` has the figures."""

ROWS_BETWEEN_COUNTS = 16

Key = tuple[int, int, int, int]
"""A location of a symcache: file, line, function, the location it is inlined into."""

_GAP: Key = (NONE, NONE, NONE, NONE)


def name_pieces(
    cache: SymCache, symbol_ends: Mapping[int, int], readable: Callable[[str], str], size: int = PIECE_SIZE
) -> Iterator[Piece]:
    """Cut a symcache into pieces.

    ``symbol_ends`` says where names of the symbol table end, by their start; ``readable`` turns a mangled name into one
    for people. A gap stands in the piece of the name before it, where ``NamePiece.nearest`` looks.
    """
    builder = _Builder(cache, readable)
    last = None
    for start, key in bounded_rows(cache, symbol_ends):
        if key == last:
            continue
        if builder.is_full(size) and key[2] != NONE:
            yield builder.finish()
            builder = _Builder(cache, readable)
        builder.add(start, key)
        last = key
    if builder.starts:
        yield builder.finish()


def bounded_rows(cache: SymCache, symbol_ends: Mapping[int, int]) -> Iterator[tuple[int, Key]]:
    """Yield the rows of the symcache, and a gap behind every name that ends before the next row."""
    followings = chain(cache.starts[1:], (1 << 32,))
    for row, following in zip(cache.rows(), followings, strict=False):
        yield row
        start, key = row
        if key[0] == NONE and _is_symbol_only(key):
            end = symbol_ends.get(start)
            if end is not None and start < end < following:
                yield end, _GAP


def _is_symbol_only(key: Key) -> bool:
    file, line, function, parent = key
    return function != NONE and file == NONE and line in (0, NONE) and parent == NONE


class _Builder:
    """Collects the rows of one piece. Everything has two numbers: the symcache's, and the one in the piece."""

    def __init__(self, cache: SymCache, readable: Callable[[str], str]) -> None:
        self._cache = cache
        self._readable = readable
        self.starts: list[int] = []
        self._row_locations: list[int] = []
        self._location_numbers: dict[Key, int] = {}
        self._outer_numbers: dict[int, int] = {NONE: 0}
        self._locations: list[tuple[int, int, int, int]] = []
        self._function_numbers: dict[int, int] = {}
        self._functions: list[tuple[int, int, int, int]] = []
        self._path_numbers: dict[int, int] = {NONE: 0}
        self._strings: dict[str, int] = {}
        self._string_bytes = 0

    def is_full(self, size: int) -> bool:
        """Whether there are ``size`` bytes in the piece, about. Looked at now and then: counting takes time too."""
        return len(self.starts) % ROWS_BETWEEN_COUNTS == 0 and self._raw_size() >= size

    def _raw_size(self) -> int:
        return (
            8 * len(self.starts) + 16 * len(self._locations) + 16 * len(self._functions)
            + 4 * len(self._strings) + self._string_bytes
        )  # fmt: skip

    def add(self, start: int, key: Key) -> None:
        self.starts.append(start)
        number = self._location_numbers.get(key)
        self._row_locations.append(self._add_location(key, 0) if number is None else number)

    def _add_location(self, key: Key, depth: int) -> int:
        """Number a location, after the ones it is inlined into; 0 is a gap."""
        file, line, function, outer = key
        if function == NONE:
            return 0
        outer_number = self._outer_numbers.get(outer)
        if outer_number is None:
            outer_number = self._outer_numbers[outer] = self._add_outer(outer, depth + 1)
        path = self._path_numbers.get(file)
        if path is None:
            path = self._path_numbers[file] = self._string(self._cache.file(file))
        function_number = self._function_numbers.get(function)
        if function_number is None:
            function_number = self._function_numbers[function] = self._add_function(function)
        self._locations.append((path, 0 if line == NONE else line, function_number, outer_number))
        number = self._location_numbers[key] = len(self._locations)
        return number

    def _add_outer(self, index: int, depth: int) -> int:
        if depth > MAX_INLINE_DEPTH:
            raise MalformedDebugFileError("A symcache has an inline chain that does not end.")
        key = self._cache.location(index)
        number = self._location_numbers.get(key)
        return self._add_location(key, depth) if number is None else number

    def _add_function(self, index: int) -> int:
        function = self._cache.function(index)
        name, symbol = self._readable(function.symbol), function.symbol
        language = LANGUAGES.index(function.language)
        self._functions.append(
            (self._string(name), 0 if name == symbol else self._string(symbol), function.entry, language)
        )
        return len(self._functions) - 1

    def _string(self, text: str) -> int:
        """Number a string; 0 is none, or the empty one."""
        if not text:
            return 0
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self._strings) + 1
            self._string_bytes += len(text)
        return number

    def finish(self) -> Piece:
        strings = [text.encode() for text in self._strings]
        counts = (len(self.starts), len(self._locations), len(self._functions), len(strings))
        columns = [pack(counts), pack(deltas(self.starts)), pack(self._row_locations)]
        columns += [pack(column) for column in zip(*self._locations, strict=True)]
        columns += [pack(column) for column in zip(*self._functions, strict=True)]
        return Piece(self.starts[0], b"".join((*columns, pack(map(len, strings)), *strings)))


class NamePiece:
    """A decoded piece.

    Raises:
        SymbolFileError: on construction or look-up, when the bytes contradict themselves.
    """

    def __init__(self, data: bytes) -> None:
        reader = ColumnReader(data)
        rows, locations, functions, strings = reader.take(4)
        self._starts = reader.take_rising(rows)
        self._row_locations = reader.take(rows)
        self._locations = tuple(reader.take(locations) for _ in range(4))
        self._functions = tuple(reader.take(functions) for _ in range(4))
        ends = reader.take_rising(strings)
        self._strings = (0, *ends)
        self._text = bytes(reader.take_bytes(ends[-1] if ends else 0))

    def locate(self, offset: int) -> tuple[Location, ...]:
        """Return the functions at ``offset``, innermost first; empty where none is known."""
        row = bisect_right(self._starts, offset) - 1
        if row < 0:
            return ()
        chain = self._chain(self._row_locations[row])
        return tuple(
            self._location(number, is_outermost=link == len(chain) - 1, is_alone=len(chain) == 1)
            for link, number in enumerate(chain)
        )

    def nearest(self, offset: int) -> tuple[Location, ...]:
        """Return the function before the gap that ``offset`` lies in, without file and line; empty in no gap."""
        row = bisect_right(self._starts, offset) - 1
        if row < 1 or self._row_locations[row] or not (chain := self._chain(self._row_locations[row - 1])):
            return ()
        location = self._location(chain[-1], is_outermost=True, is_alone=len(chain) == 1)
        return (location._replace(file=None, line=None, ends_before=True),)

    def covered(self) -> Iterator[tuple[int, int | None]]:
        """Yield the stretches ``(start, end)`` that belong to functions; ``None`` ends the last, if it is open."""
        for (start, number), (end, _) in pairwise(zip(self._starts, self._row_locations, strict=True)):
            if number:
                yield start, end
        if self._row_locations and self._row_locations[-1]:
            yield self._starts[-1], None

    def _chain(self, number: int) -> list[int]:
        chain: list[int] = []
        parents = self._locations[3]
        while number:
            if number > len(parents) or len(chain) > MAX_INLINE_DEPTH:
                raise SymbolFileError("A piece of the symbol file has an inline chain that does not end.")
            chain.append(number - 1)
            number = parents[number - 1]
        return chain

    def _location(self, number: int, *, is_outermost: bool, is_alone: bool) -> Location:
        path, line, function = (column[number] for column in self._locations[:3])
        if function >= len(self._functions[0]):
            raise SymbolFileError("A piece of the symbol file names a function that it does not have.")
        name, symbol, entry, language = (column[function] for column in self._functions)
        return Location(
            function=self._string(name),
            symbol=self._string(symbol or name),
            entry=entry if is_outermost else None,
            file=self._string(path) or None,
            line=line if line and path else None,
            language=LANGUAGES[language] if language < len(LANGUAGES) else None,
            from_symbol_table=is_alone and not path and not line,
        )

    def _string(self, number: int) -> str:
        if not number:
            return ""
        if number >= len(self._strings):
            raise SymbolFileError("A piece of the symbol file names a string that it does not have.")
        return self._text[self._strings[number - 1] : self._strings[number]].decode("utf-8", "replace")
