"""Values of registers by the assembler's names, halves and aliases included."""

from __future__ import annotations

import re

from cairn.minidump.records import Arch, Context

_LOW_BYTES = {"al": "ax", "bl": "bx", "cl": "cx", "dl": "dx", "sil": "si", "dil": "di", "bpl": "bp", "spl": "sp"}
_HIGH_BYTES = {"ah": "ax", "bh": "bx", "ch": "cx", "dh": "dx"}
_X86_WORDS = frozenset(_LOW_BYTES.values())
_NUMBERED = re.compile(r"(r\d{1,2})([dwb])")
_NUMBERED_MASKS = {"d": 0xFFFFFFFF, "w": 0xFFFF, "b": 0xFF}
_ARM_ALIASES = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12", "r13": "sp", "r14": "lr", "r15": "pc"}
_ARM64_ALIASES = {"x29": "fp", "x30": "lr", "wsp": "sp"}


def register_value(name: str, context: Context) -> int | None:
    """What ``name`` held, cut to its width; ``None`` for a register that the context does not have."""
    if name in context.registers:
        return context.registers[name]
    match context.arch:
        case Arch.X86 | Arch.AMD64:
            return _x86(name, context)
        case Arch.ARM64:
            return _arm64(name, context)
        case Arch.ARM:
            return context.registers.get(_ARM_ALIASES.get(name, name))
    return None


def _x86(name: str, context: Context) -> int | None:
    full = "r" if context.arch is Arch.AMD64 else "e"
    source, shift, mask = name, 0, 0xFFFFFFFFFFFFFFFF
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        source, mask = numbered[1], _NUMBERED_MASKS[numbered[2]]
    elif name in _LOW_BYTES:
        source, mask = full + _LOW_BYTES[name], 0xFF
    elif name in _HIGH_BYTES:
        source, shift, mask = full + _HIGH_BYTES[name], 8, 0xFF
    elif name in _X86_WORDS:
        source, mask = full + name, 0xFFFF
    elif name[:1] == "e" and name[1:] in _X86_WORDS:
        source, mask = full + name[1:], 0xFFFFFFFF
    elif name in ("riz", "eiz"):  # Capstone's "no index"
        return 0
    value = context.registers.get(source)
    return None if value is None else value >> shift & mask


def _arm64(name: str, context: Context) -> int | None:
    if name in ("xzr", "wzr"):
        return 0
    narrow = name.startswith("w")
    wide = _ARM64_ALIASES.get(name) or (f"x{name[1:]}" if narrow else name)
    value = context.registers.get(_ARM64_ALIASES.get(wide, wide))
    return value & 0xFFFFFFFF if narrow and value is not None else value
