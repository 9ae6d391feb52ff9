"""``STACK WIN``: frames of x86 Windows, from the little programs and the sizes that a PDB holds.

The records say how large a frame is, not where the stack pointer is in it, and compilers align stacks without telling.
So a return address is looked for around the place that the record names, as Breakpad does. Programs and variables:
``STACK WIN`` in Breakpad's ``symbol_files.md``; ``FrameData`` of Microsoft's ``cvinfo.h``.
"""

from __future__ import annotations

import re

from cairn.symbols.rules import Expression, WinRule
from cairn.unwind import cfi
from cairn.unwind.architecture import Caller, Registers, Step
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn.unwind.limits import MAX_EXPRESSION_TOKENS
from cairn.unwind.process import StackView
from cairn.unwind.scan import scan

WORD = 4
ALIGNMENT_WORDS = 3
"""How many words above its computed place a return address may lie, where the stack was aligned."""

MAX_SAVED_WORDS = 1024
"""Words of saved registers that are looked at; records have fewer than ten."""

_MASK = 0xFFFF_FFFF
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_FPO = ("$eip", ".raSearch", "^", "=", "$esp", ".raSearch", "4", "+", "=")
_FPO_WITH_BASE_POINTER = (*_FPO, "$ebp", ".saved", "^", "=")


def unwind(view: StackView, frame: Frame, rule: WinRule, callee_parameter_size: int) -> Step:
    """The caller by ``rule``, or ``None`` where it fails.

    ``callee_parameter_size`` are the bytes of parameters that the frame below took; they lie below this frame's own.
    """
    esp, ebp = frame.registers.get("esp"), frame.registers.get("ebp")
    if esp is None or ebp is None:
        return None
    start = _search_start(view, frame, rule, callee_parameter_size)
    variables = _variables(frame, rule, callee_parameter_size, start)
    run(_program(rule), variables, view)
    caller = {name: variables[f"${name}"] for name in view.process.arch.callee_saved if f"${name}" in variables}
    eip, new_esp = variables.get("$eip"), variables.get("$esp")
    if eip is None or new_esp is None or new_esp == esp:
        return None
    if eip == 0 and caller.get("ebp") == 0:
        return StackEnd.OUTERMOST
    caller |= {"eip": eip, "esp": new_esp}
    return _checked(view, frame, rule, callee_parameter_size, caller, start)


def _search_start(view: StackView, frame: Frame, rule: WinRule, callee_parameter_size: int) -> int:
    """Where the return address lies: where the record says, or a few words above if only there is one.

    In the frame where the thread was stopped, a system call may have left its own return address on top.
    """
    registers = frame.registers
    if rule.program and "@" in rule.program:
        start = registers["ebp"] + WORD
    else:
        start = registers["esp"] + rule.local_size + rule.saved_register_size + callee_parameter_size
        if callee_parameter_size and (exact := _exact(view, start, rule, callee_parameter_size)) is not None:
            return exact
    found = scan(view, frame, start & _MASK, ALIGNMENT_WORDS)
    if found and frame.trust is Trust.CONTEXT and rule.program is None and found[1] == frame.pc:
        found = scan(view, frame, found[0] + WORD, ALIGNMENT_WORDS) or (found[0] + WORD, 0)
    return found[0] if found else start & _MASK


def _exact(view: StackView, start: int, rule: WinRule, callee_parameter_size: int) -> int | None:
    """The one of two places that holds a return address.

    Parameters that were pushed lie below the frame that the record speaks of. Where the caller makes room for them at
    its beginning, as LLVM lets it, they are a part of it. What lies at the other place is first asked for where that
    can only be a saved register.
    """
    inside = start - callee_parameter_size
    places = (inside, start) if callee_parameter_size <= rule.saved_register_size else (start, inside)
    return next((place for place in places if view.process.returns.accept(view.word(place) or 0)), None)


def _variables(frame: Frame, rule: WinRule, callee_parameter_size: int, start: int) -> Registers:
    registers = frame.registers
    esp = registers["esp"]
    return {
        **{f"${name}": registers[name] for name in ("esp", "ebp", "ebx", "edi", "esi") if name in registers},
        ".cbParams": rule.parameter_size,
        ".cbCalleeParams": callee_parameter_size,
        ".cbSavedRegs": rule.saved_register_size,
        ".cbLocals": rule.local_size,
        ".raSearch": start,
        ".raSearchStart": start,
        ".saved": (esp + callee_parameter_size + rule.saved_register_size - 2 * WORD) & _MASK,
    }


def _program(rule: WinRule) -> tuple[str, ...]:
    if rule.program is not None:
        return rule.program
    return _FPO_WITH_BASE_POINTER if rule.allocates_base_pointer else _FPO


def run(program: tuple[str, ...], variables: Registers, view: StackView) -> None:
    """Run the assignments of ``program``, postfix with ``=``, on ``variables``; stops at the first that fails.

    A target may be glued to its sign (``=$eip`` closes one assignment and opens the next).
    """
    pending: list[str | int] = []
    for word in _words(program):
        if word != "=":
            pending.append(int(word) if _NUMBER.fullmatch(word) else word)
            continue
        if len(pending) < 2 or not isinstance(target := pending[0], str):
            return
        if not _assign(target, tuple(pending[1:]), variables, view):
            return
        pending.clear()


def _words(program: tuple[str, ...]) -> list[str]:
    words: list[str] = []
    for word in program[:MAX_EXPRESSION_TOKENS]:
        words += ("=", word[1:]) if len(word) > 1 and word[0] == "=" else (word,)
    return words


def _assign(target: str, expression: Expression, variables: Registers, view: StackView) -> bool:
    """Set ``target``, or forget it where the expression is ``.undef``; whether that went well."""
    if expression == (".undef",):
        variables.pop(target, None)
        return True
    value = cfi.evaluate(expression, variables, view.read, _MASK)
    if value is not None:
        variables[target] = value
    return value is not None


def _checked(
    view: StackView, frame: Frame, rule: WinRule, callee_parameter_size: int, caller: Registers, start: int
) -> Step:
    """``caller``, or the next return address above ``start`` if it is none; with an ``ebp`` that can be read."""
    trust, skipped = Trust.CFI, 0
    if not view.process.returns.accept(caller["eip"]):
        found = scan(view, frame, start + WORD)
        if found:
            slot, caller["eip"] = found
            caller["esp"] = slot + WORD
            trust, skipped = Trust.CFI_SCAN, slot - start
    if skipped or view.word(caller.get("ebp", 0)) is None:
        lowest = frame.registers["esp"] + callee_parameter_size
        ebp = _saved_ebp(view, lowest, lowest + rule.saved_register_size + skipped)
        if ebp is not None:
            caller["ebp"] = ebp
    return Caller(caller, trust)


def _saved_ebp(view: StackView, lowest: int, highest: int) -> int | None:
    """The highest word of the saved registers that points into the stack."""
    words = view.words(lowest, min((highest - lowest) // WORD + 1, MAX_SAVED_WORDS))
    return next((word for word in reversed(words) if view.word(word) is not None), None)
