"""A program's file as a loader sees it: what goes where in memory, and where the program begins."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from cairn.unwind.architectures import architecture_of
from tests.targets.zig import Target

_LC_SEGMENT_64, _LC_MAIN = 0x19, 0x8000_0028


@dataclass(frozen=True)
class Image:
    """``parts`` are the bytes of the file that are loaded, by their address; ``entry`` is the first instruction.
    Addresses are those that the linker chose."""

    target: Target
    base: int
    end: int
    entry: int
    parts: tuple[tuple[int, bytes], ...]


def load(target: Target, path: Path) -> Image:
    """Read the program at ``path``, which was linked for ``target``."""
    data = path.read_bytes()
    reader = {b"MZ": _pe, b"\x7fE": _elf, b"\xcf\xfa": _macho}[data[:2]]
    base, entry, sections = reader(data)
    parts = tuple((address, data[offset : offset + size]) for address, size, offset, _ in sections)
    entry &= architecture_of(target.arch).code_mask
    return Image(target, base, max(address + in_memory for address, _, _, in_memory in sections), entry, parts)


Sections = list[tuple[int, int, int, int]]
"""Address, size in the file, offset in the file, size in memory."""


def _pe(data: bytes) -> tuple[int, int, Sections]:
    (start,) = struct.unpack_from("<I", data, 0x3C)
    count, optional = struct.unpack_from("<6xH12xH", data, start)
    (magic,) = struct.unpack_from("<H", data, start + 24)
    (entry,) = struct.unpack_from("<I", data, start + 40)
    (base,) = (
        struct.unpack_from("<Q", data, start + 48) if magic == 0x20B else struct.unpack_from("<I", data, start + 52)
    )
    sections = [(base, 0x400, 0, 0x400)]
    for number in range(count):
        header = start + 24 + optional + 40 * number
        size, address, raw, offset = struct.unpack_from("<8x4I", data, header)
        sections.append((base + address, min(size, raw), offset, size))
    return base, base + entry, sections


def _elf(data: bytes) -> tuple[int, int, Sections]:
    if data[4] == 2:
        entry, table, size, count = struct.unpack_from("<24xQQ14xHH", data)
        layout, order = "<I4xQQ8xQQ", (0, 2, 3, 1, 4)
    else:
        entry, table, size, count = struct.unpack_from("<24xII10xHH", data)
        layout, order = "<IIIxxxxII", (0, 2, 3, 1, 4)
    sections: Sections = []
    for number in range(count):
        fields = struct.unpack_from(layout, data, table + size * number)
        kind, address, in_file, offset, in_memory = (fields[index] for index in order)
        if kind == 1:
            sections.append((address, in_file, offset, in_memory))
    return min(address for address, *_ in sections), entry, sections


def _macho(data: bytes) -> tuple[int, int, Sections]:
    (count,) = struct.unpack_from("<I", data, 16)
    position, base, entry = 32, 0, 0
    sections: Sections = []
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, position)
        if kind == _LC_SEGMENT_64:
            name, address, in_memory, offset, in_file = struct.unpack_from("<8x16s4Q", data, position)
            base = address if name.startswith(b"__TEXT") else base
            if not name.startswith(b"__PAGEZERO"):
                sections.append((address, in_file, offset, in_memory))
        elif kind == _LC_MAIN:
            (entry,) = struct.unpack_from("<8xQ", data, position)
        position += size
    return base, base + entry, sections
