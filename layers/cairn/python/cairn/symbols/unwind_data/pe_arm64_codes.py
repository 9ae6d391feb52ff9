"""The unwind codes of arm64 Windows programs: each says what one instruction of a prologue does.

They stand last instruction first, as an epilogue undoes them. Source: "ARM64 exception handling" in Microsoft's
documentation of C++; ``save_any_reg`` as LLVM prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.unwind_data.frame_rules import Frame

MAX_CODES = 128
"""Codes in one sequence; all registers that are to be preserved, saved one by one, need 20."""

_LAST_INTEGER = 28


class Code(NamedTuple):
    """What an instruction does: it puts ``size`` bytes on the stack, and then saves ``registers``, side by side, at
    ``offset``. Register numbers; floating point registers are left out. ``special`` is the name of any other code."""

    size: int = 0
    registers: tuple[int, ...] = ()
    offset: int = 0
    special: str = ""


class Sequence(NamedTuple):
    """Codes in the order in which they stand. ``own`` are instructions of this part of the function, ``parents`` those
    that were executed before it was entered (behind ``end_c``)."""

    own: list[Code]
    parents: list[Code]

    def rules(self) -> list[str]:
        """The rules by how many instructions were executed, those of the parents included; the last is the body's."""
        frame = Frame("sp", depth=0, ra="lr")
        found = [frame.rule()]
        pair: tuple[int, int] | None = None
        for code in reversed(self.own + self.parents):
            pair = _apply(code, frame, pair)
            found.append(frame.rule())
        return found


def read_sequence(codes: bytes, index: int) -> Sequence:
    """Read codes from ``index`` to their end.

    Raises:
        MalformedDebugFileError: they have no end, or nobody knows them, or only kernels have them.
    """
    own: list[Code] = []
    found: list[Code] = []
    is_part = False
    while len(found) <= MAX_CODES:
        code, size = _code(codes, index)
        index += size
        if code.special == "end":
            return Sequence(own, found) if is_part else Sequence(found, [])
        if code.special == "end_c" and not is_part:
            own, found, is_part = found, [], True
        elif code.special != "end_c":
            found.append(code)
    raise MalformedDebugFileError("A sequence of unwind codes is too long.")


_SPECIAL = {
    0xE1: "set_fp", 0xE3: "nop", 0xE4: "end", 0xE5: "end_c", 0xE6: "save_next", 0xE9: "machine_frame", 0xEA: "context",
    0xEC: "clear_unwound_to_call", 0xFC: "pac_sign_lr",
}  # fmt: skip


def _code(codes: bytes, index: int) -> tuple[Code, int]:
    """The code at ``index``, and its size."""
    first, second, third, fourth = codes[index : index + 4].ljust(4, b"\xff")
    if index >= len(codes):
        raise MalformedDebugFileError("A sequence of unwind codes has no end.")
    if first < 0xC0:
        return _short_code(first), 1
    if first < 0xDF:
        return next(form for limit, form in _TWO_BYTES if first < limit)(first << 8 | second), 2
    if first == 0xE0:
        return Code(size=16 * (second << 16 | third << 8 | fourth)), 4
    if first == 0xE2:
        return Code(offset=8 * second, special="set_fp"), 2
    if first == 0xE7:
        return _any_register(second, third), 3
    if first not in _SPECIAL:
        raise MalformedDebugFileError(f"Unwind data has the unknown code {first:#x}.")
    return Code(special=_SPECIAL[first]), 1


def _short_code(code: int) -> Code:
    low = code & 0x3F
    if code < 0x20:  # alloc_s
        return Code(size=16 * code)
    if code < 0x40:  # save_r19r20_x
        return Code(8 * (code & 0x1F), (19, 20))
    if code < 0x80:  # save_fplr
        return Code(0, (29, 30), 8 * low)
    return Code(8 * (low + 1), (29, 30))  # save_fplr_x


def _pair(code: int) -> tuple[int, int]:
    number = 19 + (code >> 6 & 15)
    return number, number + 1


_TWO_BYTES: tuple[tuple[int, Callable[[int], Code]], ...] = (
    (0xC8, lambda code: Code(16 * (code & 0x7FF))),  # alloc_m
    (0xCC, lambda code: Code(0, _pair(code), 8 * (code & 0x3F))),  # save_regp
    (0xD0, lambda code: Code(8 * (code & 0x3F) + 8, _pair(code))),  # save_regp_x
    (0xD4, lambda code: Code(0, _pair(code)[:1], 8 * (code & 0x3F))),  # save_reg
    (0xD6, lambda code: Code(8 * (code & 0x1F) + 8, (19 + (code >> 5 & 15),))),  # save_reg_x
    (0xD8, lambda code: Code(0, (19 + 2 * (code >> 6 & 7), 30), 8 * (code & 0x3F))),  # save_lrpair
    (0xDA, lambda _: Code()),  # save_fregp
    (0xDC, lambda code: Code(8 * (code & 0x3F) + 8)),  # save_fregp_x
    (0xDE, lambda _: Code()),  # save_freg
    (0xDF, lambda code: Code(8 * (code & 0x1F) + 8)),  # save_freg_x
)
"""By the first byte that is too much."""


def _any_register(second: int, third: int) -> Code:
    pair, writes_back, number, kind = second & 0x40, second & 0x20, second & 0x1F, third >> 6
    if second & 0x80 or kind == 3:
        raise MalformedDebugFileError("Unwind data saves registers of a kind that is not known.")
    offset = (third & 0x3F) * (16 if pair or writes_back or kind == 2 else 8)
    registers = () if kind else (number, number + 1) if pair else (number,)
    return Code(offset + 16, registers) if writes_back else Code(0, registers, offset)


def _apply(code: Code, frame: Frame, pair: tuple[int, int] | None) -> tuple[int, int] | None:
    """Execute ``code``. ``pair`` is the last pair that was saved, and its offset from the anchor; so is the result."""
    frame.depth += code.size
    if code.special == "save_next":
        pair = (pair[0] + 2, pair[1] + 16) if pair else None
        if pair and pair[0] < _LAST_INTEGER:
            _save((pair[0], pair[0] + 1), pair[1], frame)
        return pair
    match code.special:
        case "set_fp":
            frame.fixed, frame.fixed_depth = "fp", frame.depth - code.offset
        case "machine_frame":
            frame.depth, frame.saved_sp, frame.ra = 0, 0, 8
        case "context":
            frame.depth, frame.saved_sp, frame.ra = 0, 0x100, 0x108
            frame.saved = {f"x{number}": 8 + 8 * number for number in range(19, 29)} | {"fp": 0xF0, "lr": 0xF8}
    if code.registers:
        _save(code.registers, code.offset - frame.depth, frame)
    return (code.registers[0], code.offset - frame.depth) if len(code.registers) == 2 else None


def _save(registers: tuple[int, ...], slot: int, frame: Frame) -> None:
    for index, number in enumerate(registers):
        if number == 30 and frame.ra == "lr":
            frame.ra = slot + 8 * index
        elif 19 <= number < 30:
            frame.saved.setdefault("fp" if number == 29 else f"x{number}", slot + 8 * index)
