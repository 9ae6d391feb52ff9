"""Epilogues of amd64 programs, recognised by their code: on Windows and on Apple's systems, whose unwind data has no
word of them.

An epilogue takes the frame away (``add rsp`` or ``lea rsp``; compilers also write ``mov rsp``), pops the registers that
the prologue pushed, and returns or jumps. The exact registers are asked for, so no other code looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

from cairn.symbols.unwind_data.frame_rules import Frame

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))
"""By number."""

_VOLATILE = rb"[\x58-\x5a]|\x41[\x58-\x5b]"
_LEA = rb"[\x48\x49]\x8d(?:[\x60-\x63\x65-\x67].|\x64\x24.|[\xa0-\xa3\xa5-\xa7].{4}|\xa4\x24.{4})"
_MOV = rb"[\x48\x49]\x8b[\xe0-\xe7]|[\x48\x4c]\x89[\xc4\xcc\xd4\xdc\xe4\xec\xf4\xfc]"
_RETURN = rb"[\xf2\xf3]?\xc3|\xc2.{2}"
_JUMP = rb"\xf2?\xe9.{4}|\xeb."
_FAR_JUMP = (
    rb"[\x41\x48\x49]?\xff(?:[\x20-\x23\x26\x27\xe0-\xe7]|\x24.|\x25.{4}"
    rb"|[\x60-\x63\x65-\x67].|\x64..|[\xa0-\xa3\xa5-\xa7].{4}|\xa4.{5})"
)
_END = rb"(?:\xc5\xf8\x77)?(?:" + b"|".join((_RETURN, _JUMP, _FAR_JUMP)) + b")"
"""Compilers put ``vzeroupper`` between the last pop and the return."""

_NOT_CALLED = rb"(?<!\xe8)(?<!\xe8.)(?<!\xe8..)"
"""Two bytes are too often a part of the address that is called, and there the caller is looked up."""

_LONGEST_RELEASE = 8
"""Bytes of the longest instruction that takes a frame away: version 2 may count it as the epilogue's, or not."""

_BRANCH = re.compile(rb"[\x70-\x7f](.)|\x0f[\x80-\x8f](.{4})", re.DOTALL)
_MOVES = rb"(?:[\xb8-\xbf].{4}|[\x31\x33\x89\x8b][\xc0-\xff]|\x0f\x57[\xc0-\xff]){0,4}"
_RETURN_CODE = re.compile(_MOVES + b"(?:" + _RETURN + b")", re.DOTALL)
"""A return, and before it what gives the result: moves of numbers and registers."""


KEPT_ON_WINDOWS = ("rdi", "rsi")


def entry_frame(kept: tuple[str, ...] = KEPT_ON_WINDOWS) -> Frame:
    """What a call leaves: the return address on top of the stack."""
    return Frame("rsp", depth=8, ra=-8, kept=kept)


class Step(NamedTuple):
    """What a prologue put on the stack: ``size`` bytes, and the number of the register, if it was pushed."""

    size: int
    register: int | None


class Epilogue(NamedTuple):
    """How the code of an epilogue looks. ``rules`` belong to the groups of the pattern: the rule at each instruction;
    the first is None where the rule of the function's body still holds."""

    pattern: re.Pattern[bytes]
    rules: tuple[str | None, ...]

    def find(
        self, data: bytes | mmap, start: int, end: int, places: Sequence[int] | None = None
    ) -> Iterator[tuple[int, str | None]]:
        """Yield offsets in ``data`` between ``start`` and ``end``, and the rule from there on; None is the body's.

        ``places`` are where epilogues begin, if that is known: what else looks like one is none.
        """
        for match in self.pattern.finditer(data, start, end):
            if places is not None and not any(
                match.start() - _LONGEST_RELEASE <= place < match.end() for place in places
            ):
                continue
            for group, rule in enumerate(self.rules, 1):
                if rule is not None:
                    yield match.start(group), rule
            if match.end() < end:
                yield match.end(), None


def early_returns(data: bytes | mmap, start: int, prologue: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where in ``data`` returns begin and end that are reached by a branch before the prologue.

    Compilers write these (``test ecx, ecx; jne``) where the whole work of a function is conditional. The
    function is from ``start`` to ``end``, its first change of the stack at ``prologue``.
    """
    for branch in _BRANCH.finditer(data, start, prologue):
        target = branch.end() + int.from_bytes(branch[1] or branch[2], "little", signed=True)
        if prologue < target < end and (found := _RETURN_CODE.match(data, target, end)):
            yield found.span()


def epilogue_of(steps: Sequence[Step], kept: tuple[str, ...] = KEPT_ON_WINDOWS) -> Epilogue | None:
    """The epilogue that undoes ``steps`` of a prologue; None if there is nothing to undo. ``kept`` as in ``Frame``."""
    undone = list(reversed(steps))
    if len(undone) > 1 and undone[0].register is None:
        # However the frame is taken away: what counts begins with the first pop.
        undone = undone[1:]
    return _epilogue(tuple(undone), kept) if undone else None


def frame_pointer_epilogue(pushed: Sequence[int]) -> Epilogue:
    """The epilogue that pops the registers that were pushed below a frame pointer, and then that: up to its last step
    the rule of the body, which goes by the frame pointer, holds."""
    pops = b"".join(_code(Step(8, register)) for register in reversed(pushed))
    pop = pops + rb"\x5d" if pops else _NOT_CALLED + rb"(?:\x5d|\xc9(?=\xc3))"
    return Epilogue(re.compile(b"(" + pop + b")(" + _END + b")", re.DOTALL), (None, _rule((), ())))


@lru_cache(maxsize=4096)
def _epilogue(undone: tuple[Step, ...], kept: tuple[str, ...]) -> Epilogue:
    only_release = undone[0].register is None
    rules: list[str | None] = [_rule(undone[index:], kept) for index in range(len(undone) + 1)]
    codes = [_code(step) for step in undone]
    if only_release:
        rules[0] = None
        codes[0] = b"|".join((codes[0], _LEA, _MOV))
    pattern = b"".join(b"(" + code + b")" for code in (*codes, _END))
    return Epilogue(re.compile(pattern, re.DOTALL), tuple(rules))


def _rule(left: Sequence[Step], kept: tuple[str, ...]) -> str:
    """The rule where ``left`` is still to be undone."""
    frame = entry_frame(kept)
    for step in reversed(left):
        frame.depth += step.size
        if step.register is not None:
            frame.saved.setdefault(REGISTERS[step.register], -frame.depth)
    return frame.rule()


def push_code(register: int) -> bytes:
    """A pattern of the instruction that pushes a register."""
    return _with_register(0x50, register)


def _with_register(first: int, register: int) -> bytes:
    high, low = divmod(register, 8)
    return re.escape(b"\x41" * high + bytes((first + low,)))


def _code(step: Step) -> bytes:
    """A pattern of the instruction that undoes ``step``."""
    if step.register is not None:
        return _with_register(0x58, step.register)
    size = step.size
    codes = [re.escape(b"\x48\x81\xc4" + size.to_bytes(4, "little"))] if size < 1 << 31 else [_LEA]
    if size < 128:
        codes.append(re.escape(b"\x48\x83\xc4" + bytes((size,))))
    if size == 128:
        codes.append(re.escape(b"\x48\x83\xec\x80"))
    if size == 8:
        codes.append(_VOLATILE)
    return b"|".join(codes)
