"""The little of Mach-O that Cairn reads itself: what of a program's file is loaded where, its sections, and where its
functions begin.

Source: ``mach-o/loader.h`` of Apple's SDK.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO, NamedTuple

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.leb128 import leb128
from cairn.symbols.records import Segment

MAX_SLICES = 30
"""Architectures in a fat file; a Java class begins as one does and would have 45 or more."""
MAX_COMMANDS = 1 << 20
"""Bytes of load commands; large programs have 10 KB."""

_FAT = {0xCAFEBABE: struct.Struct(">8xI4x4x"), 0xCAFEBABF: struct.Struct(">8xQ8x8x")}
"""Magic of a fat file to the layout of its entries, of which only the offset is read."""
_HEADERS = {0xFEEDFACE: 28, 0xFEEDFACF: 32}
_MH_DSYM = 10
_LC_SEGMENT, _LC_UUID, _LC_SEGMENT_64 = 0x1, 0x1B, 0x19
_LC_ENCRYPTION_INFO = (0x21, 0x2C)
_SEGMENT_64, _SECTION_64 = 72, 80
"""Bytes of the command of a segment before its sections, and of each of these."""
_LC_SYMTAB, _LC_FUNCTION_STARTS = 0x2, 0x26
_N_STAB, _N_TYPE, _N_SECT = 0xE0, 0x0E, 0x0E
_EXECUTE = 4


class Section(NamedTuple):
    """A section: its address from the program's base, and where in the file it is."""

    address: int
    offset: int
    size: int


def macho_segments(file: BinaryIO, uuid: str) -> list[Segment]:
    """What of the program with this UUID (32 hex digits) is loaded; nothing for a dSYM, or for encrypted code, as
    Apple's store delivers it.

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """
    program = macho_program(file, uuid)
    return program.segments() if program else []


def macho_program(file: BinaryIO, uuid: str) -> Program | None:
    """The program in the file that has this UUID (32 hex digits).

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """
    programs = (Program(file, start) for start in _slices(file))
    return next((program for program in programs if program.uuid == uuid), None)


def _slices(file: BinaryIO) -> list[int]:
    """Where the programs in the file begin."""
    magic, count = struct.unpack(">II", _bytes(file, 0, 8))
    layout = _FAT.get(magic)
    if layout is None:
        return [0]
    entries = _bytes(file, 8, layout.size * min(count, MAX_SLICES))
    return [offset for (offset,) in layout.iter_unpack(entries)]


class Program:
    """One program: its header and load commands. ``processor`` is the code of what it runs on.

    Raises:
        MalformedDebugFileError: the header makes no sense.
    """

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        head = _bytes(file, start, 28)
        self._order = "<" if struct.unpack_from("<I", head)[0] in _HEADERS else ">"
        magic, self.processor, _, self._type, _, size, _ = struct.unpack(f"{self._order}7I", head)
        if magic not in _HEADERS:
            raise MalformedDebugFileError("The file has no readable Mach-O header.")
        self._commands = _bytes(file, start + _HEADERS[magic], min(size, MAX_COMMANDS))
        self.uuid = next((data[8:24].hex() for kind, data in self._all() if kind == _LC_UUID), None)

    def segments(self) -> list[Segment]:
        """What is loaded; nothing for a dSYM or encrypted code."""
        if self._type == _MH_DSYM or self._is_encrypted():
            return []
        return [
            Segment(address - self._base, size, self._start + offset, bool(protection & _EXECUTE))
            for _, address, size, offset, protection in self._segments
        ]

    def section(self, segment: bytes, name: bytes) -> Section | None:
        """The section of this name in a 64-bit program."""
        for kind, command in self._all():
            if kind == _LC_SEGMENT_64 and command[8:24].rstrip(b"\0") == segment:
                for start in range(_SEGMENT_64, len(command) - _SECTION_64 + 1, _SECTION_64):
                    if command[start : start + 16].rstrip(b"\0") == name:
                        address, size, offset = struct.unpack_from(self._order + "QQI", command, start + 32)
                        return Section(address - self._base, self._start + offset, size)
        return None

    def function_starts(self) -> list[int]:
        """Where functions begin, by rising address from the program's base: from the list that linkers write, or the
        symbols of 64-bit programs. Either may be missing.

        Raises:
            MalformedDebugFileError: it lies outside the file.
        """
        return list(self._listed_starts()) or sorted(set(self._symbols()))

    def _listed_starts(self) -> Iterator[int]:
        """For each function a number in LEB128: the distance from the one before. Ends where that makes no sense."""
        offset, size = self._linked(_LC_FUNCTION_STARTS)
        data = _bytes(self._file, self._start + offset, size)
        address = place = 0
        while place < len(data):
            try:
                step, place = leb128(data, place)
            except (IndexError, ValueError):
                return
            if not step:  # the end, or the padding behind it
                return
            address += step
            yield address

    def _symbols(self) -> Iterator[int]:
        """The addresses of symbols that lie in a section."""
        offset, count = self._linked(_LC_SYMTAB)
        for kind, address in struct.iter_unpack(
            self._order + "4xB3xQ", _bytes(self._file, self._start + offset, 16 * count)
        ):
            if kind & (_N_STAB | _N_TYPE) == _N_SECT and address >= self._base:
                yield address - self._base

    def _linked(self, wanted: int) -> tuple[int, int]:
        """Where in the program the data of a load command is, and its size or count."""
        command = next((data for kind, data in self._all() if kind == wanted and len(data) >= 16), None)
        return struct.unpack_from(self._order + "II", command, 8) if command else (0, 0)

    @cached_property
    def _segments(self) -> list[tuple[bytes, int, int, int, int]]:
        return [self._segment(kind, data) for kind, data in self._all() if kind in (_LC_SEGMENT, _LC_SEGMENT_64)]

    @cached_property
    def _base(self) -> int:
        """The address that a module's base stands for."""
        return next((address for name, address, *_ in self._segments if name == b"__TEXT"), 0)

    def _all(self) -> Iterator[tuple[int, bytes]]:
        position = 0
        while position + 8 <= len(self._commands):
            kind, size = struct.unpack_from(f"{self._order}II", self._commands, position)
            if size < 8:
                return
            yield kind, self._commands[position : position + size]
            position += size

    def _segment(self, kind: int, command: bytes) -> tuple[bytes, int, int, int, int]:
        """Name, address, size in the file, offset in the program, and first protection."""
        layout = struct.Struct(self._order + ("8x16s4I4xI" if kind == _LC_SEGMENT else "8x16s4Q4xI"))
        if len(command) < layout.size:
            raise MalformedDebugFileError("A load command of the Mach-O file is too short.")
        name, address, _, offset, size, protection = layout.unpack_from(command)
        return name.rstrip(b"\0"), address, size, offset, protection

    def _is_encrypted(self) -> bool:
        infos = (data for kind, data in self._all() if kind in _LC_ENCRYPTION_INFO and len(data) >= 20)
        return any(struct.unpack_from(f"{self._order}I", data, 16)[0] for data in infos)


def _bytes(file: BinaryIO, offset: int, size: int) -> bytes:
    if offset + size > file.seek(0, 2):
        raise MalformedDebugFileError("The Mach-O file is cut short: a part of it lies beyond its end.")
    file.seek(offset)
    return file.read(size)
