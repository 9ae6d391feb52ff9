"""Minidumps by decision: well-formed files about processes that make no sense."""

from __future__ import annotations

from collections.abc import Sequence

from cairn.minidump.records import Arch, Os
from tests.fuzz.decisions import Decisions
from tests.synth.codeview import BuildId, Pdb70
from tests.synth.contexts import LAYOUTS
from tests.synth.minidump import MinidumpBuilder

ARCHES = [Arch.AMD64, Arch.X86, Arch.ARM64, Arch.ARM, Arch.MIPS, Arch.MIPS64, Arch.PPC, Arch.SPARC, Arch.RISCV64]
SYSTEMS = [Os.LINUX, Os.WINDOWS, Os.MACOS, Os.ANDROID, Os.IOS, Os.UNKNOWN]
BASES = [0x40_0000, 0x40_8000, 0x7FFF_F000, 0xFFFF_0000, 0x7F00_0000_0000, 0xFFFF_8000_0000_0000, 0]
SIZES = [0x1_0000, 0x1000, 0x10_0000, 1, 0, 0xFFFF_FFFF]
STACKS = [0x7000_0000, 0x7FFD_0000_0000, 0x40_4000, 0xFFFF_F000, 0xFFFF_FFFF_FFFF_F000, 0]
MAGIC_WORDS = [
    0, 1, 11, 0x10, 0x33, 0x73, 0x7B, 0x23, 0x2B << 16, 0x1003F, 0x10_000F, 0x40_0003, 0x210_4650_8001,
    0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0xCCCC_CCCC, 0x7FFF_FFFF_FFFF_FFFF,
]  # fmt: skip
"""What saved contexts of signals hold, and the ends of the numbers."""

MARKS: dict[tuple[Arch, Os], dict[int, int]] = {
    (Arch.AMD64, Os.LINUX): {184: 0x33, 224: 0},
    (Arch.X86, Os.LINUX): {80: 0x73, 92: 0x7B},
    (Arch.ARM64, Os.LINUX): {592: 0x210_4650_8001},
    (Arch.ARM, Os.LINUX): {0: 11, 4: 0, 132: 0, 220: 0x40_0100, 224: 0x10},
    (Arch.AMD64, Os.WINDOWS): {0x30: 0x10_000B, 0x38: 0x33, 0x40: 0x2B << 16},
    (Arch.X86, Os.WINDOWS): {0: 0x1_0007, 0xBC: 0x1B},
    (Arch.ARM64, Os.WINDOWS): {0: 0x40_0003, 0x108: 0x40_0100},
}
"""What tells the registers that a signal or an exception saved on the stack, by offset (``unwind/signals.py``)."""

SAVED_WORDS = 80
PROGRAM_COUNTERS = {"rip", "eip", "pc", "lr", "ra"}
SPECIAL = {"rsp", "esp", "sp", "rbp", "ebp", "fp"} | PROGRAM_COUNTERS
CPP_EXCEPTION = 0xE06D7363
SIGNALS = [11, 7, 4, 5, 6, 8]
CODES = {
    Os.WINDOWS: [0xC0000005, CPP_EXCEPTION, 0xC0000409, 0xC00000FD, 0x80000003, 0xC0000006, 0x517A7ED],
    Os.MACOS: [1, 2, 3, 6, 5, 10, 0x43507378],
    Os.IOS: [1, 2, 3, 6, 5, 10],
}
"""Codes of exceptions; every other system has signals."""
PDB = Pdb70("4d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a", 0)
PERMISSIONS = ["r-xp", "rw-p", "---p", "rwxp"]
PROTECTIONS = [0x20, 4, 1, 0x104, 2]
DECODED = [Arch.AMD64, Arch.X86, Arch.ARM64, Arch.ARM]
"""Architectures whose instructions are taken apart."""

TYPE_NAMES = [b".?AVruntime_error@std@@\0", b".?AVexception@std@@\0", b".H\0", b"what\0"]


