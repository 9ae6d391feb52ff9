"""How arm64 code makes a frame and takes it away, instruction by instruction.

Only what moves the stack pointer, saves or restores pairs of registers, or sets the frame pointer counts; the rest is
passed over. Source: "Arm Architecture Reference Manual for A-profile", C4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap

from cairn.symbols.unwind_data.frame_rules import Frame

SIZE = 4
"""Bytes of an instruction."""

_SP, _FP, _LR = 31, 29, 30
_STORES, _LOADS = {0x2A4: False, 0x2A6: True, 0x1B4: False, 0x1B6: True}, (0x2A3, 0x2A5, 0x1B3, 0x1B5)
"""``stp`` and ``ldp`` of 64-bit registers by their high ten bits. Stores: whether they move the stack pointer first."""

_LOADS_AND_MOVES = (0x2A3, 0x1B3)
_WIDE = 0x200
"""In these bits: integer registers, not floating point."""

_SIGNS = (0xD503237F, 0xD503233F)
"""``pacibsp`` and ``paciasp``."""

RETURNS = (0xD65F03C0, 0xD65F0BFF, 0xD65F0FFF)
"""``ret`` and its forms that check a signature."""


def words(data: bytes | mmap, start: int, end: int) -> tuple[int, ...]:
    """The instructions between two places of ``data``."""
    count = max(0, end - start) // SIZE
    return struct.unpack(f"<{count}I", data[start : start + SIZE * count])


def build(word: int, frame: Frame) -> None:
    """Do to ``frame`` what an instruction of a prologue does."""
    kind = word >> 22
    if kind in _STORES and word >> 5 & 31 == _SP:
        offset = _pair_offset(word)
        if _STORES[kind]:
            frame.depth, offset = frame.depth - offset, 0
        for index, register in enumerate(_pair(word)):
            _save(frame, register, offset + 8 * index - frame.depth)
    elif word & 0xFF80_03FF == 0xD100_03FF:
        frame.depth += _immediate(word)
    elif (place := frame_pointer_place(word)) is not None:
        frame.fixed, frame.fixed_depth = "fp", frame.depth - place


def take_away(word: int, frame: Frame) -> None:
    """Do to ``frame`` what an instruction of an epilogue does."""
    kind = word >> 22
    if kind in _LOADS and word >> 5 & 31 == _SP:
        for register in _pair(word):
            if register == _LR:
                frame.ra = "lr"
            frame.saved.pop(_name(register), None)
        if kind in _LOADS_AND_MOVES:
            frame.depth -= _pair_offset(word)
    elif word & 0xFF80_03FF == 0x9100_03FF:
        frame.depth -= _immediate(word)


def releases(word: int) -> bool:
    """Whether an instruction gives room on the stack back."""
    return word & 0xFF80_03FF == 0x9100_03FF or (word >> 22 in _LOADS_AND_MOVES and word >> 5 & 31 == _SP)


def frame_pointer_place(word: int) -> int | None:
    """``n`` of ``add fp, sp, n``, 0 of ``mov fp, sp``; None of other instructions."""
    return _immediate(word) if word & 0xFF80_03FF == 0x9100_03FD else None


def record_place(word: int) -> int | None:
    """How far above the stack pointer the frame record is that an instruction restores ``fp`` and ``lr`` from."""
    if word & 0x3F_FFFF & ~0x3F_8000 != _LR << 10 | _SP << 5 | _FP or word >> 22 not in (0x2A3, 0x2A5):
        return None
    return 0 if word >> 22 in _LOADS_AND_MOVES else _pair_offset(word)


def is_prologue(word: int) -> bool:
    """Whether an instruction saves registers on the stack, makes room there, or signs the return address."""
    moves = word & 0xFF80_03FF == 0xD100_03FF
    return moves or word in _SIGNS or (word >> 22 in _STORES and word >> 5 & 31 == _SP)


def leaves(word: int) -> bool:
    """Whether nothing runs on from an instruction to the next: a return or a jump."""
    return word in RETURNS or word >> 26 == 0b000101 or word & 0xFEFF_F800 in (0xD61F_0000, 0xD61F_0800)


def _pair(word: int) -> Iterator[int]:
    if word >> 22 & _WIDE:
        yield word & 31
        yield word >> 10 & 31


def _pair_offset(word: int) -> int:
    offset = word >> 15 & 0x7F
    return 8 * (offset - 0x80 if offset & 0x40 else offset)


def _immediate(word: int) -> int:
    return (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)


def _name(register: int) -> str:
    return "fp" if register == _FP else f"x{register}"


def _save(frame: Frame, register: int, slot: int) -> None:
    if register == _LR:
        frame.ra = slot
    elif 19 <= register <= _FP:
        frame.saved.setdefault(_name(register), slot)
