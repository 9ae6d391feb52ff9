"""A tiny interpreter of arm64, as ``amd64_steps`` is of amd64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import capstone
from capstone import arm64

from tests.symbols.unwind_data.amd64_steps import State, Stop

CONVENTION = (*(f"x{number}" for number in range(19, 29)), "fp")
ENTRY_SP = 0x7FF0_0000_1000
RETURN = 0x1_4000_7777_0000
CALLER = {name: 0xAAAA_0000_0000 + index for index, name in enumerate(CONVENTION)} | {"sp": ENTRY_SP}
"""The registers as the caller must find them again."""

_KEPT_BY_PROBE = ("x15", "x8")
_UNKNOWN_SIZE = 0x40
_MASK = (1 << 64) - 1
_LONGEST_HELPER = 24
"""Instructions of a helper that is called in a prologue and takes from the stack itself."""

_STORES, _LOADS = ("str", "stur", "stp"), ("ldr", "ldur", "ldp")
_WITHOUT_EFFECT = ("cmp", "cmn", "tst", "pacibsp", "autibsp", "paciasp", "autiasp", "hint")
"""Comparisons, and signatures of ``lr``, which the walker takes off."""

_BRANCHES = ("b", "cbz", "cbnz", "tbz", "tbnz")
Read = Callable[[int], bytes]


def stops(read: Read, entry: int, inside: Callable[[int], bool]) -> Iterator[Stop]:
    """Every instruction that ``entry`` can reach ``inside`` its function; ``read`` gives the code at an address."""
    decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    decoder.detail = True
    registers = CALLER | {"lr": RETURN}
    todo = [State(entry, dict(registers), {})]
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
        todo += _step(decoder, read, instruction, state)


def _step(decoder: Any, read: Read, instruction: Any, state: State) -> list[State]:
    following = instruction.address + 4
    name = instruction.mnemonic
    if name in ("ret", "br", "brk", "udf", "retab", "retaa"):
        return []
    if name in _BRANCHES or name.startswith("b."):
        targets = [instruction.operands[-1].imm] + ([following] if name != "b" else [])
        return [State(target, dict(state.registers), dict(state.memory)) for target in targets]
    if name == "bl":
        _help(decoder, read, instruction.operands[0].imm, state)
    if name in ("bl", "blr", "blraa", "blrab", "blraaz", "blrabz"):
        kept = {*CALLER, *_KEPT_BY_PROBE}
        state.registers = {name: value for name, value in state.registers.items() if name in kept}
    else:
        _execute(instruction, state.registers, state.memory)
    return [replace(state, address=following)]


def _help(decoder: Any, read: Read, address: int, state: State) -> None:
    """What a called helper does to the stack pointer itself, if the straight way through it returns."""
    registers, memory = dict(state.registers), dict(state.memory)
    for place in range(address, address + 4 * _LONGEST_HELPER, 4):
        instruction = next(decoder.disasm(read(place), place, 1), None)
        if instruction is None or instruction.mnemonic in ("b", "bl", "br", "blr"):
            return
        if instruction.mnemonic == "ret":
            state.registers["sp"] = registers["sp"]
            return
        if not instruction.group(capstone.CS_GRP_JUMP):
            _execute(instruction, registers, memory)


def _execute(instruction: Any, registers: dict[str, int], memory: dict[int, int]) -> None:
    operands = instruction.operands
    name = instruction.mnemonic
    if name in _WITHOUT_EFFECT:
        return
    if name in _STORES or name in _LOADS:
        _transfer(instruction, registers, memory)
    elif name in ("mov", "movz", "add", "sub", "orr", "and", "movk") and operands[0].type == arm64.ARM64_OP_REG:
        target = _name(instruction.reg_name(operands[0].reg))
        values = [_value(instruction, operand, registers) for operand in operands[1:]]
        if name == "movk":
            values.insert(0, None)
        if target == "sp" and values[-1] is None:
            values[-1] = _UNKNOWN_SIZE
        _set(registers, target, _calculated(name, values), instruction.reg_name(operands[0].reg))
    else:
        _forget(instruction, registers, memory)


def _calculated(name: str, values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if name in ("mov", "movz"):
        return known[0]
    left, right = known
    return {"add": left + right, "sub": left - right, "orr": left | right, "and": left & right}[name] & _MASK


def _value(instruction: Any, operand: Any, registers: dict[str, int]) -> int | None:
    if operand.type == arm64.ARM64_OP_IMM:
        value: int | None = operand.imm
    else:
        value = registers.get(_name(instruction.reg_name(operand.reg)))
        if instruction.reg_name(operand.reg) in ("xzr", "wzr"):
            value = 0
        if operand.ext not in (0, arm64.ARM64_EXT_UXTX):
            return None
    if value is not None and operand.shift.type == arm64.ARM64_SFT_LSL:
        value <<= operand.shift.value
    elif operand.shift.type:
        return None
    return value


def _transfer(instruction: Any, registers: dict[str, int], memory: dict[int, int]) -> None:
    """Loads and stores, with the base register written back before or after."""
    *targets, place = [operand for operand in instruction.operands if operand.type != arm64.ARM64_OP_IMM]
    names = [instruction.reg_name(target.reg) for target in targets]
    base = _name(instruction.reg_name(place.mem.base))
    address = registers.get(base)
    amount = sum(operand.imm for operand in instruction.operands if operand.type == arm64.ARM64_OP_IMM)
    at = None if address is None or place.mem.index else address + place.mem.disp
    width = {"x": 8, "f": 8, "l": 8, "w": 4, "q": 16, "d": 8, "s": 4, "h": 2, "b": 1}
    for index, name in enumerate(names):
        size = width[name[0]] if name not in ("sp", "wsp") else 8
        where = None if at is None else at + index * size
        if instruction.mnemonic in _STORES:
            _store(where, registers.get(_name(name)) if _is_wide(name) else None, size, memory)
        else:
            value = memory.get(where) if where is not None and _is_wide(name) else None
            _set(registers, _name(name), value, name)
    if instruction.writeback and address is not None:
        registers[base] = address + place.mem.disp + amount


def _forget(instruction: Any, registers: dict[str, int], memory: dict[int, int]) -> None:
    """What an instruction writes that is not interpreted is not known any more."""
    for number in instruction.regs_access()[1]:
        name = _name(instruction.reg_name(number))
        assert name != "sp", instruction
        registers.pop(name, None)


def _set(registers: dict[str, int], name: str, value: int | None, written: str) -> None:
    if value is None or not _is_wide(written):
        assert name != "sp"
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


def _is_wide(name: str) -> bool:
    return name[0] == "x" or name in ("fp", "lr", "sp")


def _name(name: str | None) -> str:
    """The 64-bit register that ``name`` is a part of."""
    if not name:
        return ""
    name = {"x29": "fp", "x30": "lr", "w29": "fp", "w30": "lr", "wsp": "sp"}.get(name, name)
    return "x" + name[1:] if name[0] == "w" and name[1:].isdigit() else name
