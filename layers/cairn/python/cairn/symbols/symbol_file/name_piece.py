"""A piece of a symbol file that holds names and lines, complete for one stretch of addresses.

It has its own functions, paths and inline chains: a look-up needs the one piece that covers the address. They keep the
numbers that the symcache gave them (``name_pieces.py``). The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.records import Location
from cairn.symbols.symbol_file.columns import NONE, ColumnReader

LANGUAGES = (
    *(None, "c", "cpp", "d", "go", "objc", "objcpp", "rust", "swift", "csharp", "visualbasic", "fsharp"),
)  # fmt: skip
"""Names of source languages, by their number in a function record. 0 is unknown."""

MAX_INLINE_DEPTH = 256
"""More inlined calls at one address than any compiler makes: a chain that is longer is a loop."""

Link = tuple[int, int, int, int]
"""A location: file, line, function, the location it is inlined into."""


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
