"""DWARF unwind data of arm64 programs that sign return addresses (``-mbranch-protection``), made readable.

Such data has an operation of arm's own where a signature begins or ends. ``symbolic`` 13.9 does not know it, and drops
what follows: nearly all rules of the function. The walker takes signatures off by itself, so the operation may do
nothing.

Sources: "DWARF for the Arm 64-bit Architecture" (AADWARF64); DWARF 5, 6.4 and 7.24; "Linux Standard Base Core", 10.6,
for ``.eh_frame``.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf

_NOP = 0
_SIGNS = (0x2C, 0x2D)
"""``DW_CFA_AARCH64_negate_ra_state_with_pc`` and ``DW_CFA_AARCH64_negate_ra_state``."""

_CIE_IDS = {b".eh_frame": 0, b".debug_frame": 0xFFFF_FFFF}
"""What a CIE, the part that entries of functions share, has in place of their pointer to it."""

_HEAD, _MAX_LETTERS = 9, 16
"""Bytes of a CIE before its augmentation: size, id, version; and of that."""

_MAX_SHIFT = 63

_POINTER_SIZES = {0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8}
"""By the low four bits of how a pointer is encoded."""

_OPERANDS = {
    0x00: "", 0x01: "8", 0x02: "1", 0x03: "2", 0x04: "4", 0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu",
    0x0A: "", 0x0B: "", 0x0C: "uu", 0x0D: "u", 0x0E: "u", 0x0F: "b", 0x10: "ub", 0x11: "uu", 0x12: "uu", 0x13: "u",
    0x14: "uu", 0x15: "uu", 0x16: "ub", 0x2C: "", 0x2D: "", 0x2E: "u", 0x2F: "uu",
}  # fmt: skip
"""What follows an operation: so many bytes, numbers in LEB128 (``u``), a block with its size before it (``b``)."""


def copy_without_signs(path: Path, target: Path) -> bool:
    """Copy the ELF file at ``path``, with operations that do nothing for these; False, and no copy, without any."""
    with path.open("rb") as file:
        places = signs(file)
    if not places:
        return False
    shutil.copyfile(path, target)
    with target.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes((_NOP,)))
    return True


def signs(file: BinaryIO) -> list[int]:
    """Where in an ELF file operations about signatures are, a byte each. What makes no sense is passed over."""
    found: list[int] = []
    try:
        elf = Elf(file)
        for name, cie_id in _CIE_IDS.items() if elf.is_arm64 else ():
            if section := elf.section(name):
                offset, data = section
                found += [offset + place for place in signs_in(data, cie_id)]
    except MalformedDebugFileError:
        pass
    return found


def signs_in(data: bytes, cie_id: int) -> Iterator[int]:
    """The same in a section. ``cie_id`` is how its entries mark what functions share."""
    sizes: dict[int, tuple[int, bool]] = {}
    for place, number, end in _entries(data):
        if number == cie_id or not any(sign in data[place:end] for sign in _SIGNS):
            continue
        cie = number if cie_id else place - number
        try:
            if cie not in sizes:
                sizes[cie] = _common(data, cie)
            size, is_augmented = sizes[cie]
            start = place + 4 + 2 * size
            if is_augmented:
                count, start = _leb128(data, start)
                start += count
            yield from _signs_among(data, start, end)
        except (IndexError, KeyError, ValueError):
            continue


def _entries(data: bytes) -> Iterator[tuple[int, int, int]]:
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


def _common(data: bytes, start: int) -> tuple[int, bool]:
    """Of the CIE at ``start``: the size of pointers in the entries of functions, and whether these are augmented.

    Raises:
        IndexError, KeyError, ValueError: it makes no sense.
    """
    if start < 0:
        raise ValueError(start)
    end = data.index(b"\0", start + _HEAD, start + _HEAD + _MAX_LETTERS)
    letters = data[start + _HEAD : end].decode("ascii", "replace")
    if not letters.startswith("z"):
        return 8, False
    place = end + 1
    for _ in range(4):  # factors of code and data, the return address's register, the size of what follows
        _, place = _leb128(data, place)
    encoding = 0
    for letter in letters[1:]:
        if letter == "P":
            place += 1 + _POINTER_SIZES[data[place] & 15]
        elif letter in "LR":
            encoding = data[place] if letter == "R" else encoding
            place += 1
    return _POINTER_SIZES[encoding & 15], True


def _signs_among(data: bytes, place: int, end: int) -> Iterator[int]:
    """Go through operations.

    Raises:
        IndexError, KeyError, ValueError: nobody knows one of them, or they are cut short.
    """
    while place < end:
        code = data[place]
        if code in _SIGNS:
            yield place
        place += 1
        # The high two bits have three operations of their own; of these DW_CFA_offset is followed by a number.
        for operand in ("u" if code >> 6 == 2 else "") if code >> 6 else _OPERANDS[code]:
            if operand in "ub":
                number, place = _leb128(data, place)
                place += number if operand == "b" else 0
            else:
                place += int(operand)


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    """The number at ``place`` (without its sign), and where it ends.

    Raises:
        IndexError, ValueError: it is cut short, or too long.
    """
    value = shift = 0
    while data[place] & 0x80:
        if shift > _MAX_SHIFT:
            raise ValueError(place)
        value |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | data[place] << shift, place + 1
