"""The symcache format, which ``symbolic`` writes: functions, lines and inline chains by address.

Versions 7, 8 and 9 are read. All integers are little-endian u32; sections start at multiples of 8; ``NONE`` stands for
a missing index or string. The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.paths import clean_path, join_path

NONE = 0xFFFFFFFF
LANGUAGES = (
    *(None, "c", "cpp", "d", "go", "objc", "objcpp", "rust", "swift", "csharp", "visualbasic", "fsharp"),
)  # fmt: skip
"""Names of source languages, by their number in a function record. 0 is unknown."""

MAX_INLINE_DEPTH = 256
"""More inlined calls at one address than any compiler makes: a chain that is longer is a loop."""

_HEADER = struct.Struct("<4sI32s6I16x")
_FUNCTION = struct.Struct("<4I")
_LOCATION = struct.Struct("<4I")
_FILE_SIZES = {7: 12, 8: 12, 9: 24}


class Function(NamedTuple):
    """A function as the file has it. ``symbol`` may be mangled; ``entry`` is relative to the module's base."""

    symbol: str
    entry: int
    language: str | None


class Line(NamedTuple):
    """One link of an inline chain: indexes into functions and files (``None``: unknown file), and line (0: unknown)."""

    function: int
    file: int | None
    line: int


class SymCache:
    """A symcache in memory.

    Raises:
        MalformedDebugFileError: on construction or look-up, when the bytes are no symcache or contradict themselves.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size:
            raise MalformedDebugFileError("A symcache is too short for its header.")
        magic, version, _, _arch, files, functions, locations, ranges, strings = _HEADER.unpack_from(data)
        if magic != b"SYMC" or version not in _FILE_SIZES:
            raise MalformedDebugFileError(f"A symcache begins with {magic!r}, version {version}.")
        self.version = version
        self.function_count, self.file_count, self.range_count = functions, files, ranges
        self._location_count = locations
        self._data = data
        self._file_size = _FILE_SIZES[version]
        self._files = _HEADER.size
        self._functions = _align(self._files + files * self._file_size)
        self._locations = _align(self._functions + functions * _FUNCTION.size)
        self._ranges = _align(self._locations + locations * _LOCATION.size)
        self._strings = _align(self._ranges + ranges * 4)
        if self._strings + strings > len(data) or ranges > locations:
            raise MalformedDebugFileError("A symcache is shorter than its header says.")
        self.starts = memoryview(data)[self._ranges : self._ranges + 4 * ranges].cast("I")
        self.file = lru_cache(maxsize=1 << 16)(self._file)
        self.function = lru_cache(maxsize=1 << 17)(self._function)

    def rows(self) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
        """Yield ``(start, location)`` in order of address; each holds up to the next start."""
        first = self._locations + (self._location_count - self.range_count) * _LOCATION.size
        end = self._locations + self._location_count * _LOCATION.size
        return zip(self.starts, _LOCATION.iter_unpack(memoryview(self._data)[first:end]), strict=True)

    def chain(self, location: tuple[int, int, int, int]) -> list[Line]:
        """Resolve a location of ``rows`` into its inline chain, innermost first; empty for a gap."""
        lines: list[Line] = []
        file, line, function, parent = location
        while function != NONE:
            lines.append(Line(function, None if file == NONE else file, 0 if line == NONE else line))
            if parent == NONE:
                break
            if len(lines) > MAX_INLINE_DEPTH:
                raise MalformedDebugFileError("A symcache has an inline chain that does not end.")
            file, line, function, parent = self.location(parent)
        return lines

    def location(self, index: int) -> tuple[int, int, int, int]:
        """Return a location: file, line, function, and the index of the location it is inlined into."""
        if index >= self._location_count:
            raise MalformedDebugFileError("A symcache names a location that it does not have.")
        file, line, function, parent = _LOCATION.unpack_from(self._data, self._locations + index * _LOCATION.size)
        return file, line, function, parent

    def lookup(self, offset: int) -> list[Line]:
        """Return the inline chain at ``offset``, innermost first; empty where no function is known."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0 or offset > NONE:
            return []
        return self.chain(self.location(self._location_count - self.range_count + index))

    def _function(self, index: int) -> Function:
        """Return the function with this index."""
        if index >= self.function_count:
            raise MalformedDebugFileError("A symcache names a function that it does not have.")
        name, _, entry, language = _FUNCTION.unpack_from(self._data, self._functions + index * _FUNCTION.size)
        return Function(self._string(name) or "", entry, LANGUAGES[language] if language < len(LANGUAGES) else None)

    def _file(self, index: int) -> str:
        """Return the joined path of the file with this index."""
        if index >= self.file_count:
            raise MalformedDebugFileError("A symcache names a file that it does not have.")
        parts = struct.unpack_from("<3I", self._data, self._files + index * self._file_size)
        path = ""
        for part in parts:
            path = join_path(path, self._string(part) or "")
        return clean_path(path)

    def _string(self, offset: int) -> str | None:
        if offset == NONE:
            return None
        start = self._strings + offset
        length, start = self._string_length(start)
        text = self._data[start : start + length]
        if len(text) != length:
            raise MalformedDebugFileError("A symcache has a string that reaches beyond its end.")
        return text.decode("utf-8", "replace")

    def _string_length(self, start: int) -> tuple[int, int]:
        if self.version == 7:
            return int.from_bytes(self._data[start : start + 4], "little"), start + 4
        length = shift = 0
        for position in range(start, min(start + 5, len(self._data))):
            byte = self._data[position]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                return length, position + 1
            shift += 7
        raise MalformedDebugFileError("A symcache has a string without a length.")


def _align(offset: int) -> int:
    return (offset + 7) & ~7
