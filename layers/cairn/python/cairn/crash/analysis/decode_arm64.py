"""Instructions of arm64."""

from __future__ import annotations

from typing import Any

from cairn.crash.analysis.capstone_operands import MEMORY, REGISTER, register_name, text_of
from cairn.crash.analysis.decoded import Decoded, MemoryOperand
from cairn.crash.analysis.records import Access

_REGISTER_BYTES = {"b": 1, "h": 2, "s": 4, "w": 4, "d": 8, "x": 8, "q": 16}
_WIDE = ("sp", "fp", "lr")
_PAIRS = ("ldp", "stp", "ldnp", "stnp", "ldxp", "stxp", "ldaxp", "stlxp", "casp")
_ATOMICS = ("ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "cas")
_PRIVILEGED = frozenset(["hvc", "smc", "eret", "msr", "mrs"])
_SIGNED_EXTENSIONS = (7, 8)  # ARM64_EXT_SXTW, ARM64_EXT_SXTX


def decode_arm64(instruction: Any) -> Decoded:
    """Take one of Capstone's instructions apart."""
    mnemonic = str(instruction.mnemonic)
    return Decoded(
        text=text_of(instruction),
        mnemonic=mnemonic,
        size=instruction.size,
        operands=() if mnemonic.startswith("prf") else _operands(instruction, mnemonic),
        target=_target(instruction, mnemonic),
        privileged=mnemonic in _PRIVILEGED,
    )


def _operands(instruction: Any, mnemonic: str) -> tuple[MemoryOperand, ...]:
    registers = [register_name(instruction, o.reg) for o in instruction.operands if o.type == REGISTER]
    size = _size(mnemonic, registers[-1] if registers else None)
    return tuple(_memory(instruction, o, mnemonic, size) for o in instruction.operands if o.type == MEMORY)


def _memory(instruction: Any, operand: Any, mnemonic: str, size: int | None) -> MemoryOperand:
    return MemoryOperand(
        access=_access(mnemonic),
        size=size,
        base=register_name(instruction, operand.mem.base),
        index_register=register_name(instruction, operand.mem.index),
        scale=1 << (operand.shift.value & 7),
        displacement=operand.mem.disp,
        signed_index=operand.ext in _SIGNED_EXTENSIONS,
    )


def _access(mnemonic: str) -> Access:
    """By the name: Capstone calls every store both a read and a write."""
    if mnemonic.startswith(_ATOMICS):
        return Access.READ_WRITE
    return Access.WRITE if mnemonic.startswith("st") else Access.READ


def _size(mnemonic: str, register: str | None) -> int | None:
    """By the name (``ldrb``, ``ldrsw``), else by the register; ``None`` for lists of vectors."""
    if mnemonic in ("ldrsw", "ldursw", "ldtrsw"):
        return 4
    if mnemonic == "ldpsw":
        return 8
    if mnemonic.startswith(("ld", "st", "cas", "swp")) and mnemonic.endswith(("b", "h")):
        return 1 if mnemonic.endswith("b") else 2
    size = 8 if register in _WIDE else _REGISTER_BYTES.get((register or "v")[0])
    return size * 2 if size and mnemonic.startswith(_PAIRS) else size


def _target(instruction: Any, mnemonic: str) -> str | None:
    if not mnemonic.startswith(("br", "blr", "ret")) or mnemonic.startswith("brk"):
        return None
    registers = [register_name(instruction, o.reg) for o in instruction.operands if o.type == REGISTER]
    return registers[0] if registers else "lr" if mnemonic.startswith("ret") else None