class DumpProgram:
    """Builds one dump. ``anchors`` are the addresses that its words and registers point near."""

    def __init__(self, decide: Decisions, arches: Sequence[Arch] = ARCHES) -> None:
        self.decide = decide
        self.arch = decide.choice(arches)
        self.os = decide.choice(SYSTEMS)
        self.mask = (1 << 8 * self.arch.pointer_size) - 1
        self.anchors, self.code = [0], [0]
        self.builder = MinidumpBuilder(
            self.arch, self.os, big_endian=decide.below(8) == 7, padded_lists=decide.flag(), cpus=decide.number()
        )

    def build(self) -> bytes:
        """The dump."""
        self.decide.some(4, self._module)
        self.decide.some(3, self._memory)
        self.decide.some(4, self._thread)
        if self.decide.flag():
            self._exception()
        self._extras()
        return self.builder.build()

    def word(self) -> int:
        """A machine word: mostly an address near something."""
        kind = self.decide.below(8)
        if kind < 5:
            return (self.decide.choice(self.anchors) + self._offset()) & self.mask
        if kind < 7:
            return self.decide.choice(MAGIC_WORDS) & self.mask
        return self.decide.number(8) & self.mask

    def _offset(self) -> int:
        return self.decide.number() * self.decide.choice([1, 4, 8, 64, -8])

    def _place(self, usual: Sequence[int]) -> int:
        return (self.decide.choice(usual) if self.decide.below(8) < 7 else self.decide.number(8)) & self.mask

    def _module(self) -> None:
        base = self._place(BASES)
        self.anchors.append(base)
        self.code.append(base)
        identity = self.decide.choice([PDB, BuildId("6c8f9d4df41d9cef"), None])
        self.builder.module(base, self.decide.choice(SIZES), self.decide.choice(["/bin/a", "b.dll", ""]), identity)

    def _memory(self) -> None:
        start = self._place(self.anchors)
        add = self.builder.memory64 if self.decide.below(4) == 3 else self.builder.memory
        add(start, self.decide.take(self.decide.number()))

    def _thread(self) -> None:
        start = self._place(STACKS)
        self.anchors.append(start)
        words = [self.word() for _ in range(min(self.decide.below(64), self.decide.left))]
        if self.decide.below(4) == 1:
            self._save_registers(words, start, self.decide.below(24))
        size = self.arch.pointer_size
        data = b"".join(self.builder.pack("Q" if size == 8 else "I", word) for word in words)
        data *= self.decide.choice([1, 1, 1, 2, 64])
        self.builder.thread(
            1 + self.decide.below(4),
            self.registers(start) if self.decide.below(16) else None,
            (start, data) if self.decide.below(16) else None,
            stack_in_memory_list=self.decide.flag(),
        )

    def _save_registers(self, words: list[int], start: int, place: int) -> None:
        """Put what a signal saves into a stack: a return address, pointers where x86 has them, the registers."""
        size = self.arch.pointer_size
        words += [0] * (place - len(words))
        here = start + size * (place + 5)
        pointers = [0, here - 128 if self.os is Os.LINUX else here, here, 0]
        saved = [self.word() for _ in range(SAVED_WORDS)]
        for offset, mark in MARKS.get((self.arch, self.os), {}).items():
            saved[offset // size] = mark
        words[place:place] = [self.code[-1] + 16, *(pointers if self.arch is Arch.X86 else []), *saved]
        words[:] = [word & self.mask for word in words]

    def registers(self, stack: int) -> dict[str, int]:
        """Registers of a context. Those that matter are always set, mostly to code and to the thread's stack."""
        names = list(LAYOUTS[str(self.arch)][2])
        known = SPECIAL & set(names)
        chosen = [*sorted(known), *(self.decide.choice(names) for _ in range(self.decide.below(8)))]
        return {name: self._register(name, stack) for name in chosen}

    def _register(self, name: str, stack: int) -> int:
        width = 8 if LAYOUTS[str(self.arch)][2][name][1] == "Q" else 4
        value = self.word()
        if name in SPECIAL and self.decide.below(8) < 7:
            code = self.code[self.decide.below(len(self.code))] + self.decide.number(2)
            value = code if name in PROGRAM_COUNTERS else stack + self.arch.pointer_size * self.decide.below(16)
        return value & self.mask & (1 << 8 * width) - 1

    def _exception(self) -> None:
        code = self._code()
        parameters = [self.word() for _ in range(self.decide.below(16))]
        flags = self.decide.choice([1, 2, 0, 0x80, self.decide.number(4)])
        registers = self.registers(self._place(self.anchors)) if self.decide.below(4) else None
        self.builder.exception(1 + self.decide.below(4), code, flags, self.word(), parameters, registers)

    def _code(self) -> int:
        usual = CODES.get(self.os, SIGNALS)
        return self.decide.choice(usual) if self.decide.below(8) < 7 else self.decide.number(4)

    def _extras(self) -> None:
        """Streams that steer walks and analyses."""
        if self.decide.below(4) == 1:
            self.builder.breakpad_info(self.decide.below(6), self.decide.below(6), validity=self.decide.below(4))
        if self.decide.below(4) == 1:
            lines = (f"{self.word():x}-{self.word():x} {self.decide.choice(PERMISSIONS)} 0 0:0 0 x" for _ in range(3))
            self.builder.linux(maps="\n".join(lines))
        if self.decide.below(4) == 1:
            for _ in range(2):
                self.builder.memory_info(self.word(), self.word(), protect=self.decide.choice(PROTECTIONS))
        if self.decide.below(8) == 1:
            expression, function, file = (self.decide.text() for _ in range(3))
            self.builder.assertion(self.decide.below(4), expression, function, file, self.decide.number())
        if self.decide.below(8) == 1:
            module = self.builder.crashpad_module({self.decide.text(): "v"}, ["x"], [("abort", 1, self.decide.take(9))])
            self.builder.crashpad_info(simple={"a": "b"}, modules={self.decide.below(3): module})


class CrashProgram(DumpProgram):
    """Builds a dump about a crash that can be analysed: with code where it stopped, and what was mapped around."""

    def __init__(self, decide: Decisions) -> None:
        super().__init__(decide, DECODED)
        self.maps: list[str] = []

    def build(self) -> bytes:
        self.decide.some(3, self._module)
        self._crash()
        self.decide.some(6, self._mapping)
        if self.maps:
            self.builder.linux(maps="\n".join(self.maps))
        self.decide.some(2, self._thread)
        self._extras()
        return self.builder.build()

    def _crash(self) -> None:
        """The exception of thread 1, and the code before and at its program counter."""
        stack = self._place(STACKS)
        registers = self.registers(stack)
        pc = next(registers[name] for name in ("rip", "eip", "pc") if name in registers)
        self.anchors += [pc, stack]
        self.builder.memory(pc & ~1, self.decide.take(16))
        self.builder.thread(1, registers, (stack, self.decide.take(64)))
        code = self._code()
        parameters = [self.decide.choice([0, 1, 8, 7]), self.word()]
        if code == CPP_EXCEPTION:
            parameters = self._thrown()
        flags = self.decide.choice([1, 2, 0, 0x80, 13, self.decide.number(4)])
        address = self.decide.choice([self.word(), 0, pc, self.mask, *registers.values()])
        self.builder.exception(1, code, flags, address, parameters, registers if self.decide.below(8) else None)

    def _thrown(self) -> list[int]:
        """A C++ exception of Windows: words that point about among themselves and to names of types."""
        base, size = 0x60_0000, self.arch.pointer_size
        start = 0 if size == 4 else base
        targets = [base + offset - start for offset in range(0, 0x80, 8)]
        words = [self.decide.choice([*targets, 0, 1, 2, 0xFFFF_FFFF]) for _ in range(24)]
        names = b"".join(bytes(2 * size) + self.decide.choice(TYPE_NAMES) for _ in range(2))
        self.builder.memory(base, b"".join(self.builder.pack("I", word & 0xFFFF_FFFF) for word in words) + names)
        return [0x19930520, base + 8 * self.decide.below(16), base + 8 * self.decide.below(16), start]

    def _mapping(self) -> None:
        """A range around something that matters."""
        start = self.decide.choice(self.anchors) & ~0xFFF & self.mask
        end = start + 0x1000 * (1 + self.decide.below(64))
        if self.os is Os.WINDOWS:
            protect = self.decide.choice(PROTECTIONS)
            self.builder.memory_info(start, end - start, self.decide.choice([0x1000, 0x2000, 0x10000]), protect)
        else:
            self.maps.append(f"{start:x}-{end:x} {self.decide.choice(PERMISSIONS)} 0 0:0 0 x")
