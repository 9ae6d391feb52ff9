"""arm64: frame records, the link register of leaves, pointer authentication."""

from __future__ import annotations

from dataclasses import dataclass

from cairn.minidump.records import Arch, Module, Os
from cairn.unwind.frames import StackEnd
from tests.unwind.crashed import APP, LIBC, STACK, Machine, Rules, cfi, pcs, trusts

ANDROID = Machine(Arch.ARM64, Os.ANDROID, "pc", "sp")
MAIN, HELPER, WAIT = APP.base + 0x1000, APP.base + 0x8000, LIBC.base + 0x400
SIGNED = 0x00C4_0000_0000_0000
RECORDS = [STACK + 32, MAIN, 0, 0, 0, 0]
"""The record of the function that called (or is) the top one: its caller is MAIN, and MAIN's is nobody."""


def test_frame_records_end_at_zero() -> None:
    stack = ANDROID.walk(RECORDS, {"pc": HELPER, "fp": STACK, "lr": MAIN})
    assert pcs(stack) == [HELPER, MAIN]
    assert trusts(stack) == ["context", "frame_pointer"]
    assert stack.frames[1].lookup_address == MAIN - 4
    assert stack.end is StackEnd.OUTERMOST


def test_the_caller_of_a_leaf_is_in_the_link_register() -> None:
    stack = ANDROID.walk(RECORDS, {"pc": WAIT, "fp": STACK, "lr": HELPER, "x19": 5})
    assert pcs(stack) == [WAIT, HELPER, MAIN]
    assert trusts(stack) == ["context", "leaf_return", "frame_pointer"]
    assert stack.frames[1].registers == {"pc": HELPER, "sp": STACK, "fp": STACK, "x19": 5}


def test_a_stale_link_register_is_not_shown() -> None:
    stack = ANDROID.walk(RECORDS, {"pc": HELPER, "fp": STACK, "lr": HELPER - 0x40})
    assert pcs(stack) == [HELPER, MAIN]


@dataclass
class Named(Rules):
    """Rules that know where functions start: every ``size`` bytes."""

    size: int = 0x100

    def function_start(self, module: Module, offset: int) -> int | None:
        return offset - offset % self.size


def test_functions_tell_a_stale_link_register_from_a_near_caller() -> None:
    registers = {"pc": HELPER + 0x80, "fp": STACK, "lr": HELPER - 0x10}
    assert pcs(ANDROID.walk(RECORDS, registers, Named())) == [HELPER + 0x80, HELPER - 0x10, MAIN]
    assert pcs(ANDROID.walk(RECORDS, registers, Named(size=0x10000))) == [HELPER + 0x80, MAIN]


def test_rules_decide_where_there_are_some() -> None:
    rules = Rules({range(HELPER, HELPER + 64): cfi("sp 16 +", ".cfa 8 - ^", x29=".cfa 16 - ^")})
    stack = ANDROID.walk([STACK + 32, MAIN, 0, 0, 0, 0], {"pc": HELPER, "fp": 1, "lr": WAIT}, rules)
    assert pcs(stack) == [HELPER, MAIN]
    assert trusts(stack) == ["context", "cfi"]


def test_a_leaf_with_rules_keeps_the_stack_pointer() -> None:
    rules = Rules({range(WAIT, WAIT + 64): cfi("sp", "x30"), range(MAIN, MAIN + 64): cfi("sp", "x30")})
    stack = ANDROID.walk(RECORDS, {"pc": WAIT, "fp": STACK, "lr": MAIN + 4}, rules)
    assert pcs(stack) == [WAIT, MAIN + 4, MAIN]
    assert trusts(stack) == ["context", "cfi", "frame_pointer"]


def test_pointer_authentication_is_stripped() -> None:
    words = [STACK + 16 | SIGNED, MAIN | SIGNED, 0, 0, 0]
    stack = ANDROID.walk(words, {"pc": WAIT, "fp": STACK | SIGNED, "lr": HELPER})
    assert pcs(stack) == [WAIT, HELPER, MAIN]
    rules = Rules({range(WAIT, WAIT + 64): cfi("sp 16 +", ".cfa 8 - ^", x29=".cfa 16 - ^")})
    (_, caller, *_) = ANDROID.walk(words, {"pc": WAIT}, rules).frames
    assert (caller.pc, caller.registers["fp"]) == (MAIN, STACK + 16)


def test_a_call_that_went_astray_keeps_its_caller() -> None:
    assert pcs(ANDROID.walk(RECORDS, {"pc": 0, "fp": STACK, "lr": HELPER})) == [0, HELPER, MAIN]


def test_scanning_where_the_frame_pointer_is_lost() -> None:
    stack = ANDROID.walk([0, HELPER, 0, 0], {"pc": WAIT, "fp": 12345})
    assert pcs(stack) == [WAIT, HELPER]
    assert trusts(stack) == ["context", "scan"]
