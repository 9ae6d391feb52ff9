"""CPU contexts: which bytes of a blob are which register.

Layouts follow Breakpad's ``minidump_cpu_*.h`` and, for x86, amd64 and arm64, Windows' ``CONTEXT``. Only the registers
that name code and stack are read; floating point and vector state are not.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.records import Arch, Context
from cairn.minidump.window import Window


class Row(NamedTuple):
    """Registers of one width that lie one behind the other. ``code`` is a struct code."""

    offset: int
    code: str
    names: tuple[str, ...]

    @property
    def end(self) -> int:
        """The first byte behind the row."""
        return self.offset + len(self.names) * struct.calcsize(self.code)


class Layout(NamedTuple):
    """One kind of context blob. It is this kind when the ``flags`` number has the ``cpu`` bit."""

    flags: Row
    cpu: int
    rows: tuple[Row, ...]
    pc: str
    sp: str

    @property
    def size(self) -> int:
        """The least a blob must have. Blobs are often longer: floating point state, or Windows' xsave area."""
        return max(row.end for row in self.rows)


def _row(offset: int, code: str, names: str) -> Row:
    return Row(offset, code, tuple(names.split()))


_FLAGS32: Final = Row(0, "I", ("flags",))
_FLAGS64: Final = Row(0, "Q", ("flags",))
_X0_TO_X28: Final = " ".join(f"x{number}" for number in range(29))
_R0_TO_R31: Final = " ".join(f"r{number}" for number in range(32))

_X86: Final = Layout(
    _FLAGS32,
    0x0001_0000,
    (_row(0x8C, "I", "gs fs es ds edi esi ebx edx ecx eax ebp eip cs eflags esp ss"),),
    "eip",
    "esp",
)
_AMD64: Final = Layout(
    Row(0x30, "I", ("flags",)),
    0x0010_0000,
    (
        _row(0x44, "I", "eflags"),
        _row(0x78, "Q", "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip"),
    ),
    "rip",
    "rsp",
)
_ARM: Final = Layout(
    _FLAGS32,
    0x4000_0000,
    (_row(0x04, "I", "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 sp lr pc cpsr"),),
    "pc",
    "sp",
)
# General registers, sp and pc lie at the same offsets in both arm64 layouts; flags and cpsr do not.
_ARM64_ROW: Final = _row(0x08, "Q", _X0_TO_X28 + " fp lr sp pc")
_ARM64: Final = Layout(_FLAGS32, 0x0040_0000, (_ARM64_ROW, _row(0x04, "I", "cpsr")), "pc", "sp")
_ARM64_OLD: Final = Layout(_FLAGS64, 0x8000_0000, (_ARM64_ROW, _row(0x110, "I", "cpsr")), "pc", "sp")

_MIPS_ROWS: Final = (
    _row(
        0x08, "Q", "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra"
    ),
    _row(0x138, "Q", "pc"),
)
_MIPS: Final = Layout(_FLAGS32, 0x0004_0000, _MIPS_ROWS, "pc", "sp")
_MIPS64: Final = Layout(_FLAGS32, 0x0008_0000, _MIPS_ROWS, "pc", "sp")
_PPC: Final = Layout(
    _FLAGS32,
    0x2000_0000,
    (_row(0x04, "I", "pc msr " + _R0_TO_R31 + " cr xer lr ctr"),),
    "pc",
    "r1",
)
_PPC64: Final = Layout(
    _FLAGS64,
    0x0100_0000,
    (_row(0x08, "Q", "pc msr " + _R0_TO_R31 + " cr xer lr ctr"),),
    "pc",
    "r1",
)
_SPARC: Final = Layout(
    _FLAGS32,
    0x1000_0000,
    (
        _row(0x08, "Q", " ".join(f"{window}{number}" for window in "goli" for number in range(8))),
        _row(0x108, "Q", "ccr pc npc"),
    ),
    "pc",
    "o6",
)
_RISCV_NAMES: Final = (
    "pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
)
_RISCV: Final = Layout(_FLAGS32, 0x0080_0000, (_row(0x08, "I", _RISCV_NAMES),), "pc", "sp")
_RISCV64: Final = Layout(_FLAGS32, 0x0800_0000, (_row(0x08, "Q", _RISCV_NAMES),), "pc", "sp")

LAYOUTS: Final[dict[Arch, tuple[Layout, ...]]] = {
    Arch.X86: (_X86,),
    Arch.AMD64: (_AMD64,),
    Arch.ARM: (_ARM,),
    Arch.ARM64: (_ARM64, _ARM64_OLD),
    Arch.MIPS: (_MIPS,),
    Arch.MIPS64: (_MIPS64,),
    Arch.PPC: (_PPC,),
    Arch.PPC64: (_PPC64,),
    Arch.SPARC: (_SPARC,),
    Arch.RISCV: (_RISCV,),
    Arch.RISCV64: (_RISCV64,),
}
"""Context layouts by architecture. Either arm64 layout may come under either architecture id."""


def read_context(blob: Window, arch: Arch) -> Context:
    """The registers in ``blob``.

    Only the bit that names the CPU is tested: Windows sets further bits (exception active, service active …).

    Raises:
        OutOfBoundsError: the blob is too short, or none of the architecture's kinds.
    """
    for layout in LAYOUTS.get(arch, ()):
        (flags,) = blob.unpack(layout.flags.code, layout.flags.offset)
        if flags & layout.cpu:
            return _registers(blob, arch, layout)
    raise OutOfBoundsError(f"{len(blob)} bytes are not the registers of {arch}")


def _registers(blob: Window, arch: Arch, layout: Layout) -> Context:
    registers: dict[str, int] = {}
    for row in layout.rows:
        registers.update(zip(row.names, blob.unpack(f"{len(row.names)}{row.code}", row.offset), strict=True))
    return Context(arch, registers, registers[layout.pc], registers[layout.sp])
