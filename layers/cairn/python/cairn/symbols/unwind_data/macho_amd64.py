"""Compact unwind data of amd64 programs of Apple's.

An encoding speaks of a function's body alone. Where the frame is made and taken away, the code tells: it has to be of
few forms. Source of the encodings: ``mach-o/compact_unwind_encoding.h`` of LLVM's libunwind.
"""

from __future__ import annotations

import re
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

from cairn.symbols.unwind_data.amd64_epilogue import (
    REGISTERS,
    Epilogue,
    Step,
    early_returns,
    epilogue_of,
    frame_pointer_epilogue,
    push_code,
)
from cairn.symbols.unwind_data.frame_rules import Frame
from cairn.symbols.unwind_data.macho_compact import mode_of

_NOTHING, _FRAME_POINTER, _IMMEDIATE, _INDIRECT = range(4)
_SAVED = (None, "rbx", "r12", "r13", "r14", "r15", "rbp")
"""Registers by the number that encodings have for them."""

_SLOTS = 5
_MAX_SAVED = 6
_RBP = REGISTERS.index("rbp")
_SET_FRAME = rb"\x48\x89\xe5|\x48\x8b\xec"
_SUBTRACT = b"\x48\x81\xec"
_FRAME = re.compile(rb"\x55(?:" + _SET_FRAME + rb")")
_BEFORE = rb"(?:\xf3\x0f\x1e\xfa)?"
"""``endbr64``."""

_TELLING = 4
"""Bytes of a prologue that no other code is likely to have. A shorter one counts at a function's beginning only."""


class Layout(NamedTuple):
    """What functions with one encoding share: the rule of the body; the code of the prologue, and the rules at each of
    its groups; the code of epilogues. ``shortest`` are the bytes that the prologue has at least."""

    body: str
    prologue: re.Pattern[bytes]
    rules: tuple[str, ...]
    shortest: int
    epilogue: Epilogue | None


def function_rules(
    encoding: int, data: bytes | mmap, start: int, end: int, is_whole: bool = True
) -> list[tuple[int, str]]:
    """The rules of a function whose code is between ``start`` and ``end`` of ``data``, by the place in it from which on
    each holds; nothing where the encoding has no word of it or makes no sense. Assembler text often has a frame pointer
    and no unwind data.

    ``is_whole``: it is known that a function begins at ``start``.
    """
    if mode_of(encoding) == _NOTHING and _FRAME.match(data, start, end):
        encoding = _FRAME_POINTER << 24
    layout = _layout(encoding, _large_size(encoding, data, start, end))
    if layout is None:
        return []
    rules = {start: layout.body}
    if not layout.rules:
        return list(rules.items())
    look = layout.prologue.search if layout.shortest >= _TELLING else layout.prologue.match
    prologue = look(data, start, end)
    behind = start
    if prologue:
        rules[start] = _ENTRY if is_whole else layout.body
        rules |= {prologue.start(group): rule for group, rule in enumerate(layout.rules, 1)}
        behind = prologue.end()
        rules[behind] = layout.body
    for place, rule in layout.epilogue.find(data, behind, end) if layout.epilogue else ():
        rules[place] = rule or layout.body
    for place, after in early_returns(data, start, prologue.start(1), end) if prologue else ():
        rules[place] = _ENTRY
        rules.setdefault(after, layout.body)
    return sorted(rules.items())


def _large_size(encoding: int, data: bytes | mmap, start: int, end: int) -> int:
    """The size that a prologue subtracts from the stack pointer, where the encoding only says where that stands.

    LLVM counts from the first push, which need not be where the function begins: then it has to be looked for.
    """
    if mode_of(encoding) != _INDIRECT:
        return 0
    place = start + (encoding >> 16 & 0xFF)
    if data[place - 3 : place] != _SUBTRACT:
        saved = _order(encoding >> 10 & 7, encoding & 0x3FF) or ()
        code = b"".join(push_code(REGISTERS.index(name)) for name in saved) + re.escape(_SUBTRACT)
        found = re.compile(code, re.DOTALL).search(data, start, end)
        place = found.end() if found else end
    return int.from_bytes(data[place : min(place + 4, end)], "little")


