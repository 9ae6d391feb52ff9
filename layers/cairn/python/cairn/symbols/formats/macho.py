"""The little of Mach-O that Cairn reads itself: what of a program's file is loaded where."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from cairn.symbols.errors import MalformedDebugFileError
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
_EXECUTE = 4


def macho_segments(file: BinaryIO, uuid: str) -> list[Segment]:
    """What of the program with this UUID (32 hex digits) is loaded; nothing for a dSYM, or for encrypted code, as
    Apple's store delivers it.

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """
    for start in _slices(file):
        program = _Program(file, start)
        if program.uuid == uuid:
            return program.segments()
    return []


def _slices(file: BinaryIO) -> list[int]:
    """Where the programs in the file begin."""
    magic, count = struct.unpack(">II", _bytes(file, 0, 8))
    layout = _FAT.get(magic)
    if layout is None:
        return [0]
    entries = _bytes(file, 8, layout.size * min(count, MAX_SLICES))
    return [offset for (offset,) in layout.iter_unpack(entries)]


class _Program:
    """One program: its header and load commands."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._start = start
        head = _bytes(file, start, 28)
        self._order = "<" if struct.unpack_from("<I", head)[0] in _HEADERS else ">"
        magic, _, _, self._type, _, size, _ = struct.unpack(f"{self._order}7I", head)
        if magic not in _HEADERS:
            raise MalformedDebugFileError("The file has no readable Mach-O header.")
        self._commands = _bytes(file, start + _HEADERS[magic], min(size, MAX_COMMANDS))
        self.uuid = next((data[8:24].hex() for kind, data in self._all() if kind == _LC_UUID), None)

    def segments(self) -> list[Segment]:
        if self._type == _MH_DSYM or self._is_encrypted():
            return []
        found = [self._segment(kind, data) for kind, data in self._all() if kind in (_LC_SEGMENT, _LC_SEGMENT_64)]
        base = next((address for name, address, _, _, _ in found if name == b"__TEXT"), 0)
        return [
            Segment(address - base, size, self._start + offset, bool(protection & _EXECUTE))
            for _, address, size, offset, protection in found
        ]

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
