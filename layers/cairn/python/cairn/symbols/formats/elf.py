"""The little of ELF that Cairn reads itself: ids, ends of symbols, what is loaded where, companions, tables of arm."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.records import Segment

MAGIC = b"\x7fELF"
MAX_HEADERS = 65535
MAX_NOTES = 1 << 20
"""Bytes of notes that are searched for the build id."""

HASHED_TEXT = 4096
"""Bytes of a program's code that its id is made of where it has no build id."""

_EM_ARM, _EM_AARCH64 = 40, 183
_PT_LOAD, _PT_NOTE = 1, 4
_PF_EXECUTABLE, _SHF_EXECUTABLE = 1, 4
_SHT_SYMTAB, _SHT_NOTE, _SHT_NOBITS, _SHT_DYNSYM = 2, 7, 8, 11
_SHT_ARM_EXIDX = 0x7000_0001
_SHF_COMPRESSED = 0x800
_NT_GNU_BUILD_ID = 3
_NO_TYPE, _FUNCTION_TYPES = 0, (2, 10)  # STT_NOTYPE; STT_FUNC, STT_GNU_IFUNC


@dataclass(frozen=True, slots=True)
class _Header:
    """A program or section header: type, address, place in the file, its own kind of flags, and where its name is."""

    type: int
    address: int
    offset: int
    size: int
    flags: int
    name: int = 0


