"""The crashing instruction: what it touches and where it goes, by the registers at the crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.decode import MAX_INSTRUCTION_SIZE, decode
from cairn.crash.analysis.decoded import Decoded, MemoryOperand
from cairn.crash.analysis.records import Instruction, MemoryAccess
from cairn.crash.analysis.registers import register_value
from cairn.minidump.memory import Memory
from cairn.minidump.records import Arch, Context

CodeBytes = Callable[[int, int], bytes | None]
"""``(address, size)`` to the bytes of the program there, up to ``size``, or ``None``: for code that no dump holds."""

_THUMB = 0x20  # the T bit of the CPSR


class Crashing(NamedTuple):
    """The instruction as a person sees it, and as it was decoded, for the other analyses."""

    instruction: Instruction
    decoded: Decoded


def crashing_instruction(
    context: Context, memory: Memory, mapped: AddressMap, code_bytes: CodeBytes | None = None
) -> Crashing | None:
    """Decode what stands at the program counter; ``None`` where its bytes are not to be had."""
    pc = context.pc
    thumb = context.arch is Arch.ARM and bool(context.registers.get("cpsr", 0) & _THUMB or pc & 1)
    address = pc & ~1 if thumb else pc
    code = _code_at(address, memory) or (code_bytes(address, MAX_INSTRUCTION_SIZE) if code_bytes else None)
    decoded = decode(code, address, context.arch, thumb=thumb) if code else None
    if decoded is None:
        return None
    registers = _Registers(context, address, decoded.size, thumb)
    accesses = _accesses(decoded, registers, mapped)
    return Crashing(Instruction(address, decoded.text, accesses, _target(decoded, registers, memory)), decoded)


def operand_value(operand: str | MemoryOperand, context: Context, memory: Memory) -> int | None:
    """The number in a register or in memory, as far as the dump has it."""
    if isinstance(operand, str):
        return register_value(operand, context)
    address = _address(operand, _Registers(context, context.pc, 0, False))
    return None if address is None or operand.size is None else memory.read_int(address, operand.size)


class _Registers(NamedTuple):
    context: Context
    address: int
    size: int
    thumb: bool

    def value(self, name: str) -> int | None:
        """The program counter reads as the instruction sees it: behind itself on x86, 8 or 4 ahead on arm."""
        if name in ("rip", "eip"):
            return self.address + self.size
        if name == "pc" and self.context.arch is Arch.ARM:
            return (self.address & ~3) + 4 if self.thumb else self.address + 8
        return register_value(name, self.context)


def _code_at(address: int, memory: Memory) -> bytes | None:
    region = memory.region_at(address)
    if region is None:
        return None
    return region.read(address, min(MAX_INSTRUCTION_SIZE, region.end - address))


def _accesses(decoded: Decoded, registers: _Registers, mapped: AddressMap) -> tuple[MemoryAccess, ...] | None:
    if decoded.operands is None:
        return None
    found = []
    for operand in decoded.operands:
        address = _address(operand, registers)
        if address is None:
            return None
        null = operand.base is not None and registers.value(operand.base) == 0
        guard = mapped.is_guard_page(address)
        found.append(MemoryAccess(address, operand.size, operand.access, operand.base, null, guard))
    return tuple(found)


def _address(operand: MemoryOperand, registers: _Registers) -> int | None:
    total = operand.displacement
    if operand.base:
        base = registers.value(operand.base)
        if base is None:
            return None
        total += base
    if operand.index_register:
        index = registers.value(operand.index_register)
        if index is None:
            return None
        if operand.signed_index and operand.index_register.startswith("w") and index >> 31:
            index -= 1 << 32
        total += index * operand.scale
    return total & ((1 << (8 * registers.context.arch.pointer_size)) - 1)


def _target(decoded: Decoded, registers: _Registers, memory: Memory) -> int | None:
    if decoded.target is None:
        return None
    if isinstance(decoded.target, str):
        return registers.value(decoded.target)
    address = _address(decoded.target, registers)
    return None if address is None else memory.read_int(address, registers.context.arch.pointer_size)
