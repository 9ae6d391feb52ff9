"""arm and mips: rules, iOS frame pointers, scanning."""

from __future__ import annotations

from cairn.minidump.records import Arch, Os
from cairn.unwind.frames import StackEnd
from tests.unwind.crashed import APP, LIBC, STACK, Machine, Rules, cfi, pcs, trusts

ANDROID = Machine(Arch.ARM, Os.ANDROID, "pc", "sp")
IOS = Machine(Arch.ARM, Os.IOS, "pc", "sp")
MIPS = Machine(Arch.MIPS, Os.LINUX, "pc", "sp")
MIPS64 = Machine(Arch.MIPS64, Os.LINUX, "pc", "sp")
MAIN, HELPER, WAIT = APP.base + 0x1000, APP.base + 0x2000, LIBC.base + 0x400
THUMB = 1


def test_thumb_code_is_looked_up_inside_its_call() -> None:
    rules = Rules({range(WAIT, WAIT + 8): cfi("sp 8 +", ".cfa 4 - ^", r11=".cfa 8 - ^")})
    stack = ANDROID.walk([7, MAIN | THUMB], {"pc": WAIT, "r4": 4, "r11": 11, "r3": 3}, rules)
    assert trusts(stack) == ["context", "cfi"]
    assert stack.frames[1].pc == MAIN | THUMB
    assert stack.frames[1].lookup_address == MAIN - 2
    assert stack.frames[1].registers == {"pc": MAIN | THUMB, "sp": STACK + 8, "r4": 4, "r11": 7}


def test_the_link_register_of_a_leaf_leaves_the_stack_pointer_alone() -> None:
    rules = Rules({range(WAIT, WAIT + 8): cfi("sp", "lr"), range(MAIN - 2, MAIN + 8): cfi("sp 4 +")})
    stack = ANDROID.walk([0], {"pc": WAIT, "lr": MAIN}, rules)
    assert pcs(stack) == [WAIT, MAIN]
    assert stack.end is StackEnd.OUTERMOST


def test_frame_pointers_are_for_ios() -> None:
    words = [0, STACK + 12, MAIN | THUMB, 0, HELPER, 0]
    ios = IOS.walk(words, {"pc": WAIT, "r7": STACK + 4})
    assert pcs(ios) == [WAIT, MAIN | THUMB, HELPER]
    assert trusts(ios) == ["context", "frame_pointer", "frame_pointer"]
    assert ios.end is StackEnd.OUTERMOST
    assert trusts(ANDROID.walk(words, {"pc": WAIT, "r7": STACK + 4})) == ["context", "scan", "scan"]


def test_mips_skips_the_words_for_arguments() -> None:
    words = [0, MAIN, HELPER, HELPER, HELPER, HELPER, MAIN + 64]
    assert pcs(MIPS.walk(words, {"pc": WAIT})) == [WAIT, MAIN, MAIN + 64]
    assert pcs(MIPS64.walk(words, {"pc": WAIT})) == [WAIT, MAIN, *[HELPER] * 4, MAIN + 64]


def test_mips_scans_a_kilobyte() -> None:
    assert pcs(MIPS.walk([0] * 255 + [MAIN], {"pc": WAIT})) == [WAIT, MAIN]
    assert pcs(MIPS.walk([0] * 256 + [MAIN], {"pc": WAIT})) == [WAIT]


def test_mips_rules() -> None:
    rules = Rules({range(WAIT, WAIT + 8): cfi("sp 32 +", ".cfa 4 - ^", s0=".cfa 8 - ^")})
    stack = MIPS.walk([0] * 6 + [77, MAIN], {"pc": WAIT, "s1": 1, "gp": 2, "t0": 3}, rules)
    assert stack.frames[1].registers == {"pc": MAIN, "sp": STACK + 32, "s0": 77, "s1": 1, "gp": 2}
    assert stack.frames[1].lookup_address == MAIN - 8
