"""What of a program's own file is loaded into memory, so that a crash can be shown the code it stopped at."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cairn.symbols.compiling.libsymbolic import DebugObject
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf
from cairn.symbols.formats.macho import macho_segments
from cairn.symbols.records import Segment
from cairn.symbols.symbol_file.coverage import END_OF_ADDRESSES

MAX_SEGMENTS = 96
"""Segments that are kept: as many as a PE may have, and several times what programs have."""

_PE_HEAD = struct.Struct("<4sHH12xHH")
_PE_SECTION = struct.Struct("<8x4I12xI")
_RELOCS_STRIPPED, _EXECUTE = 0x0001, 0x20000000


def segments_of(debug_object: DebugObject, path: Path) -> tuple[Segment, ...]:
    """Return the loaded segments of the program at ``path``; none for a file that holds no code.

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """
    with path.open("rb") as file:
        found = _read(debug_object, file)
        size = file.seek(0, 2)
    return tuple(segment for segment in found if _is_sane(segment, size))[:MAX_SEGMENTS]


def _read(debug_object: DebugObject, file: BinaryIO) -> list[Segment]:
    match debug_object.format:
        case "elf":
            return Elf(file).segments()
        case "macho":
            return macho_segments(file, (debug_object.debug_id or "").replace("-", "")[:32])
        case "pe":
            return list(pe_segments(file))
    return []


def _is_sane(segment: Segment, file_size: int) -> bool:
    inside = 0 <= segment.address < END_OF_ADDRESSES and segment.offset + segment.size <= file_size
    return inside and segment.size > 0


def pe_segments(file: BinaryIO) -> Iterator[Segment]:
    """Yield the sections of a PE file.

    None where 32-bit code holds addresses that the loader corrects: the bytes in memory are others then.

    Raises:
        MalformedDebugFileError: its headers make no sense.
    """
    start = struct.unpack("<I", _bytes(file, 0x3C, 4))[0]
    magic, machine, count, optional, flags = _PE_HEAD.unpack(_bytes(file, start, _PE_HEAD.size))
    if magic != b"PE\0\0":
        raise MalformedDebugFileError("The file has no readable PE header.")
    if machine == 0x14C and not flags & _RELOCS_STRIPPED:
        return
    sections = _bytes(file, start + 24 + optional, 40 * min(count, MAX_SEGMENTS))
    for size, address, raw_size, offset, flags in _PE_SECTION.iter_unpack(sections):
        if offset:
            yield Segment(address, min(size or raw_size, raw_size), offset, bool(flags & _EXECUTE))


def _bytes(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise MalformedDebugFileError("The PE file is cut short: a part of it lies beyond its end.")
    return data
