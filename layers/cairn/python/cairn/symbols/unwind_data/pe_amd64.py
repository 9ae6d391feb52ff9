"""Unwind data of amd64 Windows programs: what a function's prologue does, from ``.pdata`` and ``UNWIND_INFO``.

The first version of the format says nothing of epilogues: the system's unwinder recognises them by their code, which
has to be of few forms. So do we, with the whole program at hand. Source: "x64 exception handling" and "x64 prolog and
epilog" in Microsoft's documentation of C++; version 2 as LLVM writes and prints it.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain, pairwise
from operator import itemgetter
from typing import NamedTuple

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import Pe
from cairn.symbols.unwind_data.amd64_epilogue import REGISTERS, Epilogue, Step, early_returns, entry_frame, epilogue_of
from cairn.symbols.unwind_data.cfi_text import END_OF_ADDRESSES
from cairn.symbols.unwind_data.frame_rules import Frame, Function

MAX_CHAIN = 32
"""Records that one may be chained to, one after the other: as many as the system's unwinder follows."""

_CHAINED = 4
_PUSH, _ALLOC_LARGE, _ALLOC_SMALL, _SET_FRAME, _SAVE, _SAVE_FAR, _EPILOGUE = range(7)
_MACHINE_FRAME = 10
_SLOTS = {0: 1, 1: 2, 2: 1, 3: 1, 4: 2, 5: 3, 6: 2, 7: 3, 8: 2, 9: 3, 10: 1}
"""Slots that each operation takes; 6 to 9 save xmm registers (6 and 7 in drafts of version 1 only)."""


class Operation(NamedTuple):
    """A step of a prologue: the offset of the instruction after it; its code; a register, or whether hardware pushed an
    error code; a size or an offset in bytes."""

    offset: int
    code: int
    register: int
    value: int


class UnwindInfo(NamedTuple):
    """A record: its steps as the function takes them, the distances of epilogues from the function's end (None in
    version 1, which has no word of them), and the address of the record it is chained to."""

    operations: list[Operation]
    epilogues: list[int] | None
    parent: int | None


class Layout(NamedTuple):
    """What all functions with one record share.

    ``states`` are the rules by their offset in the function, ``framed`` the offset from which on the stack pointer
    stays where it is.
    """

    states: list[tuple[int, str]]
    framed: int
    epilogue: Epilogue | None
    epilogues: list[int] | None
    is_part: bool

    def rule_at(self, offset: int) -> str:
        """The rule outside of epilogues."""
        return self.states[bisect_right(self.states, offset, key=itemgetter(0)) - 1][1]


