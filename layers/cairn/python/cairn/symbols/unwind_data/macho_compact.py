"""The table of compact unwind data in Apple's programs (``__unwind_info``): which encoding each function has.

An encoding is a number of 32 bits that says how a function's body is undone, by the conventions of its processor
(``macho_amd64.py``, ``macho_arm64.py``). Source: ``mach-o/compact_unwind_encoding.h`` of LLVM's libunwind.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError

MAX_ENTRIES = 1 << 22
"""Entries of a table; Chrome has half a million functions."""

_VERSION = 1
_REGULAR, _COMPRESSED = 2, 3


class Entry(NamedTuple):
    """``encoding`` holds from ``start`` to ``end``: for a function, or for several that need the same."""

    start: int
    end: int
    encoding: int


def mode_of(encoding: int) -> int:
    """The kind of an encoding, which each processor has its own numbers for; 0: there is no unwind data."""
    return encoding >> 24 & 15


def entries(table: bytes) -> Iterator[Entry]:
    """Yield the entries of a section by rising address; what overlaps the one before is left out.

    Raises:
        MalformedDebugFileError: the table makes no sense.
    """
    end = 0
    for (start, encoding), (following, _) in pairwise(_all(table)):
        if end <= start < following:
            end = following
            yield Entry(start, end, encoding)


def _all(table: bytes) -> Iterator[tuple[int, int]]:
    """Starts and encodings; last, where the table ends."""
    version, common, count, _, _, index, pages = _unpack("<7I", table, 0)
    if version != _VERSION:
        raise MalformedDebugFileError(f"The compact unwind data has the unknown version {version}.")
    shared = _unpack(f"<{min(count, 256)}I", table, common)
    left = MAX_ENTRIES
    for number in range(pages):
        start, page, _ = _unpack("<III", table, index + 12 * number)
        if not page:
            yield start, 0
            return
        found = _page(table, start, page, shared)
        left -= len(found)
        if left < 0:
            raise MalformedDebugFileError(f"The compact unwind data has more than {MAX_ENTRIES:,} entries.")
        yield from found


def _page(table: bytes, start: int, page: int, shared: tuple[int, ...]) -> list[tuple[int, int]]:
    kind, first, count = _unpack("<IHH", table, page)
    if kind == _REGULAR:
        words = _unpack(f"<{2 * count}I", table, page + first)
        return list(zip(words[::2], words[1::2], strict=True))
    if kind != _COMPRESSED:
        raise MalformedDebugFileError(f"The compact unwind data has a page of the unknown kind {kind}.")
    place, own = _unpack("<HH", table, page + 8)
    encodings = shared + _unpack(f"<{own}I", table, page + place)
    words = _unpack(f"<{count}I", table, page + first)
    return [(start + (word & 0xFF_FFFF), encodings[word >> 24]) for word in words if word >> 24 < len(encodings)]


def _unpack(layout: str, data: bytes, place: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, place)
    except struct.error:
        raise MalformedDebugFileError("The compact unwind data is cut short.") from None
