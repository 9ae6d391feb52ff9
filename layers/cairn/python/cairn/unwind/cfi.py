"""``STACK CFI``: what a frame's caller looked like, computed from the rules that a compiler left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cairn.symbols.rules import CfiRule, Expression
from cairn.unwind.architecture import Architecture, Registers
from cairn.unwind.frames import StackEnd
from cairn.unwind.limits import MAX_EXPRESSION_TOKENS

Read = Callable[[int], int | None]
"""Reads a machine word at an address, ``None`` where the dump has no memory."""

Evaluate = Callable[[Mapping[str, int], Read], int | None]
"""A compiled expression: from registers (and ``.cfa``) and memory to a value, ``None`` when that cannot be had."""


@dataclass(frozen=True, slots=True)
class CfiProgram:
    """A :class:`CfiRule`, compiled for one architecture. ``kept`` are the registers that the callee left alone."""

    cfa: Evaluate
    ra: Evaluate | None
    registers: tuple[tuple[str, Evaluate], ...]
    kept: tuple[str, ...]
    at_function_start: bool


def compile_rule(rule: CfiRule, arch: Architecture) -> CfiProgram:
    """The program of ``rule``; register names become those of ``Context.registers``."""
    named = {arch.aliases.get(name, name): expression for name, expression in rule.registers}
    return CfiProgram(
        cfa=compile_expression(rule.cfa, arch),
        ra=None if rule.ra is None else compile_expression(rule.ra, arch),
        registers=tuple((name, compile_expression(e, arch)) for name, e in named.items() if e is not None),
        kept=tuple(name for name in arch.callee_saved if name not in named),
        at_function_start=rule.at_function_start,
    )


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
    if program.ra is None:
        return StackEnd.OUTERMOST
    known = {**registers, ".cfa": cfa}
    ra = program.ra(known, read)
    if ra is None:
        return None
    caller = {name: known[name] for name in program.kept if name in known}
    caller[arch.sp] = cfa
    caller[arch.pc] = ra
    for name, evaluate in program.registers:
        value = evaluate(known, read)
        if value is not None:
            caller[name] = value
    return caller


def compile_expression(expression: Expression, arch: Architecture) -> Evaluate:
    """A function for ``expression``, with short cuts for the shapes that compilers write: ``reg``, ``reg n +`` and
    ``reg n + ^``. Arithmetic wraps at the width of a pointer."""
    mask = (1 << 8 * arch.pointer_size) - 1
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
