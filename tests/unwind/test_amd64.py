"""amd64: rules, frame pointers, leaf functions and scanning."""

from __future__ import annotations

from cairn.minidump.records import MappedRange
from cairn.unwind.frames import StackEnd, Trust
from tests.unwind.crashed import APP, LIBC, LINUX, MACOS, STACK, WINDOWS, Rules, cfi, pcs, trusts

MAIN, HELPER = APP.base + 0x1000, APP.base + 0x2000
FRAME_OF_16 = cfi("rsp 16 +", ".cfa 8 - ^")


def test_rules_lead_to_the_outermost_frame() -> None:
    rules = Rules({range(HELPER, HELPER + 64): FRAME_OF_16, range(MAIN, MAIN + 64): cfi("rsp 8 +")})
    stack = LINUX.walk([1, MAIN + 8, MAIN + 9], {"rip": HELPER + 4}, rules)
    assert pcs(stack) == [HELPER + 4, MAIN + 8]
    assert stack.end is StackEnd.OUTERMOST
    assert trusts(stack) == ["context", "cfi"]
    assert [frame.lookup_address for frame in stack.frames] == [HELPER + 4, MAIN + 7]
    assert stack.frames[1].sp == STACK + 16
    assert stack.frames[1].module == APP


def test_callee_saved_registers_are_forwarded_and_others_forgotten() -> None:
    rules = Rules({range(HELPER, HELPER + 64): cfi("rsp 24 +", ".cfa 8 - ^", rbx="rsp ^", r12=None)})
    stack = LINUX.walk([77, 0, MAIN], {"rip": HELPER, "rbx": 1, "rbp": 2, "r12": 3, "rax": 4}, rules)
    assert stack.frames[1].registers == {"rip": MAIN, "rsp": STACK + 24, "rbx": 77, "rbp": 2}


def test_a_register_that_cannot_be_read_is_unknown() -> None:
    rules = Rules({range(HELPER, HELPER + 64): cfi("rsp 16 +", ".cfa 8 - ^", rbx="rax ^")})
    stack = LINUX.walk([0, MAIN], {"rip": HELPER, "rbx": 1, "rax": 16}, rules)
    assert "rbx" not in stack.frames[1].registers


def test_return_address_zero_ends_the_stack() -> None:
    stack = LINUX.walk([0, 0, MAIN], {"rip": HELPER}, Rules({range(HELPER, HELPER + 64): FRAME_OF_16}))
    assert pcs(stack) == [HELPER]
    assert stack.end is StackEnd.OUTERMOST


def test_rules_that_give_nonsense_are_not_followed() -> None:
    rules = Rules({range(HELPER, HELPER + 64): cfi("rsp 8 -", "rsp 8 + ^")})
    stack = LINUX.walk([3, MAIN], {"rip": HELPER}, rules)
    assert pcs(stack) == [HELPER, MAIN]
    assert trusts(stack) == ["context", "scan"]


def test_frame_pointers() -> None:
    words = [0, 0, STACK + 40, MAIN, 0, 0, LIBC.base + 0x100]
    stack = LINUX.walk(words, {"rip": HELPER, "rbp": STACK + 16})
    assert pcs(stack)[:2] == [HELPER, MAIN]
    assert stack.frames[1].trust is Trust.FRAME_POINTER
    assert stack.frames[1].registers == {"rip": MAIN, "rsp": STACK + 32, "rbp": STACK + 40}


def test_the_chain_of_frame_pointers_ends_at_zero_on_macos_only() -> None:
    words = [STACK + 24, MAIN, 0, 0, LIBC.base + 0x100, 0, LIBC.base + 0x200]
    mac = MACOS.walk(words, {"rip": HELPER, "rbp": STACK})
    assert pcs(mac) == [HELPER, MAIN, LIBC.base + 0x100]
    assert mac.end is StackEnd.OUTERMOST
    linux = LINUX.walk(words, {"rip": HELPER, "rbp": STACK})
    assert pcs(linux) == [HELPER, MAIN, LIBC.base + 0x100, LIBC.base + 0x200]
    assert trusts(linux) == ["context", "frame_pointer", "scan", "scan"]


def test_windows_keeps_the_frame_pointer_inside_the_frame() -> None:
    words = [0, 0, 1, 2, STACK + 64, MAIN, 0, 0, 0, 0]
    stack = WINDOWS.walk(words, {"rip": HELPER, "rbp": STACK})
    assert pcs(stack) == [HELPER, MAIN]
    assert stack.frames[1].trust is Trust.FRAME_POINTER
    assert stack.frames[1].sp == STACK + 48


