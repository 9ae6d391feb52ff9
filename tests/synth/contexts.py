"""CPU contexts for synthetic dumps: where each architecture keeps its registers.

Written apart from the reader's own tables on purpose, so that a wrong offset in one of them shows.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_AMD64 = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)), "rip"]
_ARM = [*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "cpsr"]
_ARM64 = [*(f"x{n}" for n in range(29)), "fp", "lr", "sp", "pc"]
_MIPS = "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra"
_SPARC = [f"{window}{n}" for window in "goli" for n in range(8)]
_RISCV = "pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"


def _row(start: int, code: str, names: list[str]) -> dict[str, tuple[int, str]]:
    """Registers that lie one behind the other from ``start`` on."""
    width = struct.calcsize(code)
    return {name: (start + index * width, code) for index, name in enumerate(names)}


_X86 = {
    "gs": 0x8C, "fs": 0x90, "es": 0x94, "ds": 0x98, "edi": 0x9C, "esi": 0xA0, "ebx": 0xA4, "edx": 0xA8, "ecx": 0xAC,
    "eax": 0xB0, "ebp": 0xB4, "eip": 0xB8, "cs": 0xBC, "eflags": 0xC0, "esp": 0xC4, "ss": 0xC8,
}  # fmt: skip

LAYOUTS: dict[str, tuple[int, tuple[int, str, int], dict[str, tuple[int, str]]]] = {
    "x86": (716, (0, "I", 0x1007F), {name: (offset, "I") for name, offset in _X86.items()}),
    "amd64": (1232, (0x30, "I", 0x10001F), _row(0x78, "Q", _AMD64) | {"eflags": (0x44, "I")}),
    "arm": (368, (0, "I", 0x40000006), _row(0x4, "I", _ARM)),
    "arm64": (912, (0, "I", 0x40001F), _row(0x8, "Q", _ARM64) | {"cpsr": (0x4, "I")}),
    "arm64_old": (796, (0, "Q", 0x80000006), _row(0x8, "Q", _ARM64) | {"cpsr": (0x110, "I")}),
    "mips": (600, (0, "I", 0x40007), _row(0x8, "Q", _MIPS.split()) | {"pc": (0x138, "Q")}),
    "mips64": (600, (0, "I", 0x80007), _row(0x8, "Q", _MIPS.split()) | {"pc": (0x138, "Q")}),
    "ppc": (
        1004,
        (0, "I", 0x20000001),
        _row(0xC, "I", [f"r{n}" for n in range(32)]) | {"pc": (0x4, "I"), "cr": (0x8C, "I"), "lr": (0x94, "I")},
    ),
    "ppc64": (
        1160,
        (0, "Q", 0x01000001),
        _row(0x18, "Q", [f"r{n}" for n in range(32)]) | {"pc": (0x8, "Q"), "cr": (0x118, "Q"), "lr": (0x128, "Q")},
    ),
    "sparc": (576, (0, "I", 0x10000003), _row(0x8, "Q", _SPARC) | {"pc": (0x110, "Q"), "npc": (0x118, "Q")}),
    "riscv": (396, (0, "I", 0x00800001), _row(0x8, "I", _RISCV.split())),
    "riscv64": (528, (0, "I", 0x08000001), _row(0x8, "Q", _RISCV.split())),
}
"""Layout to (size of the blob, (offset, code and value of its flags), register to (offset, struct code))."""


def context(layout: str, registers: Mapping[str, int], *, big_endian: bool = False) -> bytes:
    """A context blob. ``layout`` is an ``Arch`` value, or ``arm64_old``; registers that are not named are zero."""
    order = ">" if big_endian else "<"
    size, (at, code, flags), places = LAYOUTS[layout]
    blob = bytearray(size)
    struct.pack_into(order + code, blob, at, flags)
    for name, value in registers.items():
        offset, width = places[name]
        struct.pack_into(order + width, blob, offset, value)
    return bytes(blob)
