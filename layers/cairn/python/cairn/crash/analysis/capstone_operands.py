"""What the decoders share of Capstone's vocabulary, without importing it."""

from __future__ import annotations

from typing import Any

from cairn.crash.analysis.records import Access

REGISTER, IMMEDIATE, MEMORY = 1, 2, 3
"""``CS_OP_REG``, ``CS_OP_IMM`` and ``CS_OP_MEM``."""

_ACCESS = {1: Access.READ, 2: Access.WRITE, 3: Access.READ_WRITE}
"""Combinations of ``CS_AC_READ`` and ``CS_AC_WRITE``."""


def text_of(instruction: Any) -> str:
    """``mov dword ptr [rax], 5``."""
    return f"{instruction.mnemonic} {instruction.op_str}".strip()


def access_of(operand: Any) -> Access:
    """What is done to a memory operand; Capstone knows none for some rare instructions, and reading is likelier."""
    return _ACCESS.get(operand.access, Access.READ)


def register_name(instruction: Any, number: int) -> str | None:
    """The name of a register, ``None`` for "no register"."""
    return instruction.reg_name(number) if number else None
