"""An emulated processor that runs a compiled program and knows, at every instruction, what each caller must find again.

The truth for tests of unwinding: no debug information is read, only what calls and returns do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import unicorn
from unicorn import arm64_const, arm_const, x86_const

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Architecture, Registers
from cairn.unwind.architectures import architecture_of
from tests.targets.image import Image

_UNICORN: Any = unicorn
"""Its classes have no types of their own."""

STACK, STACK_SIZE = 0x7000_0000, 0x20_0000
RETURN = 0x6000_0000
"""The return address of the function that the program begins with."""

_PAGE = 0x1_0000
_MAX_STEPS = 3_000_000


@dataclass(slots=True)
class Call:
    """A call under way. ``caller`` is what the caller must find when it returns: the registers that calls preserve,
    stack pointer and program counter. ``entry`` is where the called function begins."""

    entry: int
    caller: Registers


@dataclass(slots=True)
class Stop:
    """The machine before an instruction: all registers that Cairn has names for, and all calls under way, the latest
    last. ``called``: this is the first instruction of the latest."""

    pc: int
    registers: Registers
    calls: list[Call]
    called: bool


@dataclass(frozen=True)
class _Kind:
    """How unicorn names a processor; ``argument`` is where a function's first argument is."""

    engine: tuple[int, int]
    registers: dict[str, int]
    saved: tuple[str, ...]
    argument: str | None


def _x86(*names: str) -> dict[str, int]:
    return {name: getattr(x86_const, f"UC_X86_REG_{name.upper()}") for name in names}


