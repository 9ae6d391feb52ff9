"""DWARF unwind data of arm64 programs that sign return addresses (``-mbranch-protection``), made readable.

Such data has an operation of arm's own where a signature begins or ends. ``symbolic`` 13.9 does not know it, and drops
what follows: nearly all rules of the function. The walker takes signatures off by itself, so the operation may do
nothing.

Sources: "DWARF for the Arm 64-bit Architecture" (AADWARF64); DWARF 5, 6.4 and 7.24; "Linux Standard Base Core", 10.6,
for ``.eh_frame``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf
from cairn.symbols.formats.leb128 import leb128
from cairn.symbols.unwind_data.dwarf_frames import HEAD, MAX_LETTERS, OPERANDS, POINTER_SIZES, entries

_NOP = 0
_SIGNS = (0x2C, 0x2D)
"""``DW_CFA_AARCH64_negate_ra_state_with_pc`` and ``DW_CFA_AARCH64_negate_ra_state``."""

_CIE_IDS = {b".eh_frame": 0, b".debug_frame": 0xFFFF_FFFF}
"""What a CIE, the part that entries of functions share, has in place of their pointer to it."""


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
    for place, number, end in entries(data):
        if number == cie_id or not any(sign in data[place:end] for sign in _SIGNS):
            continue
        cie = number if cie_id else place - number
        try:
            if cie not in sizes:
                sizes[cie] = _common(data, cie)
            size, is_augmented = sizes[cie]
            start = place + 4 + 2 * size
            if is_augmented:
                count, start = leb128(data, start)
                start += count
            yield from _signs_among(data, start, end)
        except (IndexError, KeyError, ValueError):
            continue


def _common(data: bytes, start: int) -> tuple[int, bool]:
    """Of the CIE at ``start``: the size of pointers in the entries of functions, and whether these are augmented.

    Raises:
        IndexError, KeyError, ValueError: it makes no sense.
    """
    if start < 0:
        raise ValueError(start)
    end = data.index(b"\0", start + HEAD, start + HEAD + MAX_LETTERS)
    letters = data[start + HEAD : end].decode("ascii", "replace")
    if not letters.startswith("z"):
        return 8, False
    place = end + 1
    for _ in range(4):  # factors of code and data, the return address's register, the size of what follows
        _, place = leb128(data, place)
    encoding = 0
    for letter in letters[1:]:
        if letter == "P":
            place += 1 + POINTER_SIZES[data[place] & 15]
        elif letter in "LR":
            encoding = data[place] if letter == "R" else encoding
            place += 1
    return POINTER_SIZES[encoding & 15], True


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
        for operand in ("u" if code >> 6 == 2 else "") if code >> 6 else OPERANDS[code]:
            if operand in "ub":
                number, place = leb128(data, place)
                place += number if operand == "b" else 0
            else:
                place += int(operand)
