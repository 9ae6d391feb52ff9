"""x86: frame pointers, STACK WIN, scanning."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cairn.minidump.records import Arch, Os
from cairn.symbols.rules import WinRule
from cairn.unwind.frames import Stack, StackEnd
from tests.unwind.crashed import APP, LIBC, STACK, Machine, Rules, cfi, pcs, trusts

LINUX = Machine(Arch.X86, Os.LINUX, "eip", "esp")
WINDOWS = Machine(Arch.X86, Os.WINDOWS, "eip", "esp")
MAIN, HELPER, WAIT = APP.base + 0x1000, APP.base + 0x2000, LIBC.base + 0x400
JUST_IN_TIME = 0x3000_0000


def test_frame_pointers_end_at_a_return_address_of_zero() -> None:
    stack = LINUX.walk([0, STACK + 12, MAIN, STACK + 20, HELPER, 0, 0], {"eip": WAIT, "ebp": STACK + 4})
    assert pcs(stack) == [WAIT, MAIN, HELPER]
    assert trusts(stack) == ["context", "frame_pointer", "frame_pointer"]
    assert stack.frames[1].registers == {"eip": MAIN, "esp": STACK + 12, "ebp": STACK + 12}
    assert stack.end is StackEnd.OUTERMOST


def test_code_made_at_run_time_needs_a_chain_that_leads_on() -> None:
    words = [STACK + 8, JUST_IN_TIME, STACK + 16, MAIN, 0, 0]
    assert pcs(LINUX.walk(words, {"eip": WAIT, "ebp": STACK})) == [WAIT, JUST_IN_TIME, MAIN]
    assert pcs(LINUX.walk([5, JUST_IN_TIME, 0, MAIN], {"eip": WAIT, "ebp": STACK})) == [WAIT, MAIN]


def test_scanning_finds_the_frame_pointer_below_the_return_address() -> None:
    stack = LINUX.walk([0, 0, STACK + 16, MAIN, STACK + 24, HELPER, 0, 0], {"eip": WAIT, "ebp": 0})
    assert trusts(stack) == ["context", "scan", "frame_pointer"]
    assert pcs(stack) == [WAIT, MAIN, HELPER]


def win(program: str | None = None, **sizes: int) -> WinRule:
    fields = {"parameter_size": 0, "saved_register_size": 0, "local_size": 0, **sizes}
    return WinRule(
        kind=4 if program else 0,
        rva=0,
        code_size=64,
        prolog_size=0,
        epilog_size=0,
        max_stack_size=0,
        program=tuple(program.split()) if program else None,
        allocates_base_pointer=bool(fields.pop("base", 0)),
        **fields,
    )


def walk(rule: WinRule, words: Sequence[int], **registers: int) -> Stack:
    known = {"eip": WAIT, "ebp": STACK, **registers}
    return WINDOWS.walk(words, known, Rules({range(WAIT, WAIT + 64): rule}))


STANDARD = "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + = $L $T0 .cbSavedRegs - ="
SEARCH = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebx $T0 4 - ^ ="


def test_a_program_with_a_frame_pointer() -> None:
    stack = walk(win(STANDARD), [0, 0, STACK + 20, MAIN, 0, 0, 0], ebp=STACK + 8, ebx=3, edi=4)
    assert pcs(stack)[:2] == [WAIT, MAIN]
    assert trusts(stack)[1] == "cfi"
    assert stack.frames[1].registers == {"eip": MAIN, "esp": STACK + 16, "ebp": STACK + 20, "ebx": 3, "edi": 4}


def test_a_program_that_searches_the_return_address() -> None:
    stack = walk(win(SEARCH, local_size=4, saved_register_size=4), [1, 77, MAIN, 0], ebp=STACK + 12)
    assert stack.frames[1].registers == {"eip": MAIN, "esp": STACK + 12, "ebp": STACK + 12, "ebx": 77}


def test_the_return_address_may_lie_above_its_place_where_the_stack_was_aligned() -> None:
    stack = walk(win(SEARCH, local_size=4), [1, 0, 0, MAIN, 0], ebp=STACK + 16)
    assert pcs(stack)[1] == MAIN
    assert stack.frames[1].sp == STACK + 16
    assert trusts(stack)[1] == "cfi"


def test_farther_away_it_is_found_by_scanning() -> None:
    stack = walk(win(SEARCH, local_size=4), [1, 5000, 0, 0, 0, MAIN, 0], ebp=STACK + 24)
    assert pcs(stack)[1] == MAIN
    assert trusts(stack)[1] == "cfi_scan"


def test_assignments_may_be_glued_together() -> None:
    glued = "$eip .raSearch ^ =$esp .raSearch 4 + ="
    assert walk(win(glued), [MAIN, 0], ebp=STACK + 4).frames[1].registers["esp"] == STACK + 4


def test_an_aligned_frame_is_found_by_its_frame_pointer() -> None:
    program = "$T1 .raSearch = $T0 $T1 4 - 8 @ = $ebp $T1 4 - ^ = $eip $T1 ^ = $esp $T1 4 + ="
    stack = walk(win(program, local_size=400), [0, 0, STACK + 16, MAIN, 0, 0], ebp=STACK + 8)
    assert stack.frames[1].registers == {"eip": MAIN, "esp": STACK + 16, "ebp": STACK + 16}


@pytest.mark.parametrize(
    "program", ["$eip", "=", "$eip $eax = $esp 4 =", "$eip 1 ^ =", "1 2 =", "$esp $esp = $eip 1 =", "--5 x ="]
)
def test_a_program_that_fails_leaves_frame_pointers_and_scanning(program: str) -> None:
    stack = walk(win(program), [STACK + 12, MAIN, 0, 0, 0])
    assert trusts(stack)[:2] == ["context", "frame_pointer"]


def test_fpo_keeps_the_frame_pointer_or_restores_it() -> None:
    kept = walk(win(local_size=4, saved_register_size=4), [1, 2, MAIN, 0], ebp=STACK + 12)
    assert kept.frames[1].registers == {"eip": MAIN, "esp": STACK + 12, "ebp": STACK + 12}
    restored = walk(win(local_size=4, saved_register_size=8, base=1), [STACK + 16, 2, 3, MAIN, 0], ebp=99)
    assert restored.frames[1].registers["ebp"] == STACK + 16


def test_a_system_call_leaves_its_own_return_address_on_top() -> None:
    assert pcs(walk(win(), [WAIT, MAIN, 0], ebp=STACK + 8))[:2] == [WAIT, MAIN]


def test_parameters_of_the_callee_lie_below() -> None:
    callee, caller = win(parameter_size=8), win(local_size=4)
    rules = Rules({range(WAIT, WAIT + 64): callee, range(HELPER, HELPER + 64): caller})
    words = [HELPER + 4, 1, 2, 3, MAIN, 0]
    stack = WINDOWS.walk(words, {"eip": WAIT, "ebp": STACK + 20}, rules)
    assert pcs(stack)[:3] == [WAIT, HELPER + 4, MAIN]
    assert stack.frames[2].sp == STACK + 20


@pytest.mark.parametrize("saved", (0, 8))
def test_parameters_of_the_callee_lie_inside_where_the_caller_made_room_for_them(saved: int) -> None:
    """As LLVM does. Behind a saved register an old return address does not mislead; in a local variable it might."""
    callee, caller = win(parameter_size=8), win(SEARCH, local_size=12 - saved, saved_register_size=saved)
    rules = Rules({range(WAIT, WAIT + 64): callee, range(HELPER, HELPER + 64): caller})
    words = [HELPER + 4, 1, 2, 3, MAIN, 5, HELPER + 9 if saved else 6, 0]
    stack = WINDOWS.walk(words, {"eip": WAIT, "ebp": STACK + 20}, rules)
    assert pcs(stack)[:3] == [WAIT, HELPER + 4, MAIN]
    assert trusts(stack)[2] == "cfi"
    assert stack.frames[2].sp == STACK + 20


def test_the_stack_ends_where_neither_return_address_nor_frame_pointer_are_left() -> None:
    stack = walk(win(STANDARD), [0, 0, MAIN, 0], ebp=STACK)
    assert pcs(stack) == [WAIT]
    assert stack.end is StackEnd.OUTERMOST


def test_a_frame_pointer_that_leads_nowhere_is_looked_for_in_the_saved_registers() -> None:
    stack = walk(win(saved_register_size=8), [5, STACK + 16, MAIN, 0, 0, 0], ebp=99)
    assert stack.frames[1].registers["ebp"] == STACK + 16


def test_rules_of_other_systems() -> None:
    rules = Rules({range(WAIT, WAIT + 64): cfi("esp 8 +", ".cfa 4 - ^", ebx="esp ^")})
    stack = LINUX.walk([9, MAIN, 0], {"eip": WAIT, "ebx": 1, "esi": 2}, rules)
    assert stack.frames[1].registers == {"eip": MAIN, "esp": STACK + 8, "ebx": 9, "esi": 2}