class Elf:
    """An ELF file, opened for reading.

    Raises:
        MalformedDebugFileError: its headers make no sense.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        ident = self._bytes(0, 16)
        if ident[:4] != MAGIC or ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise MalformedDebugFileError("The file has no readable ELF header.")
        self._wide = ident[4] == 2
        self._order = "<" if ident[5] == 1 else ">"
        head = self._struct("HHIQQQIHHHHHH" if self._wide else "HHIIIIIHHHHHH")
        fields = head.unpack(self._bytes(16, head.size))
        self.machine, self.is_little = fields[1], self._order == "<"
        self.is_arm = fields[1] == _EM_ARM and not self._wide
        self.is_arm64 = fields[1] == _EM_AARCH64 and self._wide and self._order == "<"
        self._names = fields[12]
        self._address_mask = ~1 if fields[1] == _EM_ARM else ~0  # bit 0 of an ARM function says Thumb
        self._programs, self._sections = (fields[4], fields[8], fields[9]), (fields[5], fields[10], fields[11])

    def build_id(self) -> str | None:
        """Return the GNU build id in lower hex."""
        notes = [h for h in self._program_headers() if h.type == _PT_NOTE]
        notes += [h for h in self._section_headers() if h.type == _SHT_NOTE]
        for note in notes:
            found = self._find_build_id(self._bytes(note.offset, min(note.size, MAX_NOTES)))
            if found:
                return found.hex()
        return None

    def text_id(self) -> bytes | None:
        """Return the id of a program without a build id: its first code, folded into 16 bytes (Breakpad:
        src/common/linux/file_id.cc). ``None`` for a file without code."""
        text = self._section(b".text")
        if text is None or text.type == _SHT_NOBITS or not text.size:
            return None
        folded = bytearray(16)
        for position, byte in enumerate(self._bytes(text.offset, min(text.size, HASHED_TEXT))):
            folded[position % 16] ^= byte
        return bytes(folded)

    def debug_link(self) -> int | None:
        """Return the CRC-32 of the debug companion that a stripped program names in ``.gnu_debuglink``."""
        link = self._section(b".gnu_debuglink")
        if link is None or not 8 <= link.size <= MAX_NOTES:
            return None
        (checksum,) = self._struct("I").unpack(self._bytes(link.offset, link.size)[-4:])
        return int(checksum)

    def is_companion(self) -> bool:
        """Whether it is the debug companion of a program, whose code sections are empty.

        ``eu-strip`` leaves a companion the program headers of the program, so only the sections tell.
        """
        return any(s.type == _SHT_NOBITS and s.flags & _SHF_EXECUTABLE for s in self._section_headers())

    def symbol_ends(self) -> dict[int, int]:
        """Return the ends of functions in the symbol tables, by their start, both relative to the module's base.

        A function without a size (``_fini``, much assembly) ends with its section at the latest.
        """
        base = self.base
        entry = self._struct("IBBHQQ" if self._wide else "IIIBBH")
        ends: dict[int, int] = {}
        sections = list(self._section_headers())
        for section in sections:
            if section.type not in (_SHT_SYMTAB, _SHT_DYNSYM):
                continue
            data = self._bytes(section.offset, section.size)
            for fields in entry.iter_unpack(data[: len(data) // entry.size * entry.size]):
                info, home, value, size = self._symbol(fields)
                start = (value & self._address_mask) - base
                if size and info & 15 in _FUNCTION_TYPES:
                    ends[start] = max(ends.get(start, 0), start + size)
                elif not size and home < len(sections) and info & 15 in (_NO_TYPE, *_FUNCTION_TYPES):
                    ends.setdefault(start, sections[home].address + sections[home].size - base)
        return ends

    def segments(self) -> list[Segment]:
        """Return what of the file is loaded; nothing for a debug companion."""
        if self.is_companion():
            return []
        return [
            Segment(header.address - self.base, header.size, header.offset, bool(header.flags & _PF_EXECUTABLE))
            for header in self._loaded
        ]

    def arm_indexes(self) -> Iterator[tuple[int, bytes]]:
        """Yield the tables of functions that 32-bit arm programs unwind by (``.ARM.exidx``), and their addresses."""
        for section in self._section_headers():
            if section.type == _SHT_ARM_EXIDX:
                yield section.address, self._bytes(section.offset, section.size)

    def section(self, name: bytes) -> tuple[int, bytes] | None:
        """Where in the file the section of this name begins, and what it holds; None where it is not, or compressed."""
        header = self._section(name)
        if header is None or header.type == _SHT_NOBITS or header.flags & _SHF_COMPRESSED:
            return None
        return header.offset, self._bytes(header.offset, header.size)

    def address_of(self, name: bytes) -> int:
        """The address of the section of this name; 0 where there is none."""
        header = self._section(name)
        return header.address if header else 0

    def read(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes that the program has at ``address``.

        Raises:
            MalformedDebugFileError: no segment of the file has them.
        """
        for header in self._loaded:
            if header.address <= address and address + size <= header.address + header.size:
                return self._bytes(header.offset + address - header.address, size)
        raise MalformedDebugFileError(f"{size} bytes at {address:#x} lie in no segment of the file.")

    def unpack(self, layout: str, data: bytes) -> tuple[int, ...]:
        """``struct.unpack`` in the file's byte order, without padding."""
        return struct.unpack(self._order + layout, data)

    @cached_property
    def _loaded(self) -> list[_Header]:
        return [header for header in self._program_headers() if header.type == _PT_LOAD]

    @cached_property
    def base(self) -> int:
        """The address that a module's base stands for: that of the first segment."""
        return next((header.address for header in self._loaded), 0)

    def _symbol(self, fields: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Info, section, value and size of an entry of a symbol table, whose order depends on the width."""
        if self._wide:
            return fields[1], fields[3], fields[4], fields[5]
        return fields[3], fields[5], fields[1], fields[2]

    def _program_headers(self) -> Iterator[_Header]:
        for header in self._headers(self._programs, self._struct("IIQQQQQQ" if self._wide else "IIIIIIII")):
            if self._wide:
                yield _Header(header[0], header[3], header[2], header[5], header[1])
            else:
                yield _Header(header[0], header[2], header[1], header[4], header[6])

    def _section_headers(self) -> Iterator[_Header]:
        for header in self._headers(self._sections, self._struct("IIQQQQIIQQ" if self._wide else "IIIIIIIIII")):
            yield _Header(header[1], header[3], header[4], header[5], header[2], header[0])

    def _section(self, name: bytes) -> _Header | None:
        """The first section of this name."""
        sections = list(self._section_headers())
        if self._names >= len(sections):
            return None
        names = sections[self._names]
        table = self._bytes(names.offset, min(names.size, MAX_NOTES))
        return next((s for s in sections if table[s.name : s.name + len(name) + 1] == name + b"\0"), None)

    def _headers(self, table: tuple[int, int, int], layout: struct.Struct) -> Iterator[tuple[int, ...]]:
        offset, size, count = table
        if not count or not offset or size < layout.size:
            return
        data = self._bytes(offset, size * min(count, MAX_HEADERS))
        for start in range(0, len(data) - layout.size + 1, size):
            yield layout.unpack_from(data, start)

    def _find_build_id(self, notes: bytes) -> bytes | None:
        note = self._struct("III")
        position = 0
        while position + note.size <= len(notes):
            name_size, size, kind = note.unpack_from(notes, position)
            name = position + note.size
            content = name + _align(name_size)
            if kind == _NT_GNU_BUILD_ID and notes[name : name + name_size] == b"GNU\0":
                return notes[content : content + size]
            position = content + _align(size)
        return None

    def _struct(self, layout: str) -> struct.Struct:
        return struct.Struct(self._order + layout)

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self._size:
            raise MalformedDebugFileError("The ELF file is cut short: a part of it lies beyond its end.")
        self._file.seek(offset)
        return self._file.read(size)


def _align(size: int) -> int:
    return (size + 3) & ~3
