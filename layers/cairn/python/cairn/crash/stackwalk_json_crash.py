"""``crash_info`` of the stackwalk JSON: reason, address, and what the crashing instruction tells."""

from __future__ import annotations

from typing import Any

from cairn.crash.analysis.records import BitFlip, Instruction, MemoryAccess, Pointer, PointerKind
from cairn.crash.records import Crash


def hexadecimal(value: int, width: int) -> str:
    """``value`` as ``0x…`` of ``width`` digits; what is negative, or wider, wraps as it does in the CPU."""
    return f"0x{value & ((1 << 4 * width) - 1):0{width}x}"


def crash_info(crash: Crash, index: int | None, width: int) -> dict[str, Any]:
    """All keys of the schema; ``None`` where nothing was found. ``index`` is the crashing thread's place."""
    reason, facts = crash.reason, crash.facts
    return {
        "type": reason.text if reason else None,
        "address": hexadecimal(reason.address, width) if reason else None,
        "adjusted_address": _adjusted(facts.pointer, width) if facts.pointer else None,
        "instruction": facts.instruction.text if facts.instruction else None,
        "memory_accesses": _accesses(facts.instruction, width),
        "instruction_pointer_update": _target(facts.instruction, width),
        "possible_bit_flips": [_bit_flip(flip, width) for flip in facts.bit_flips] or None,
        "crash_inconsistencies": [found.value for found in facts.inconsistencies] if reason else None,
        "crashing_thread": index,
        "assertion": facts.assertion,
    }


def _adjusted(pointer: Pointer, width: int) -> dict[str, Any]:
    if pointer.kind is PointerKind.NULL:
        return {"kind": pointer.kind.value, "offset": hexadecimal(pointer.offset, width)}
    return {"kind": pointer.kind.value, "address": hexadecimal(pointer.address, width)}


def _accesses(instruction: Instruction | None, width: int) -> list[dict[str, Any]] | None:
    if instruction is None or instruction.accesses is None:
        return None
    return [_access(access, width) for access in instruction.accesses]


def _access(access: MemoryAccess, width: int) -> dict[str, Any]:
    said = {"address": hexadecimal(access.address, width), "size": access.size, "access_type": access.access.value}
    return said | ({"is_likely_guard_page": True} if access.guard_page else {})


def _target(instruction: Instruction | None, width: int) -> dict[str, Any] | None:
    if instruction is None or instruction.target is None:
        return None
    return {"address": hexadecimal(instruction.target, width)}


def _bit_flip(flip: BitFlip, width: int) -> dict[str, Any]:
    return {
        "address": hexadecimal(flip.address, width),
        "confidence": flip.confidence,
        "source_register": flip.register,
    }
