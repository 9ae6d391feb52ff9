"""Cuts from a shared library what the loader never reads: section headers, symbol tables, debug information.

The loader works from the program headers alone (System V ABI, chapter 5), so everything behind the last segment can go.
Unlike the ``strip`` of the build machine, this works for any architecture.
"""

from __future__ import annotations

import struct
from pathlib import Path

ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
"""Elf64_Ehdr: ident, type, machine, version, entry, phoff, shoff, flags, ehsize, phentsize, phnum, shentsize, shnum,
shstrndx."""
SEGMENT = struct.Struct("<IIQQQQQQ")
"""Elf64_Phdr: type, flags, offset, vaddr, paddr, filesz, memsz, align."""


def strip(data: bytes) -> bytes:
    """The 64-bit little-endian ELF image ``data`` without its sections; anything else as it is.

    Raises ``ValueError`` when the program headers point outside ``data``: such a file could not be loaded either.
    """
    if len(data) < HEADER.size or not data.startswith(ELF64_LITTLE_ENDIAN):
        return data
    fields = list(HEADER.unpack_from(data))
    end = _end_of_segments(data, table=fields[5], entry_size=fields[9], count=fields[10])
    fields[6] = fields[12] = fields[13] = 0
    return HEADER.pack(*fields) + data[HEADER.size : end]


def strip_file(path: Path) -> int:
    """Strip the file in place. Returns how many bytes went."""
    before = path.read_bytes()
    after = strip(before)
    if len(after) < len(before):
        path.write_bytes(after)
    return len(before) - len(after)


def _end_of_segments(data: bytes, table: int, entry_size: int, count: int) -> int:
    """The file offset behind the last byte that a segment or the program header table uses."""
    end = table + entry_size * count
    if entry_size != SEGMENT.size or end > len(data):
        raise ValueError(f"program header table at {table:#x} with {count} entries is outside the file")
    for index in range(count):
        _, _, offset, _, _, size, _, _ = SEGMENT.unpack_from(data, table + index * entry_size)
        end = max(end, offset + size)
    if end > len(data):
        raise ValueError(f"a segment ends at {end:#x}, behind the end of the file ({len(data):#x})")
    return end