_WIDE = ("rip", "rsp", "rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))
_AMD64 = ("rbx", "rbp", "r12", "r13", "r14", "r15")
_ARM64 = {f"x{number}": getattr(arm64_const, f"UC_ARM64_REG_X{number}") for number in range(29)} | {
    "fp": arm64_const.UC_ARM64_REG_FP, "lr": arm64_const.UC_ARM64_REG_LR,
    "sp": arm64_const.UC_ARM64_REG_SP, "pc": arm64_const.UC_ARM64_REG_PC,
}  # fmt: skip
_ARM = {
    name: getattr(arm_const, f"UC_ARM_REG_{name.upper()}")
    for name in (*(f"r{number}" for number in range(13)), "sp", "lr", "pc")
}
_KINDS = {
    "amd64": _Kind((unicorn.UC_ARCH_X86, unicorn.UC_MODE_64), _x86(*_WIDE), _AMD64, "rdi"),
    "amd64-windows": _Kind((unicorn.UC_ARCH_X86, unicorn.UC_MODE_64), _x86(*_WIDE), (*_AMD64, "rsi", "rdi"), "rcx"),
    "x86": _Kind(
        (unicorn.UC_ARCH_X86, unicorn.UC_MODE_32),
        _x86("eip", "esp", "eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"), ("ebx", "ebp", "esi", "edi"), None,
    ),
    "arm64": _Kind(
        (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM), _ARM64, (*(f"x{n}" for n in range(19, 29)), "fp"), "x0"
    ),
    "arm": _Kind((unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM), _ARM, tuple(f"r{n}" for n in range(4, 12)), "r0"),
}  # fmt: skip


@dataclass
class Machine:
    """A processor with a program in its memory, about to run it."""

    image: Image
    _calls: list[Call] = field(default_factory=list)
    _following: int = 0
    _ways: dict[tuple[int, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = self.image.target
        windows = target.arch is Arch.AMD64 and target.os is Os.WINDOWS
        self._kind = _KINDS["amd64-windows" if windows else str(target.arch)]
        self.arch: Architecture = architecture_of(target.arch)
        self._engine: Any = _UNICORN.Uc(*self._kind.engine)
        self._names, self._numbers = tuple(self._kind.registers), tuple(self._kind.registers.values())
        self._engine.mem_map(STACK, STACK_SIZE)
        base = self.image.base & -_PAGE
        self._engine.mem_map(base, (self.image.end - base + _PAGE) & -_PAGE)
        for address, data in self.image.parts:
            self._engine.mem_write(address, data)
        self._start()

    def _start(self) -> None:
        """Registers as at the first instruction, those that calls preserve with a mark in each."""
        arch, kind = self.arch, self._kind
        marks = {name: 0x4141_0000 + 16 * number for number, name in enumerate(kind.saved)}
        sp = STACK + STACK_SIZE - 0x1000
        caller = marks | {arch.sp: sp, arch.pc: RETURN}
        if arch.link_register:
            self._set(arch.link_register, RETURN)
        else:
            sp -= arch.pointer_size
            self._engine.mem_write(sp, RETURN.to_bytes(arch.pointer_size, "little"))
        for name, value in (marks | {arch.sp: sp}).items():
            self._set(name, value)
        self._calls, self._following = [Call(self.image.entry, caller)], self.image.entry
        if self.image.target.arch is Arch.ARM:
            self._engine.reg_write(arm_const.UC_ARM_REG_C1_C0_2, 0xF << 20)
            self._engine.reg_write(arm_const.UC_ARM_REG_FPEXC, 1 << 30)

    def _set(self, name: str, value: int) -> None:
        self._engine.reg_write(self._kind.registers[name], value)

    def read(self, address: int, size: int) -> bytes:
        """Memory of the program."""
        return bytes(self._engine.mem_read(address, size))

    def word(self, address: int) -> int | None:
        """The machine word at ``address``, None where there is no memory."""
        try:
            return int.from_bytes(self.read(address, self.arch.pointer_size), "little")
        except _UNICORN.UcError:
            return None

    def argument(self, stop: Stop) -> int:
        """The first argument of the function that ``stop`` is the first instruction of."""
        if self._kind.argument is None:
            value = self.word(stop.registers[self.arch.sp] + self.arch.pointer_size)
            assert value is not None
            return value
        return stop.registers[self._kind.argument] & 0xFFFF_FFFF

    def run(self, visit: Callable[[Stop], bool]) -> None:
        """Run until ``visit`` returns False. It is called before every instruction the first time that is reached, and
        again where another call or jump leads to it."""

        def step(engine: Any, pc: int, size: int, _: object) -> None:
            following, self._following = self._following, pc + size
            way = (following, pc)
            is_new = way not in self._ways
            called = self._follow(way)
            if is_new and not visit(Stop(pc, self._registers(pc), self._calls, called)):
                engine.emu_stop()

        self._engine.hook_add(unicorn.UC_HOOK_CODE, step)
        self._engine.emu_start(self.image.entry, RETURN, count=_MAX_STEPS)

    def _follow(self, way: tuple[int, int]) -> bool:
        """Keep track of calls and returns; whether this way, from before one instruction to another, is a call."""
        following, pc = way
        if pc == self._calls[-1].caller[self.arch.pc] & self.arch.code_mask:
            self._calls.pop()
            return self._ways.setdefault(way, False)
        if pc == following or not self._ways.get(way, True):
            return self._ways.setdefault(way, False)
        registers = self._registers(pc)
        self._ways[way] = self._is_call(registers, following)
        if self._ways[way]:
            self._calls.append(Call(pc, self._caller(registers, following)))
        return self._ways[way]

    def _registers(self, pc: int) -> Registers:
        values = self._engine.reg_read_batch(self._numbers)
        return dict(zip(self._names, values, strict=True)) | {self.arch.pc: pc}

    def _is_call(self, registers: Registers, following: int) -> bool:
        link = self.arch.link_register
        found = registers[link] if link else self.word(registers[self.arch.sp])
        return found is not None and found & self.arch.code_mask == following

    def _caller(self, registers: Registers, following: int) -> Registers:
        kept = {name: registers[name] for name in self._kind.saved}
        if link := self.arch.link_register:
            return kept | {self.arch.sp: registers[self.arch.sp], self.arch.pc: registers[link]}
        return kept | {self.arch.sp: registers[self.arch.sp] + self.arch.pointer_size, self.arch.pc: following}
