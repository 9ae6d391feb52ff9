"""Unwind data of 32-bit arm programs without DWARF: ``.ARM.exidx`` and ``.ARM.extab``, as on Android.

An entry of the index covers a function and says how its body is undone, in one sequence of bytes. There is no word of
prologues and epilogues; only the first instruction is known to find things as the call has left them.

Source: "Exception Handling ABI for the Arm Architecture" (EHABI32), sections 6, 7 and 10.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf
from cairn.symbols.unwind_data.arm_exidx_codes import rule_of
from cairn.symbols.unwind_data.cfi_text import END_OF_ADDRESSES, Row

_CANNOT_UNWIND = 1
_COMPACT = 1 << 31
_AT_ENTRY = ".cfa: sp 0 + .ra: lr"
_SHORTEST_INSTRUCTION = 2


def exidx_rows(elf: Elf, problems: list[str]) -> list[Row]:
    """The rows of a program, relative to its base; what is left out is told in ``problems``.

    A function that cannot be unwound has a gap: compilers mark all of C like that unless they are asked for more.

    Raises:
        MalformedDebugFileError: the index lies outside the file.
    """
    rows: list[Row] = []
    broken = 0
    entries = sorted(_entries(elf))
    for (start, rest), (following, _) in pairwise((*entries, (END_OF_ADDRESSES, (0, 0)))):
        try:
            rule = _rule(elf, *rest)
        except MalformedDebugFileError:
            rule, broken = None, broken + 1
        if start < following and (rows or rule):
            rows += _rows(start, following, rule)
    if broken:
        problems.append(f"{broken} functions have unwind data (.ARM.exidx) that makes no sense, and no rules.")
    return rows


def _rows(start: int, end: int, rule: str | None) -> list[Row]:
    """A function's rows: at its first instruction, which has two bytes or more, it has saved nothing yet."""
    body = start + _SHORTEST_INSTRUCTION
    if rule in (None, _AT_ENTRY) or body >= end:
        return [Row(start, rule, rule is not None)]
    return [Row(start, _AT_ENTRY, True), Row(body, rule)]


def _entries(elf: Elf) -> Iterator[tuple[int, tuple[int, int]]]:
    """Starts of functions; the second word of the entry, and its address."""
    for address, table in elf.arm_indexes():
        for position in range(0, len(table) - 7, 8):
            place = address + position
            function, data = elf.unpack("II", table[position : position + 8])
            start = _pointed(function, place) & ~1
            if elf.base <= start:
                yield start - elf.base, (data, place + 4)


def _pointed(word: int, place: int) -> int:
    """Where a word at ``place`` points: 31 bits, relative to itself."""
    offset = word & 0x7FFF_FFFF
    return place + (offset - (1 << 31) if offset & 1 << 30 else offset) & 0xFFFF_FFFF


def _rule(elf: Elf, data: int, place: int) -> str | None:
    """The rule that an entry's second word stands for.

    Raises:
        MalformedDebugFileError: it makes no sense.
    """
    if data == _CANNOT_UNWIND:
        return None
    if data & _COMPACT:
        return rule_of(_compact(elf, data, 0))
    place = _pointed(data, place)
    (first,) = elf.unpack("I", elf.read(place, 4))
    if first & _COMPACT:
        return rule_of(_compact(elf, first, place))
    # A personality routine of its own (C++): the bytes follow, their count first.
    (head,) = elf.unpack("I", elf.read(place + 4, 4))
    return rule_of(struct.pack(">I", head)[1:] + _words(elf, place + 8, head >> 24))


def _compact(elf: Elf, word: int, place: int) -> bytes:
    """The bytes of one of the models that the ABI has routines for; more than a word only in the table."""
    model = word >> 24 & 15
    if model == 0:
        return struct.pack(">I", word)[1:]
    if model > 2 or not place:
        raise MalformedDebugFileError(f"An entry of .ARM.exidx has the unknown model {model}.")
    return struct.pack(">I", word)[2:] + _words(elf, place + 4, word >> 16 & 0xFF)


def _words(elf: Elf, place: int, count: int) -> bytes:
    """The bytes of words, highest first."""
    return struct.pack(f">{count}I", *elf.unpack(f"{count}I", elf.read(place, 4 * count)))
