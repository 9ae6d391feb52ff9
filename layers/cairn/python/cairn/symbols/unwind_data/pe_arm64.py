"""Unwind data of arm64 Windows programs: ``.pdata``, packed or with a record in ``.xdata``.

Both say exactly which instructions the prologue and each epilogue have. Source: "ARM64 exception handling" in
Microsoft's documentation of C++.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import Pe
from cairn.symbols.unwind_data.cfi_text import END_OF_ADDRESSES
from cairn.symbols.unwind_data.frame_rules import Function
from cairn.symbols.unwind_data.pe_arm64_codes import Sequence, read_sequence
from cairn.symbols.unwind_data.pe_arm64_packed import read_packed

_RECORD, _PACKED, _PACKED_PART = 0, 1, 2


class Epilogue(NamedTuple):
    """``rules`` hold from ``offset`` in the function on, four bytes each; the last at the return."""

    offset: int
    rules: list[str]


class Layout(NamedTuple):
    """What a record says: the size of the function in bytes; the rules of the prologue by instruction, the last being
    the body's; the epilogues by offset. ``is_part``: the function was entered elsewhere."""

    size: int
    rules: list[str]
    epilogues: list[Epilogue]
    is_part: bool


def functions(pe: Pe) -> Iterator[Function]:
    """Functions and parts of functions by rising start; one whose data makes no sense has no rules.

    Raises:
        MalformedDebugFileError: the table of functions makes no sense.
    """
    table = pe.exception_table()
    entries = sorted(struct.iter_unpack("<II", table[: len(table) // 8 * 8]))
    layouts: dict[int, Layout | None] = {}
    for (start, data), (following, _) in pairwise(chain(entries, ((END_OF_ADDRESSES, 0),))):
        if start and start < following:
            if data not in layouts:
                layouts[data] = _layout(pe, data)
            yield _function(pe, start, following, layouts[data])


def _layout(pe: Pe, data: int) -> Layout | None:
    try:
        match data & 3:
            case 0:
                return _from_record(pe, data)
            case 1 | 2:
                return _from_packed(data)
    except MalformedDebugFileError:
        pass
    return None


def _from_packed(data: int) -> Layout:
    size = 4 * (data >> 2 & 0x7FF)
    prologue, epilogue = read_packed(data)
    if data & 3 == _PACKED_PART:
        return Layout(size, prologue.rules()[-1:], [], is_part=True)
    return Layout(size, prologue.rules(), [_epilogue(epilogue, _last(epilogue, size))], is_part=False)


def _from_record(pe: Pe, address: int) -> Layout:
    (head,) = _words(pe, address, 1)
    size, version, is_packed = 4 * (head & 0x3FFFF), head >> 18 & 3, head >> 21 & 1
    count, words = head >> 22 & 31, head >> 27
    address += 4
    if not count and not words:
        (more,) = _words(pe, address, 1)
        count, words = more & 0xFFFF, more >> 16 & 0xFF
        address += 4
    if version:
        raise MalformedDebugFileError(f"An unwind record has the unknown version {version}.")
    scopes = [] if is_packed else _words(pe, address, count)
    codes = pe.read(address + 4 * len(scopes), 4 * words)
    prologue = read_sequence(codes, 0)
    if is_packed:
        only = read_sequence(codes, count)
        epilogues = [_epilogue(only, _last(only, size))]
    else:
        epilogues = [_epilogue(read_sequence(codes, scope >> 22), 4 * (scope & 0x3FFFF)) for scope in sorted(scopes)]
    return Layout(size, prologue.rules()[len(prologue.parents) :], epilogues, bool(prologue.parents))


def _words(pe: Pe, address: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", pe.read(address, 4 * count))


def _last(sequence: Sequence, size: int) -> int:
    """Where an epilogue begins whose return is the function's last instruction."""
    return size - 4 * (len(sequence.own) + 1)


def _epilogue(sequence: Sequence, offset: int) -> Epilogue:
    return Epilogue(offset, sequence.rules()[len(sequence.parents) :][::-1])


def _function(pe: Pe, start: int, following: int, layout: Layout | None) -> Function:
    if layout is None:
        return Function(start, following, [])
    try:
        code = pe.place(start)
    except MalformedDebugFileError:
        return Function(start, following, [])
    size = min(layout.size, following - start, code.end - code.offset)
    rules = {4 * index: rule for index, rule in enumerate(layout.rules)}
    free = 0
    for offset, parts in layout.epilogues:
        if free <= offset < size:
            free = offset + 4 * len(parts)
            rules |= {offset + 4 * index: rule for index, rule in enumerate(parts)} | {free: layout.rules[-1]}
    return Function(
        start, start + size, [(start + offset, rule) for offset, rule in sorted(rules.items())], layout.is_part
    )
