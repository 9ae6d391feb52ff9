"""Mach-O files changed, so that a dSYM comes about without Apple's tools."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

SEGMENT = "__DWARX"
"""Where debug information stays while it is linked: of ``__DWARF`` linkers take nothing along."""

_DWARF = "__DWARF"
_MH_DSYM = 10
_LC_SEGMENT_64 = 0x19
_DEBUG = 0x0200_0000


def set_debug_segment(data: bytes, name: str) -> bytes:
    """Rename the segment of debug information, which becomes data like any other if it is not ``__DWARF``."""
    changed = bytearray(data)
    new = name.encode().ljust(16, b"\0")
    for place in _segments(data):
        if _is_debug(data, place + 8):
            changed[place + 8 : place + 24] = new
        (count,) = struct.unpack_from("<I", data, place + 64)
        for section in range(place + 72, place + 72 + 80 * count, 80):
            if _is_debug(data, section + 16):
                changed[section + 16 : section + 32] = new
                (flags,) = struct.unpack_from("<I", data, section + 64)
                struct.pack_into("<I", changed, section + 64, flags & ~_DEBUG | (_DEBUG if name == _DWARF else 0))
    return bytes(changed)


def write_dsym(program: Path) -> Path:
    """Put a dSYM beside a program that was linked with its debug information in ``SEGMENT``."""
    folder = program.with_name(f"{program.name}.dSYM") / "Contents" / "Resources" / "DWARF"
    folder.mkdir(parents=True)
    companion = bytearray(set_debug_segment(program.read_bytes(), _DWARF))
    struct.pack_into("<I", companion, 12, _MH_DSYM)
    path = folder / program.name
    path.write_bytes(companion)
    return path


def _segments(data: bytes) -> Iterator[int]:
    """Where in the file the load commands of its segments are."""
    (count,) = struct.unpack_from("<I", data, 16)
    place = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, place)
        if kind == _LC_SEGMENT_64:
            yield place
        place += size


def _is_debug(data: bytes, place: int) -> bool:
    return data[place : place + 16].rstrip(b"\0").decode() in (_DWARF, SEGMENT)
