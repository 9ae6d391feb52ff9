"""Machine code to instructions: the only door to Capstone.

Capstone is loaded when the first instruction is decoded (its import takes a tenth of a second). Without it nothing is
decoded and all else works.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cairn.crash.analysis.decode_arm import decode_arm
from cairn.crash.analysis.decode_arm64 import decode_arm64
from cairn.crash.analysis.decode_x86 import decode_x86
from cairn.crash.analysis.decoded import Decoded
from cairn.minidump.records import Arch

MAX_INSTRUCTION_SIZE = 16
"""Bytes that hold any instruction: x86 has up to 15."""

_MODES = {
    (Arch.X86, False): ("CS_ARCH_X86", "CS_MODE_32"),
    (Arch.AMD64, False): ("CS_ARCH_X86", "CS_MODE_64"),
    (Arch.ARM64, False): ("CS_ARCH_ARM64", "CS_MODE_ARM"),
    (Arch.ARM, False): ("CS_ARCH_ARM", "CS_MODE_ARM"),
    (Arch.ARM, True): ("CS_ARCH_ARM", "CS_MODE_THUMB"),
}


def decode(code: bytes, address: int, arch: Arch, *, thumb: bool = False) -> Decoded | None:
    """The instruction at the start of ``code``, which stands at ``address``.

    ``None`` for bytes that are no instruction, an architecture other than x86, amd64, arm and arm64, or no Capstone.
    """
    disassembler = _disassembler(arch, thumb and arch is Arch.ARM)
    if disassembler is None:
        return None
    instruction = next(disassembler.disasm(code[:MAX_INSTRUCTION_SIZE], address, 1), None)
    if instruction is None:
        return None
    if arch is Arch.ARM64:
        return decode_arm64(instruction)
    return decode_arm(instruction) if arch is Arch.ARM else decode_x86(instruction, arch)


@cache
def _disassembler(arch: Arch, thumb: bool) -> Any | None:
    try:
        import capstone
    except ImportError:
        return None
    if (arch, thumb) not in _MODES:
        return None
    family, mode = (getattr(capstone, name) for name in _MODES[arch, thumb])
    disassembler = capstone.Cs(family, mode)
    disassembler.detail = True
    return disassembler
