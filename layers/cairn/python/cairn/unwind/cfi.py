"""``STACK CFI``: what a frame's caller looked like, computed from the rules that a compiler left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cairn.symbols.rules import CfiRule, Expression
from cairn.unwind.architecture import Architecture, Registers
from cairn.unwind.frames import StackEnd
from cairn.unwind.limits import MAX_EXPRESSION_TOKENS

Read = Callable[[int], int | None]
"""Reads a machine word at an address, ``None`` where the dump has no memory."""

Evaluate = Callable[[Mapping[str, int], Read], int | None]
"""A compiled expression: from registers (and ``.cfa``) and memory to a value, ``None`` when that cannot be had."""


class CfiProgram(NamedTuple):
    """A :class:`CfiRule`, compiled for one architecture.

    ``ra`` counts as a register here, the program counter. ``saved`` registers lie at an offset from the CFA, as nearly
    all do; ``others`` have any other expression; ``kept`` are those that the callee left alone.
    """

    cfa: Evaluate
    outermost: bool
    saved: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, Evaluate], ...]
    kept: tuple[str, ...]
    mask: int


def compile_rule(rule: CfiRule, arch: Architecture) -> CfiProgram:
    """The program of ``rule``; register names become those of ``Context.registers``."""
    named = {arch.pc: rule.ra} | {arch.aliases.get(name, name): expression for name, expression in rule.registers}
    saved = {name: offset for name, e in named.items() if (offset := _saved_offset(e)) is not None}
    return CfiProgram(
        cfa=compile_expression(rule.cfa, arch),
        outermost=rule.ra is None,
        saved=tuple(saved.items()),
        others=tuple((name, compile_expression(e, arch)) for name, e in named.items() if e and name not in saved),
        kept=tuple(name for name in arch.callee_saved if name not in named),
        mask=_mask(arch),
    )


def _saved_offset(expression: Expression | None) -> int | None:
    """``n`` of ``.cfa n + ^``; ``.cfa n - ^`` gives ``-n``."""
    match expression:
        case (".cfa", int(offset), "+", "^"):
            return offset
        case (".cfa", int(offset), "-", "^"):
            return -offset
    return None


def unwind(
    program: CfiProgram, arch: Architecture, registers: Mapping[str, int], read: Read
) -> Registers | StackEnd | None:
    """The caller's registers; ``StackEnd.OUTERMOST`` where the rules know of no caller, ``None`` where they fail.

    A register whose own expression fails is unknown in the caller. A rule for the stack pointer or the program counter
    beats ``.cfa`` and ``.ra``.
    """
    cfa = program.cfa(registers, read)
    if cfa is None:
        return None
    if program.outermost:
        return StackEnd.OUTERMOST
    caller = {name: registers[name] for name in program.kept if name in registers}
    caller[arch.sp] = cfa
    for name, offset in program.saved:
        value = read((cfa + offset) & program.mask)
        if value is not None:
            caller[name] = value
    if program.others:
        known = {**registers, ".cfa": cfa}
        for name, evaluate in program.others:
            value = evaluate(known, read)
            if value is not None:
                caller[name] = value
    return caller if arch.pc in caller else None


def compile_expression(expression: Expression, arch: Architecture) -> Evaluate:
    """A function for ``expression``, with short cuts for the shapes that compilers write: ``reg``, ``reg n +`` and
    ``reg n + ^``. Arithmetic wraps at the width of a pointer."""
    mask = _mask(arch)
    tokens = tuple(arch.aliases.get(token, token) if isinstance(token, str) else token & mask for token in expression)
    name = tokens[0] if tokens else None
    if isinstance(name, str) and name not in _OPERATORS:
        match tokens[1:]:
            case ():
                return lambda registers, _: registers.get(name)
            case (int(offset), "+" | "-" as sign):
                return _sum(name, offset if sign == "+" else -offset, mask)
            case (int(offset), "+" | "-" as sign, "^"):
                return _saved(name, offset if sign == "+" else -offset, mask)
    if len(tokens) > MAX_EXPRESSION_TOKENS:
        return lambda _, __: None
    return lambda registers, read: evaluate(tokens, registers, read, mask)


def _mask(arch: Architecture) -> int:
    return (1 << 8 * arch.pointer_size) - 1


def _sum(name: str, offset: int, mask: int) -> Evaluate:
    def run(registers: Mapping[str, int], _: Read) -> int | None:
        value = registers.get(name)
        return None if value is None else (value + offset) & mask

    return run


def _saved(name: str, offset: int, mask: int) -> Evaluate:
    def run(registers: Mapping[str, int], read: Read) -> int | None:
        value = registers.get(name)
        return None if value is None else read((value + offset) & mask)

    return run


def evaluate(tokens: Expression, registers: Mapping[str, int], read: Read, mask: int) -> int | None:
    """The one value that the postfix ``tokens`` leave, else ``None``. Numbers must already fit ``mask``."""
    stack: list[int] = []
    for token in tokens:
        value: int | None
        if isinstance(token, int):
            value = token
        elif token in _OPERATORS:
            value = _operate(token, stack, read)
        else:
            value = registers.get(token)
        if value is None:
            return None
        stack.append(value & mask)
    return stack[0] if len(stack) == 1 else None


def _operate(operator: str, stack: list[int], read: Read) -> int | None:
    """The result of ``operator`` on what it takes off ``stack``."""
    if operator == "^":
        return read(stack.pop()) if stack else None
    if len(stack) < 2:
        return None
    right = stack.pop()
    return _BINARY[operator](stack.pop(), right)


def _align(value: int, size: int) -> int | None:
    return value & -size if size and not size & (size - 1) else None


_BINARY: Mapping[str, Callable[[int, int], int | None]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left // right if right else None,
    "%": lambda left, right: left % right if right else None,
    "@": _align,
}
_OPERATORS = frozenset((*_BINARY, "^"))
