"""The little of PE, the format of Windows programs, that Cairn reads itself: where the unwind data is, and the code.

Source: "PE Format" in Microsoft's documentation of Windows.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from mmap import mmap
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError

AMD64, ARM64 = 0x8664, 0xAA64
MAX_SECTIONS = 96
"""As many as Windows loads."""

_DIRECTORIES = {0x10B: 96, 0x20B: 112}
"""Where in the optional header the directories begin: of 32-bit and of 64-bit programs."""

_EXCEPTION_DIRECTORY = 3


class _Section(NamedTuple):
    start: int
    size: int
    offset: int


class Place(NamedTuple):
    """Where in the file an address is, and where the bytes of its section end there."""

    offset: int
    end: int


class Pe:
    """The image of a Windows program. Addresses are relative to its base.

    ``data`` is the whole file; ``machine`` the code of its processor.

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """

    def __init__(self, data: bytes | mmap) -> None:
        self.data = data
        (start,) = self._unpack("<I", 0x3C)
        signature, self.machine, count, optional_size = self._unpack("<IHH12xH2x", start)
        (magic,) = self._unpack("<H", start + 24)
        if data[:2] != b"MZ" or signature != 0x4550 or magic not in _DIRECTORIES:
            raise MalformedDebugFileError("The file has no readable header of a Windows program.")
        if count > MAX_SECTIONS:
            raise MalformedDebugFileError(f"The file has {count} sections. Windows loads {MAX_SECTIONS} at most.")
        self._directories = start + 24 + _DIRECTORIES[magic]
        self._sections = sorted(self._section(start + 24 + optional_size + 40 * number) for number in range(count))
        self._starts = [section.start for section in self._sections]

    def exception_table(self) -> bytes:
        """The table of functions with unwind data (``.pdata``); empty when there is none.

        Raises:
            MalformedDebugFileError: it lies outside the file.
        """
        (count,) = self._unpack("<I", self._directories - 4)
        if count <= _EXCEPTION_DIRECTORY:
            return b""
        address, size = self._unpack("<II", self._directories + 8 * _EXCEPTION_DIRECTORY)
        return self.read(address, size) if size else b""

    def place(self, address: int) -> Place:
        """Find ``address`` in the file.

        Raises:
            MalformedDebugFileError: no section has it in the file.
        """
        index = bisect_right(self._starts, address) - 1
        section = self._sections[index] if index >= 0 else None
        if section is None or address >= section.start + section.size:
            raise MalformedDebugFileError(f"The address {address:#x} lies in no section of the file.")
        offset = section.offset + address - section.start
        return Place(offset, section.offset + section.size)

    def read(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes at ``address``.

        Raises:
            MalformedDebugFileError: they do not lie in one section.
        """
        if not size:
            return b""
        offset, end = self.place(address)
        if size > end - offset:
            raise MalformedDebugFileError(f"{size} bytes at {address:#x} reach beyond their section.")
        return self.data[offset : offset + size]

    def _section(self, header: int) -> _Section:
        virtual_size, start, size, offset = self._unpack("<IIII", header + 8)
        size = min(size, virtual_size or size, max(0, len(self.data) - offset))
        return _Section(start, size, offset)

    def _unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(layout, self.data, offset)
        except struct.error:
            raise MalformedDebugFileError("The headers of the Windows program are cut short.") from None