def functions(pe: Pe) -> Iterator[Function]:
    """Functions and parts of functions by rising start; one whose data makes no sense has no rules.

    Raises:
        MalformedDebugFileError: the table of functions makes no sense.
    """
    table = pe.exception_table()
    entries = sorted(struct.iter_unpack("<III", table[: len(table) // 12 * 12]))
    layouts: dict[int, Layout | None] = {}
    for (start, declared, address), (following, *_) in pairwise(chain(entries, ((END_OF_ADDRESSES,),))):
        end = min(declared, following)
        if start and start < end:
            if address not in layouts:
                layouts[address] = _layout(pe, address)
            yield _function(pe, start, end, layouts[address])


def _layout(pe: Pe, address: int) -> Layout | None:
    try:
        infos = _with_parents(pe, address)
    except MalformedDebugFileError:
        return None
    parents = [step._replace(offset=0) for info in reversed(infos[1:]) for step in info.operations]
    operations = parents + infos[0].operations
    framed = max((step.offset for step in operations if step.code in (_PUSH, _ALLOC_SMALL)), default=0)
    return Layout(_states(operations), framed, epilogue_of(_steps(operations)), infos[0].epilogues, len(infos) > 1)


def _with_parents(pe: Pe, address: int) -> list[UnwindInfo]:
    infos: list[UnwindInfo] = []
    parent: int | None = address
    while parent is not None:
        if len(infos) > MAX_CHAIN:
            raise MalformedDebugFileError("A chain of unwind records is too long.")
        infos.append(read_unwind_info(pe, parent))
        parent = infos[-1].parent
    return infos


def read_unwind_info(pe: Pe, address: int) -> UnwindInfo:
    """Read the record at ``address``; if that is odd, the record of the table's entry there.

    Raises:
        MalformedDebugFileError: it is cut short, or has codes that nobody knows.
    """
    if address & 1:
        return UnwindInfo([], None, _word(pe, address - 1 + 8))
    head, _, count, frame = pe.read(address, 4)
    version, flags = head & 7, head >> 3
    if version not in (1, 2):
        raise MalformedDebugFileError(f"An unwind record has the unknown version {version}.")
    slots = struct.unpack(f"<{count}H", pe.read(address + 4, 2 * count))
    epilogues = None
    if version == 2:
        epilogues, slots = _epilogues(slots)
    parent = _word(pe, address + 4 + 2 * (count + count % 2) + 8) if flags & _CHAINED else None
    return UnwindInfo(_operations(slots, frame), epilogues, parent)


def _word(pe: Pe, address: int) -> int:
    return int.from_bytes(pe.read(address, 4), "little")


def _epilogues(slots: tuple[int, ...]) -> tuple[list[int], tuple[int, ...]]:
    """Split off the epilogues of version 2: the first slot has their size, and whether one is at the very end."""
    count = 0
    while count < len(slots) and slots[count] >> 8 & 15 == _EPILOGUE:
        count += 1
    if not count:
        return [], slots
    size, at_end = slots[0] & 0xFF, slots[0] >> 12 & 1
    distances = [(slot >> 12) << 8 | slot & 0xFF for slot in slots[1:count]]
    return [size] * at_end + [distance for distance in distances if distance], slots[count:]


def _operations(slots: tuple[int, ...], frame: int) -> list[Operation]:
    """Read the codes, which stand last step first, and return the steps in order."""
    found: list[Operation] = []
    index = 0
    while index < len(slots):
        slot = slots[index]
        offset, code, info = slot & 0xFF, slot >> 8 & 15, slot >> 12
        size = 3 if code == _ALLOC_LARGE and info else _SLOTS.get(code, 0)
        more = slots[index + 1 : index + size]
        if not size or len(more) < size - 1 or (code == _SET_FRAME and not frame & 15):
            raise MalformedDebugFileError(f"An unwind record has a code that makes no sense ({code}).")
        found.append(_operation(offset, code, info, more, frame))
        index += size
    return found[::-1]


def _operation(offset: int, code: int, info: int, more: tuple[int, ...], frame: int) -> Operation:
    far = more[0] | more[1] << 16 if len(more) == 2 else 0
    match code:
        case 1:
            return Operation(offset, _ALLOC_SMALL, 0, far or 8 * more[0])
        case 2:
            return Operation(offset, _ALLOC_SMALL, 0, 8 * info + 8)
        case 3:
            return Operation(offset, code, frame & 15, 16 * (frame >> 4))
        case 4:
            return Operation(offset, code, info, 8 * more[0])
        case 5:
            return Operation(offset, _SAVE, info, far)
    return Operation(offset, code, info, 0)


def _states(operations: list[Operation]) -> list[tuple[int, str]]:
    """The rules, by the offset from which on each holds."""
    frame = entry_frame()
    base = _base_depth(operations)
    states = {0: frame.rule()}
    offset = 0
    for operation in operations:
        _apply(operation, frame, base)
        offset = max(offset, operation.offset)
        states[offset] = frame.rule()
    return list(states.items())


def _base_depth(operations: list[Operation]) -> int:
    """How deep the place lies from which saved registers are counted: where the frame register was set, or else the
    stack pointer after the prologue."""
    frame = entry_frame()
    for operation in operations:
        _apply(operation, frame, 0)
        if operation.code == _SET_FRAME:
            break
    return frame.depth


def _apply(operation: Operation, frame: Frame, base: int) -> None:
    name = REGISTERS[operation.register]
    match operation.code:
        case 0:
            frame.depth += 8
            if name != "rsp":
                frame.saved.setdefault(name, -frame.depth)
        case 2:
            frame.depth += operation.value
        case 3:
            frame.fixed, frame.fixed_depth = name, frame.depth - operation.value
        case 4:
            frame.saved.setdefault(name, operation.value - base)
        case 10:
            code = 8 * (operation.register & 1)
            frame.depth, frame.ra, frame.saved_sp, frame.fixed = 0, code, code + 24, None
            frame.saved.clear()


def _steps(operations: list[Operation]) -> list[Step]:
    """What an epilogue has to undo, first step first; nothing after a machine frame, which no ``ret`` takes away."""
    steps: list[Step] = []
    for operation in operations:
        if operation.code == _MACHINE_FRAME:
            return []
        if operation.code == _PUSH:
            steps.append(Step(8, operation.register))
        elif operation.code == _ALLOC_SMALL:
            size = operation.value
            if steps and steps[-1].register is None:
                size += steps.pop().size
            steps.append(Step(size, None))
    return steps


def _function(pe: Pe, start: int, end: int, layout: Layout | None) -> Function:
    if layout is None:
        return Function(start, end, [])
    try:
        code = pe.place(start)
    except MalformedDebugFileError:
        return Function(start, end, [])
    rules = {start + offset: rule for offset, rule in layout.states}
    rules |= _rules_of_ends(pe, start, code.offset, min(code.offset + end - start, code.end), layout)
    return Function(start, end, sorted(rules.items()), layout.is_part)


def _rules_of_ends(pe: Pe, start: int, code: int, end: int, layout: Layout) -> dict[int, str]:
    """The rules of epilogues and early returns, and of what comes after each, by address.

    That may be more of the prologue: Microsoft's compiler lets a function leave before it saves all registers. The
    function's code is between ``code`` and ``end`` in the file.
    """
    rules: dict[int, str] = {}
    if layout.epilogue is None:
        return rules
    places = None if layout.epilogues is None else [end - distance for distance in layout.epilogues]
    for offset, rule in layout.epilogue.find(pe.data, code + layout.framed, end, places):
        rules[offset] = rule or layout.rule_at(offset - code)
    (_, entry), *after = layout.states
    for offset, rest in early_returns(pe.data, code, code + after[0][0], end) if after else ():
        rules[offset] = entry
        rules.setdefault(rest, layout.rule_at(rest - code))
    return {start + offset - code: rule for offset, rule in rules.items()}