def test_a_leaf_on_windows_has_its_return_address_on_top() -> None:
    rules = Rules({range(MAIN, MAIN + 64): cfi("rsp 16 +", ".cfa 8 - ^")})
    stack = WINDOWS.walk([MAIN + 8, 0, 0], {"rip": HELPER, "rbx": 5}, rules)
    assert pcs(stack) == [HELPER, MAIN + 8]
    assert trusts(stack) == ["context", "leaf_return"]
    assert stack.frames[1].registers == {"rip": MAIN + 8, "rsp": STACK + 8, "rbx": 5}
    assert stack.end is StackEnd.OUTERMOST


def test_a_call_into_nothing_keeps_the_caller() -> None:
    words = [MAIN, STACK + 8, STACK + 32, LIBC.base + 0x100, 0]
    stack = LINUX.walk(words, {"rip": 0, "rbp": STACK + 16})
    assert pcs(stack) == [0, MAIN, LIBC.base + 0x100]
    assert trusts(stack) == ["context", "leaf_return", "frame_pointer"]


def test_a_call_into_data_of_a_module_keeps_the_caller() -> None:
    rules = Rules(functions={range(MAIN, MAIN + 64): "main"}, known=(APP,))
    words = [MAIN + 5, STACK + 8, STACK + 32, LIBC.base + 0x100, 0]
    stack = LINUX.walk(words, {"rip": APP.base + 0x8000, "rbp": STACK + 16}, rules)
    assert pcs(stack) == [APP.base + 0x8000, MAIN + 5, LIBC.base + 0x100]
    assert trusts(stack) == ["context", "leaf_return", "frame_pointer"]


def test_a_frame_pointer_to_anything_is_not_believed() -> None:
    words = [0, 0, STACK + 40, 0x2_0000_0000, 0, STACK + 56, 0x7FFF_0000, 0, 0]
    stack = LINUX.walk(words, {"rip": LIBC.base + 16, "rbp": STACK + 16})
    assert pcs(stack) == [LIBC.base + 16]


def test_frame_pointers_lead_through_code_made_at_run_time() -> None:
    words = [0, 0, STACK + 32, 0x2_0000_0000, STACK + 48, 0x2_0000_1000, STACK + 64, MAIN + 5, 0, 0]
    stack = LINUX.walk(words, {"rip": LIBC.base + 16, "rbp": STACK + 16})
    assert pcs(stack) == [LIBC.base + 16, 0x2_0000_0000, 0x2_0000_1000, MAIN + 5]
    assert trusts(stack)[1:] == ["frame_pointer"] * 3


def test_scanning_rejects_what_cannot_be_a_return_address() -> None:
    data = MappedRange(LIBC.base + 0x8000, LIBC.base + 0x9000, "r--")
    not_behind_call = LIBC.base + 0x2000
    without_name = APP.base + 0x3000
    rules = Rules(functions={range(MAIN, MAIN + 64): "main"}, known=(APP,))
    words = [0, 7, data.start + 8, not_behind_call, without_name, MAIN + 5]
    code = {not_behind_call - 16: bytes(16)}
    stack = LINUX.walk(words, {"rip": LIBC.base + 16}, rules, code=code, mappings=[data])
    assert pcs(stack) == [LIBC.base + 16, MAIN + 5]
    assert stack.frames[1].sp == STACK + 48
    assert rules.asked == [LIBC.base + 16, without_name - 1, MAIN + 4]


def test_scanning_goes_as_far_as_the_peers() -> None:
    words = [0] * 159 + [MAIN] + [0] * 39 + [MAIN + 1] + [0] * 40 + [MAIN + 2]
    stack = LINUX.walk(words, {"rip": HELPER})
    assert pcs(stack) == [HELPER, MAIN, MAIN + 1]
    assert stack.end is StackEnd.NO_CALLER


def test_scanning_keeps_a_frame_pointer_that_nobody_touched() -> None:
    words = [0, MAIN, 0, 0, STACK + 64, LIBC.base + 0x100, 0, 0, 0]
    rules = Rules({range(HELPER, HELPER + 64): cfi("rsp 16 +", ".cfa 8 - ^")})
    stack = LINUX.walk(words, {"rip": HELPER, "rbp": 5, "rsp": STACK}, rules)
    assert "rbp" in stack.frames[1].registers
    assert pcs(stack) == [HELPER, MAIN, LIBC.base + 0x100]
    unruly = LINUX.walk([*words, STACK + 32], {"rip": LIBC.base, "rbp": STACK + 56})
    assert trusts(unruly) == ["context", "scan", "scan"]
    assert unruly.frames[1].registers["rbp"] == STACK + 56
