"""The symcache format, which ``symbolic`` writes: functions, lines and inline chains by address.

Versions 7, 8 and 9 are read. All integers are little-endian u32; sections start at multiples of 8; ``NONE`` stands for
a missing index or string. The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

import struct
from array import array

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.paths import clean_path, join_path
from cairn.symbols.symbol_file.columns import NONE, unpack

_HEADER = struct.Struct("<4sI32s6I16x")
_FUNCTION_SIZE = _LOCATION_SIZE = 16
_FILE_SIZES = {7: 12, 8: 12, 9: 24}

Columns = tuple["array[int]", ...]


class SymCache:
    """A symcache in memory, as columns.

    ``starts`` are the addresses from which on ranges hold, rising, and ``rows`` what holds there: files, lines,
    functions, and the numbers of the locations that these are inlined into. ``locations`` are the same four columns of
    all that such a number may mean. ``NONE`` stands for what is missing; a range without function is a gap.
    ``entries`` and ``languages`` are those of the functions; an entry is relative to the module's base.

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
        self._data = data
        self._files = _HEADER.size
        first_function = _align(self._files + files * _FILE_SIZES[version])
        first_location = _align(first_function + functions * _FUNCTION_SIZE)
        first_range = _align(first_location + locations * _LOCATION_SIZE)
        self._strings = _align(first_range + ranges * 4)
        if self._strings + strings > len(data) or ranges > locations:
            raise MalformedDebugFileError("A symcache is shorter than its header says.")
        self.starts = unpack(data[first_range : first_range + ranges * 4])
        self.locations = _columns(data, first_location, locations)
        self.rows = tuple(column[locations - ranges :] for column in self.locations)
        self._symbols, _, self.entries, self.languages = _columns(data, first_function, functions)

    def symbol(self, function: int) -> str:
        """Return the name of the function with this number; it may be mangled."""
        if function >= self.function_count:
            raise MalformedDebugFileError("A symcache names a function that it does not have.")
        return self._string(self._symbols[function])

    def file(self, number: int) -> str:
        """Return the joined path of the file with this number."""
        parts = struct.unpack_from("<3I", self._data, self._files + number * _FILE_SIZES[self.version])
        path = ""
        for part in parts:
            path = join_path(path, self._string(part))
        return clean_path(path)

    def _string(self, offset: int) -> str:
        if offset == NONE:
            return ""
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


def _columns(data: bytes, start: int, count: int) -> Columns:
    """The columns of ``count`` records of four u32."""
    records = unpack(data[start : start + 16 * count])
    return tuple(records[place::4] for place in range(4))


def _align(offset: int) -> int:
    return (offset + 7) & ~7
