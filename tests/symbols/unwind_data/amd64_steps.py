"""A tiny interpreter of amd64: it goes through every path of a function and knows where the caller's registers are.

The truth for tests of unwind rules, taken from the code alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import capstone
from capstone import x86

CONVENTION = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")
ENTRY_SP = 0x7FF0_0000_1008
RETURN = 0x1_4000_7777
CALLER = {name: 0xAAAA_0000_0000 + index for index, name in enumerate(CONVENTION)} | {"rsp": ENTRY_SP + 8}
"""The registers as the caller must find them again."""

_MASK = (1 << 64) - 1
_UNKNOWN_SIZE = 0x40
"""What an ``alloca`` of a size that is not known takes."""


@dataclass(slots=True)
class State:
    """Registers and words of memory whose value is known, before the instruction at ``address``."""

    address: int
    registers: dict[str, int]
    memory: dict[int, int]


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where a thread may be: ``lookup`` is ``state.address``, or the last byte of a call that is under way."""

    lookup: int
    state: State


def stops(read: Callable[[int], bytes], entry: int, inside: Callable[[int], bool]) -> Iterator[Stop]:
    """Every instruction that ``entry`` can reach ``inside`` its function; ``read`` gives the code at an address."""
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.detail = True
    registers = {name: value for name, value in CALLER.items() if name != "rsp"} | {"rsp": ENTRY_SP}
    todo = [State(entry, registers, {ENTRY_SP: RETURN})]
    seen: set[int] = set()
    while todo:
        state = todo.pop()
        if state.address in seen or not inside(state.address):
            continue
        seen.add(state.address)
        instruction = next(decoder.disasm(read(state.address), state.address, 1), None)
        if instruction is None:
            continue
        yield Stop(state.address, State(state.address, dict(state.registers), dict(state.memory)))
        if instruction.group(x86.X86_GRP_CALL):
            yield Stop(state.address + instruction.size - 1, state)
        todo += _step(instruction, state)


def _step(instruction: Any, state: State) -> list[State]:
    """The states after ``instruction``: two after a branch, none where the function ends."""
    following = instruction.address + instruction.size
    if instruction.group(x86.X86_GRP_JUMP):
        operand = instruction.operands[0]
        targets = [operand.imm] if operand.type == x86.X86_OP_IMM else []
        if instruction.mnemonic != "jmp":
            targets.append(following)
        return [State(target, dict(state.registers), dict(state.memory)) for target in targets]
    if instruction.group(x86.X86_GRP_RET) or instruction.mnemonic in ("int3", "ud2", "int", "hlt"):
        return []
    if instruction.group(x86.X86_GRP_CALL):
        # A small constant in rax is the size of a frame: what probes the stack takes and keeps it.
        kept = {"rax"} if 4096 <= state.registers.get("rax", 0) < 1 << 31 else set()
        state.registers = {name: value for name, value in state.registers.items() if name in {*CALLER, *kept}}
    else:
        _execute(instruction, state.registers, state.memory)
    return [replace(state, address=following)]


def _execute(instruction: Any, registers: dict[str, int], memory: dict[int, int]) -> None:
    operands = [_Operand(instruction, operand) for operand in instruction.operands]
    match instruction.mnemonic.removeprefix("lock "):
        case "push":
            value = operands[0].value(registers, memory)
            registers["rsp"] -= 8
            _store(registers["rsp"], value, 8, memory)
        case "pop":
            operands[0].set(memory.get(registers["rsp"]), registers, memory)
            registers["rsp"] += 8
        case "leave":
            registers["rsp"] = registers["rbp"] + 8
            _set(registers, "rbp", memory.get(registers["rbp"]))
        case "mov" | "movabs":
            operands[0].set(operands[1].value(registers, memory), registers, memory)
        case "lea":
            operands[0].set(operands[1].address(registers), registers, memory)
        case "or" if operands[0].raw.type == x86.X86_OP_MEM and operands[1].value(registers, memory) == 0:
            pass  # a fence
        case "add" | "sub" | "and":
            left, right = (operand.value(registers, memory) for operand in operands)
            if operands[0].name == "rsp" and right is None:
                right = _UNKNOWN_SIZE
            operands[0].set(_calculated(instruction.mnemonic, left, right), registers, memory)
        case _:
            _forget(instruction, operands, registers, memory)


def _calculated(mnemonic: str, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    return {"add": left + right, "sub": left - right, "and": left & right}[mnemonic] & _MASK


def _forget(instruction: Any, operands: list[_Operand], registers: dict[str, int], memory: dict[int, int]) -> None:
    """What an instruction writes that is not interpreted is not known any more."""
    assert not any(instruction.reg_name(number) == "rsp" for number in instruction.regs_access()[1]), instruction
    for number in instruction.regs_access()[1]:
        registers.pop(_whole(instruction.reg_name(number)), None)
    for operand in operands:
        if operand.raw.type == x86.X86_OP_MEM and operand.raw.access & capstone.CS_AC_WRITE:
            operand.set(None, registers, memory)


def _set(registers: dict[str, int], name: str, value: int | None) -> None:
    if value is None:
        assert name != "rsp"
        registers.pop(name, None)
    else:
        registers[name] = value


def _store(address: int | None, value: int | None, size: int, memory: dict[int, int]) -> None:
    if address is None:
        return
    for place in [place for place in memory if address - 8 < place < address + size]:
        del memory[place]
    if value is not None and size == 8:
        memory[address] = value


class _Operand:
    def __init__(self, instruction: Any, raw: Any) -> None:
        self.raw = raw
        self.name = _whole(instruction.reg_name(raw.reg)) if raw.type == x86.X86_OP_REG else ""
        self._memory = raw.mem if raw.type == x86.X86_OP_MEM else None
        self._names = [instruction.reg_name(number) for number in (raw.mem.base, raw.mem.index)] if self._memory else []
        self._next = instruction.address + instruction.size

    def address(self, registers: Mapping[str, int]) -> int | None:
        assert self._memory is not None
        total = int(self._memory.disp)
        for name, factor in zip(self._names, (1, self._memory.scale), strict=True):
            if name is None:
                continue
            value = self._next if name == "rip" else registers.get(name)
            if value is None or self._memory.segment:
                return None
            total += factor * value
        return total & _MASK

    def value(self, registers: Mapping[str, int], memory: Mapping[int, int]) -> int | None:
        if self.raw.type == x86.X86_OP_IMM:
            return int(self.raw.imm) & _MASK
        if self.raw.type == x86.X86_OP_REG:
            return registers.get(self.name)
        address = self.address(registers)
        return memory.get(address) if address is not None and self.raw.size == 8 else None

    def set(self, value: int | None, registers: dict[str, int], memory: dict[int, int]) -> None:
        if self.raw.type == x86.X86_OP_REG:
            _set(registers, self.name, value if self.raw.size >= 4 else None)
        else:
            _store(self.address(registers), value, self.raw.size, memory)


def _whole(name: str) -> str:
    """The 64-bit register that ``name`` is a part of."""
    if name.startswith("r") and name[1:2].isdigit():
        return name.rstrip("dwb")
    if name in ("sil", "dil", "bpl", "spl"):
        return "r" + name[:2]
    if len(name) == 2 and name[1] in "lh":
        return f"r{name[0]}x"
    return f"r{name.removeprefix('e').removeprefix('r')}" if name[-1:] in "xpi" else name
