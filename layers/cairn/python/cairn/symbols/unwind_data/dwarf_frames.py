"""The form of DWARF unwind data: entries, and their operations.

Sources: DWARF 5, 6.4 and 7.24; "Linux Standard Base Core", 10.6, for ``.eh_frame``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from cairn.symbols.formats.leb128 import leb128, signed_leb128

HEAD, MAX_LETTERS = 9, 16
"""Bytes of a CIE before its augmentation: size, id, version; and of that."""

POINTER_SIZES = {0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8}
"""By the low four bits of how a pointer is encoded; 0 is an address, on a 64-bit machine."""

OPERANDS = {
    0x00: "", 0x01: "8", 0x02: "1", 0x03: "2", 0x04: "4", 0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu",
    0x0A: "", 0x0B: "", 0x0C: "uu", 0x0D: "u", 0x0E: "u", 0x0F: "b", 0x10: "ub", 0x11: "uu", 0x12: "uu", 0x13: "u",
    0x14: "uu", 0x15: "uu", 0x16: "ub", 0x2C: "", 0x2D: "", 0x2E: "u", 0x2F: "uu",
}  # fmt: skip
"""What follows an operation: so many bytes, numbers in LEB128 (``u``), a block with its size before it (``b``)."""


def entries(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where in each entry its id is, the id, and where the entry ends."""
    place = 0
    while place + 8 <= len(data):
        size, number = struct.unpack_from("<II", data, place)
        place += 4
        if size > len(data) - place:
            return
        if size >= 4:
            yield place, number, place + size
        place += size


class Common(NamedTuple):
    """What entries of functions share (a CIE). ``encoding`` is how they write pointers, ``operations`` where those are
    that come before a function's own."""

    code_factor: int
    data_factor: int
    return_register: int
    encoding: int
    is_augmented: bool
    operations: tuple[int, int]


def common(data: bytes, start: int) -> Common:
    """The CIE of ``.eh_frame`` at ``start``.

    Raises:
        IndexError, KeyError, ValueError, struct.error: it makes no sense.
    """
    size, number, version = struct.unpack_from("<IIB", data, max(start, 0))
    if start < 0 or number or version not in (1, 3):
        raise ValueError(start)
    end = data.index(b"\0", start + HEAD, start + HEAD + MAX_LETTERS)
    letters = data[start + HEAD : end].decode("ascii", "replace")
    code_factor, place = leb128(data, end + 1)
    data_factor, place = signed_leb128(data, place)
    return_register, place = (data[place], place + 1) if version == 1 else leb128(data, place)
    encoding, is_augmented = 0, letters.startswith("z")
    if is_augmented:
        count, place = leb128(data, place)
        encoding, place = _pointer_encoding(data, place, letters), place + count
    operations = (place, min(start + 4 + size, len(data)))
    return Common(code_factor, data_factor, return_register, encoding, is_augmented, operations)


def _pointer_encoding(data: bytes, place: int, letters: str) -> int:
    """How functions write pointers, from the augmentation at ``place``."""
    for letter in letters[1:]:
        if letter == "R":
            return data[place]
        if letter == "P":
            place += 1 + POINTER_SIZES[data[place] & 15]
        elif letter == "L":
            place += 1
    return 0
