"""Stack overflow told from other memory faults."""

import pytest

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.records import OverflowEvidence
from cairn.crash.analysis.stack_overflow import reported_overflow, stack_overflow
from cairn.minidump.memory import Memory
from cairn.minidump.records import MappedRange, Os
from tests.crash.crashes import context, region

BOTTOM = 0x7F0000010000
STACK = MappedRange(BOTTOM, BOTTOM + 0x100000, "rw-")
GUARD = MappedRange(BOTTOM - 0x1000, BOTTOM, "---")
NOTHING = Memory()


def evidence(address: int, sp: int, memory: Memory = NOTHING, *mapped: MappedRange) -> OverflowEvidence | None:
    found = stack_overflow(address, context(sp=sp), memory, AddressMap(mapped))
    return found.evidence if found else None


def test_a_guard_page_below_the_stack() -> None:
    assert evidence(BOTTOM - 8, BOTTOM, NOTHING, GUARD, STACK) is OverflowEvidence.GUARD_PAGE
    assert evidence(BOTTOM - 0x900, BOTTOM - 0x800, NOTHING, GUARD, STACK) is OverflowEvidence.GUARD_PAGE


def test_a_guard_page_above_other_memory_is_no_stack() -> None:
    heap = MappedRange(BOTTOM - 0x9000, BOTTOM - 0x1000, "rw-")
    assert evidence(BOTTOM - 8, BOTTOM, NOTHING, heap, GUARD) is None


@pytest.mark.parametrize("path", [None, "[stack]", "[stack:7]", "[anon:stack_and_tls:7]"])
def test_just_below_the_stack(path: str | None) -> None:
    stack = MappedRange(STACK.start, STACK.end, "rw-", path)
    assert evidence(BOTTOM - 8, BOTTOM + 8, NOTHING, stack) is OverflowEvidence.BELOW_STACK


@pytest.mark.parametrize(
    ("address", "sp", "mapped"),
    [
        (BOTTOM - 0x20000, BOTTOM - 0x20000, STACK),  # far below
        (BOTTOM - 8, BOTTOM + 0x80000, STACK),  # with a stack pointer far above
        (BOTTOM - 8, BOTTOM, MappedRange(STACK.start, STACK.end, "r-x")),
        (BOTTOM - 8, BOTTOM, MappedRange(STACK.start, STACK.end, "rw-", "/usr/lib/libc.so.6")),
        (BOTTOM + 8, BOTTOM, STACK),  # inside
    ],
)
def test_not_the_end_of_a_stack(address: int, sp: int, mapped: MappedRange) -> None:
    assert evidence(address, sp, NOTHING, mapped) is None


def test_without_mappings_the_stack_is_missing_or_ends_above_the_fault() -> None:
    assert evidence(BOTTOM - 8, BOTTOM) is OverflowEvidence.STACK_NOT_CAPTURED
    captured = Memory.of([region(BOTTOM, bytes(64))])
    assert evidence(BOTTOM - 8, BOTTOM, captured) is OverflowEvidence.BELOW_STACK
    assert evidence(BOTTOM + 8, BOTTOM, captured) is None
    assert evidence(BOTTOM - 8, BOTTOM, Memory.of([region(BOTTOM - 128, bytes(256))])) is None
    assert evidence(0x10, BOTTOM) is None


def test_a_null_stack_pointer_is_no_overflow() -> None:
    assert evidence(0x10, 0x18) is None


def test_windows_says_so() -> None:
    found = reported_overflow(0xC00000FD, Os.WINDOWS, context(sp=5))
    assert found is not None
    assert (found.evidence, found.stack_pointer) == (OverflowEvidence.REPORTED, 5)
    assert reported_overflow(0xC00000FD, Os.LINUX, None) is None
    assert reported_overflow(0xC0000005, Os.WINDOWS, None) is None
