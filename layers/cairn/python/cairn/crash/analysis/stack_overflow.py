"""Stack overflow, also where the OS only says that memory was touched."""

from __future__ import annotations

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.records import OverflowEvidence, StackOverflow
from cairn.minidump.memory import Memory
from cairn.minidump.records import Context, MappedRange, Os

STATUS_STACK_OVERFLOW = 0xC00000FD
NEAR = 0x10000
"""Bytes between the fault and the stack pointer, or the end of the stack: the next frame, with its local variables."""


def reported_overflow(code: int, os: Os, context: Context | None) -> StackOverflow | None:
    """Windows says so itself."""
    if os is not Os.WINDOWS or code != STATUS_STACK_OVERFLOW:
        return None
    return StackOverflow(OverflowEvidence.REPORTED, context.sp if context else None)


def stack_overflow(address: int, context: Context, memory: Memory, mapped: AddressMap) -> StackOverflow | None:
    """Recognise an overflow in a memory fault at ``address``, on any OS.

    The stack pointer must be near the fault. Then a guard page tells, or a fault just below a writable mapping. With no
    mappings in the dump (Crashpad on Linux) a stack pointer outside all captured memory does: the writer found no stack
    there. With mappings the same thing is a stack pointer gone wild, and no overflow. So does a fault below what was
    captured around the stack pointer, when that stands at the very end of the stack: a stack that went on would not
    fault there.
    """
    sp = context.sp
    if sp < NEAR or abs(address - sp) > NEAR:
        return None
    evidence = _by_mappings(address, mapped) if mapped else _by_memory(address, sp, memory)
    return StackOverflow(evidence, sp) if evidence else None


def _by_memory(address: int, sp: int, memory: Memory) -> OverflowEvidence | None:
    captured = memory.region_at(sp)
    if captured is None:
        return OverflowEvidence.STACK_NOT_CAPTURED
    return OverflowEvidence.BELOW_STACK if address < captured.start else None


def _by_mappings(address: int, mapped: AddressMap) -> OverflowEvidence | None:
    hit = mapped.at(address)
    if hit is not None:
        above = mapped.at(hit.end)
        guarded = mapped.is_guard_page(address) and _is_stack(above)
        return OverflowEvidence.GUARD_PAGE if guarded else None
    above = mapped.next_above(address)
    below_stack = above is not None and above.start - address <= NEAR and _is_stack(above)
    return OverflowEvidence.BELOW_STACK if below_stack else None


def _is_stack(mapping: MappedRange | None) -> bool:
    """Writable memory of no file; ``[stack]`` and ``[stack:7]`` are names that Linux gives."""
    if mapping is None or "w" not in mapping.permissions:
        return False
    return not mapping.path or mapping.path.startswith(("[stack", "[anon"))
