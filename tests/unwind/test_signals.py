"""Crossing what a signal or an exception has put on the stack."""

from __future__ import annotations

import struct

import pytest

from cairn.minidump.records import Arch, Os
from cairn.unwind.frames import Trust
from tests.unwind.crashed import APP, LIBC, LINUX, STACK, WINDOWS, Machine, Rules, cfi, pcs, trusts

HANDLER, CULPRIT, MAIN, TRAMPOLINE = APP.base + 0x100, APP.base + 0x2000, APP.base + 0x3000, LIBC.base + 0x500
FRAME = STACK + 16
"""Where the saved context lies: above the handler's own 8 bytes and its return address."""


def blob(size: int, values: dict[int, bytes]) -> bytes:
    data = bytearray(size)
    for offset, value in values.items():
        data[offset : offset + len(value)] = value
    return bytes(data)


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def linux_amd64(sp: int, pc: int, segment: int = 0x33) -> bytes:
    """A ``ucontext``: r8 … r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags, segments, …, fpstate."""
    registers = u64(*range(108, 116), 7, 6, 5, 3, 2, 0, 1, sp, pc, 0x246, segment | 0x2B << 48)
    return blob(320, {40: registers, 224: u64(FRAME + 0x400)})


HANDLER_RULES = Rules({
    range(HANDLER, HANDLER + 64): cfi("rsp 16 +", ".cfa 8 - ^"),
    range(CULPRIT, CULPRIT + 1): cfi("rsp 8 +", ".cfa 8 - ^"),
    range(MAIN - 1, MAIN + 64): cfi("rsp 8 +"),
})  # fmt: skip


def test_linux_amd64() -> None:
    words: list[int | bytes] = [0, TRAMPOLINE, linux_amd64(sp=FRAME + 320, pc=CULPRIT), MAIN, 0]
    stack = LINUX.walk(words, {"rip": HANDLER}, HANDLER_RULES)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT, MAIN]
    assert trusts(stack) == ["context", "cfi", "context", "cfi"]
    trampoline, culprit = stack.frames[1:3]
    assert trampoline.lookup_address == TRAMPOLINE
    assert culprit.lookup_address == CULPRIT, "the first byte of a function: one less is another function"
    assert culprit.registers["rax"] == 0
    assert culprit.registers["r15"] == 115
    assert culprit.sp == FRAME + 320


def test_the_interrupted_code_may_be_a_call_to_nowhere() -> None:
    words: list[int | bytes] = [0, TRAMPOLINE, linux_amd64(sp=FRAME + 320, pc=0), MAIN, 0]
    assert pcs(LINUX.walk(words, {"rip": HANDLER}, HANDLER_RULES)) == [HANDLER, TRAMPOLINE, 0, MAIN]


@pytest.mark.parametrize(
    ("code", "crossed"), [("48c7c00f0000000f05", True), ("b80f0000000f05", True), ("90" * 9, False)]
)
def test_code_that_is_there_must_be_a_trampoline(code: str, crossed: bool) -> None:
    words: list[int | bytes] = [0, TRAMPOLINE, linux_amd64(sp=FRAME + 320, pc=CULPRIT), MAIN, 0]
    stack = LINUX.walk(words, {"rip": HANDLER}, HANDLER_RULES, code={TRAMPOLINE: bytes.fromhex(code)})
    assert (stack.frames[2].trust is Trust.CONTEXT) is crossed


def test_other_data_is_no_context() -> None:
    for context in (linux_amd64(FRAME + 320, CULPRIT, segment=0x10), linux_amd64(sp=FRAME - 8, pc=CULPRIT)):
        stack = LINUX.walk([0, TRAMPOLINE, context, MAIN, 0], {"rip": HANDLER}, HANDLER_RULES)
        assert Trust.CONTEXT not in [frame.trust for frame in stack.frames[1:]]


def test_a_signal_stack_elsewhere() -> None:
    other = 0x7F00_0000
    words: list[int | bytes] = [0, TRAMPOLINE, linux_amd64(sp=other, pc=CULPRIT)]
    stack = LINUX.walk(words, {"rip": HANDLER}, HANDLER_RULES, code={other: u64(MAIN, 0)})
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT, MAIN]


