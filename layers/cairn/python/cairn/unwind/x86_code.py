"""Call instructions of x86 and amd64."""

from __future__ import annotations

LONGEST_CALL = 7
"""Bytes of the longest call without prefixes that change nothing: opcode, ModRM, SIB and a 32-bit displacement."""


def follows_call(code: bytes) -> bool:
    """Whether ``code`` (``LONGEST_CALL`` bytes) ends in a near call: ``E8 rel32``, or ``FF /2`` in any of its forms."""
    if code[-5] == 0xE8:
        return True
    return any(code[-size] == 0xFF and _call_size(code[-size + 1 :]) == size for size in (2, 3, 4, 6, 7))


def _call_size(operand: bytes) -> int:
    """The size of the ``FF /2`` whose bytes after the opcode are ``operand``; 0 when it is another instruction."""
    modrm = operand[0]
    if modrm & 0x38 != 0x10:
        return 0
    mode, base = modrm >> 6, modrm & 7
    if mode == 3:
        return 2
    sib = base == 4
    displacement = {0: 4 if base == 5 else 0, 1: 1, 2: 4}[mode]
    if sib and mode == 0 and len(operand) > 1 and operand[1] & 7 == 5:
        displacement = 4
    return 2 + sib + displacement
