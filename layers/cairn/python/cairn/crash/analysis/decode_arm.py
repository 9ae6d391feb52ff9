"""Instructions of 32-bit arm and Thumb."""

from __future__ import annotations

from typing import Any

from cairn.crash.analysis.capstone_operands import IMMEDIATE, MEMORY, REGISTER, register_name, text_of
from cairn.crash.analysis.decoded import Decoded, MemoryOperand
from cairn.crash.analysis.records import Access

_REGISTER_BYTES = {"s": 4, "d": 8, "q": 16}
_LISTS = ("push", "pop", "ldm", "stm")
_ARM_SHIFT_LSL = 2


def decode_arm(instruction: Any) -> Decoded:
    """Take one of Capstone's instructions apart."""
    mnemonic = str(instruction.mnemonic).partition(".")[0]
    if mnemonic.startswith(_LISTS):
        operands: tuple[MemoryOperand, ...] | None = _list_operand(instruction, mnemonic)
    else:
        operands = _operands(instruction, mnemonic)
    return Decoded(
        text=text_of(instruction),
        mnemonic=mnemonic,
        size=instruction.size,
        operands=operands,
        target=_target(instruction, mnemonic),
    )


def _operands(instruction: Any, mnemonic: str) -> tuple[MemoryOperand, ...] | None:
    if mnemonic.startswith(("pld", "pli")):
        return ()
    registers = [register_name(instruction, o.reg) or "" for o in instruction.operands if o.type == REGISTER]
    size = _size(mnemonic, registers[0] if registers else "")
    memory = [operand for operand in instruction.operands if operand.type == MEMORY]
    if any(operand.shift.type not in (0, _ARM_SHIFT_LSL) for operand in memory):
        return None
    return tuple(_memory(instruction, operand, mnemonic, size) for operand in memory)


def _memory(instruction: Any, operand: Any, mnemonic: str, size: int | None) -> MemoryOperand:
    scale = 1 << (operand.shift.value & 31 if operand.shift.type == _ARM_SHIFT_LSL else 0)
    return MemoryOperand(
        access=_access(mnemonic),
        size=size,
        base=register_name(instruction, operand.mem.base),
        index_register=register_name(instruction, operand.mem.index),
        scale=-scale if operand.subtracted else scale,
        displacement=operand.mem.disp,
    )


def _list_operand(instruction: Any, mnemonic: str) -> tuple[MemoryOperand, ...] | None:
    """push, pop, ldm and stm move a word for each register of their list."""
    registers = [register_name(instruction, o.reg) for o in instruction.operands if o.type == REGISTER]
    if mnemonic.startswith(("push", "pop")):
        base: str | None = "sp"
        size = 4 * len(registers)
    else:
        base, size = (registers[0] if registers else None), 4 * (len(registers) - 1)
    if base is None or mnemonic.startswith(("ldmda", "ldmib", "stmda", "stmib")):
        return None
    downwards = mnemonic.startswith(("push", "ldmdb", "stmdb"))
    return (MemoryOperand(_access(mnemonic), size, base=base, displacement=-size if downwards else 0),)


def _access(mnemonic: str) -> Access:
    if mnemonic.startswith("swp"):
        return Access.READ_WRITE
    return Access.WRITE if mnemonic.startswith(("st", "vst", "push", "vpush")) else Access.READ


def _size(mnemonic: str, register: str) -> int | None:
    if mnemonic.startswith("v"):
        return _REGISTER_BYTES.get(register[:1]) if mnemonic in ("vldr", "vstr") else None
    for names, size in (
        (("ldrb", "ldrsb", "strb", "ldrexb", "strexb"), 1),
        (("ldrh", "ldrsh", "strh", "ldrexh", "strexh"), 2),
        (("ldrd", "strd", "ldrexd", "strexd"), 8),
    ):
        if mnemonic.startswith(names):
            return size
    return 4


def _target(instruction: Any, mnemonic: str) -> str | MemoryOperand | None:
    if mnemonic not in ("bx", "blx") or any(o.type == IMMEDIATE for o in instruction.operands):
        return None
    registers = [register_name(instruction, o.reg) for o in instruction.operands if o.type == REGISTER]
    return registers[0] if registers else None