def test_linux_arm64() -> None:
    context = blob(0x300, {
        312: u64(*range(29), 0, 0, FRAME + 0x300, CULPRIT),
        592: u32(0x46508001, 0x210),
    })  # fmt: skip
    rules = Rules({range(HANDLER, HANDLER + 64): cfi("sp 16 +", ".cfa 8 - ^")})
    stack = Machine(Arch.ARM64, Os.LINUX, "pc", "sp").walk([0, TRAMPOLINE, context, 0], {"pc": HANDLER}, rules)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT]
    assert stack.frames[2].registers["x28"] == 28
    assert stack.frames[2].lookup_address == CULPRIT


def test_linux_x86() -> None:
    at = STACK + 8 + 12 + 128
    uc = 12 + 128
    handler_arguments = {0: u32(11, STACK + 20, at)}
    registers = {uc + 36: u32(1, 2, 3, at + 200, 5, 6, 7, 8), uc + 76: u32(CULPRIT, 0x23), uc + 92: u32(0x2B)}
    context = blob(400, handler_arguments | registers)
    rules = Rules({range(HANDLER, HANDLER + 64): cfi("esp 8 +", ".cfa 4 - ^")})
    stack = Machine(Arch.X86, Os.LINUX, "eip", "esp").walk([0, TRAMPOLINE, context], {"eip": HANDLER}, rules)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT]
    assert stack.frames[2].registers["eax"] == 8


def test_linux_arm() -> None:
    context = blob(400, {0: u32(11, 0, 1), 160: u32(*range(13), STACK + 408, 0, CULPRIT, 0x10)})
    rules = Rules({range(HANDLER, HANDLER + 64): cfi("sp 8 +", ".cfa 4 - ^")})
    stack = Machine(Arch.ARM, Os.LINUX, "pc", "sp").walk([0, TRAMPOLINE, context, 0], {"pc": HANDLER}, rules)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT]
    assert stack.frames[2].registers["r12"] == 12


def test_windows_amd64() -> None:
    context = blob(0x4D0, {
        0x30: u32(0x10001F),
        0x38: struct.pack("<6H", 0x33, 0x2B, 0x2B, 0x53, 0x2B, 0x2B),
        0x78: u64(100, 1, 2, 3, FRAME + 0x4D0, 5, 6, 7, *range(8, 16), CULPRIT),
    })  # fmt: skip
    stack = WINDOWS.walk([0, TRAMPOLINE, context, MAIN, 0], {"rip": HANDLER}, HANDLER_RULES)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT, MAIN]
    assert stack.frames[2].registers["rax"] == 100
    assert stack.frames[2].registers["rbx"] == 3


def test_windows_x86() -> None:
    at = STACK + 24
    context = blob(716, {0: u32(0x1003F), 0x9C: u32(1, 2, 3, 4, 5, 6, 7, CULPRIT, 0x23, 0, at + 716)})
    rules = Rules({range(HANDLER, HANDLER + 64): cfi("esp 8 +", ".cfa 4 - ^")})
    words: list[int | bytes] = [0, TRAMPOLINE, STACK, at, 0, 0, context, 0]
    stack = Machine(Arch.X86, Os.WINDOWS, "eip", "esp").walk(words, {"eip": HANDLER}, rules)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT]
    assert stack.frames[2].registers["edi"] == 1


def test_windows_arm64() -> None:
    context = blob(0x390, {0: u32(0x400007), 8: u64(*range(29), 0, 0, FRAME + 0x390, CULPRIT)})
    rules = Rules({range(HANDLER, HANDLER + 64): cfi("sp 16 +", ".cfa 8 - ^")})
    stack = Machine(Arch.ARM64, Os.WINDOWS, "pc", "sp").walk([0, TRAMPOLINE, context, 0], {"pc": HANDLER}, rules)
    assert pcs(stack) == [HANDLER, TRAMPOLINE, CULPRIT]