@lru_cache(maxsize=4096)
def _layout(encoding: int, size: int) -> Layout | None:
    match mode_of(encoding):
        case 1:
            return _with_frame_pointer(encoding)
        case 2:
            return _without_frame_pointer(encoding, 8 * (encoding >> 16 & 0xFF))
        case 3:
            return _without_frame_pointer(encoding, size + 8 * (encoding >> 13 & 7))
    return None


def _entry_frame() -> Frame:
    return Frame("rsp", depth=8, ra=-8)


_ENTRY = _entry_frame().rule()


def _with_frame_pointer(encoding: int) -> Layout | None:
    """``rbp`` is pushed and set. Five slots below have a register each, or none."""
    lowest = encoding >> 16 & 0xFF
    numbers = [encoding >> 3 * slot & 7 for slot in range(_SLOTS)]
    if any(number > 5 or (number and slot >= lowest) for slot, number in enumerate(numbers)):
        return None
    saved = {lowest - slot: _SAVED[number] for slot, number in enumerate(numbers) if number}
    frame = _entry_frame()
    rules = [frame.rule()]
    frame.depth, frame.saved["rbp"] = 16, -16
    rules.append(frame.rule())
    frame.fixed, frame.fixed_depth = "rbp", 16
    pushed: list[int] = []
    for place in range(1, lowest + 1):
        name = saved.get(place)
        if name is None:
            break
        rules.append(frame.rule())
        pushed.append(REGISTERS.index(name))
        frame.saved[name] = -16 - 8 * place
    frame.saved |= {name: -16 - 8 * place for place, name in saved.items() if name}
    codes = (push_code(_RBP), _SET_FRAME, *map(push_code, pushed))
    return Layout(frame.rule(), _prologue(codes), tuple(rules), 4, frame_pointer_epilogue(pushed))


def _without_frame_pointer(encoding: int, depth: int) -> Layout | None:
    """Registers are pushed, and then the stack pointer is moved."""
    saved = _order(encoding >> 10 & 7, encoding & 0x3FF)
    local = depth - 8 - 8 * len(saved) if saved is not None else -1
    if saved is None or local < 0 or local % 8:
        return None
    steps = [Step(8, REGISTERS.index(name)) for name in saved]
    steps += [Step(local, None)] if local else []
    frame, rules = _entry_frame(), []
    for step in steps:
        rules.append(frame.rule())
        frame.depth += step.size
        if step.register is not None:
            frame.saved[REGISTERS[step.register]] = -frame.depth
    codes = [push_code(step.register) if step.register is not None else _grow(step.size) for step in steps]
    shortest = len(saved) + (4 if local > 8 else 1 if local else 0)
    return Layout(frame.rule(), _prologue(codes), tuple(rules), shortest, epilogue_of(steps, kept=()))


def _order(count: int, permutation: int) -> list[str] | None:
    """The registers that are saved, first pushed first: ``permutation`` numbers the ways to choose and order ``count``
    of six, each digit telling which of those that are left."""
    if count > _MAX_SAVED:
        return None
    left, found = list(_SAVED[1:]), []
    for position in range(count):
        ways = 1
        for other in range(position + 1, count):
            ways *= _MAX_SAVED - other
        digit, permutation = divmod(permutation, ways)
        if digit >= len(left):
            return None
        found.append(left.pop(digit))
    return [name for name in reversed(found) if name]


def _grow(size: int) -> bytes:
    """A pattern of what makes room for ``size`` bytes."""
    codes = [re.escape(_SUBTRACT + size.to_bytes(4, "little"))] if size < 1 << 31 else []
    if size < 128:
        codes.append(re.escape(b"\x48\x83\xec" + bytes((size,))))
    if size == 128:
        codes.append(re.escape(b"\x48\x83\xc4\x80"))
    if size == 8:
        codes.append(rb"[\x50-\x52]|\x41[\x50-\x53]")
    return b"|".join(codes)


def _prologue(codes: tuple[bytes, ...] | list[bytes]) -> re.Pattern[bytes]:
    return re.compile(_BEFORE + b"".join(b"(" + code + b")" for code in codes), re.DOTALL)
