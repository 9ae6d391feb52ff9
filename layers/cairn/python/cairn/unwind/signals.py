"""Frames that were not called but put on the stack: by a signal on Linux, by an exception on Windows.

The system saves the interrupted registers on the stack and lets the handler return into a trampoline, whose unwind
rules no compiler of symbol files can express. So a trampoline is recognised by what lies at its stack pointer: the
saved context, with the segment selectors, flags or magic numbers that the system always puts there. Where the dump
holds the trampoline's code, that is compared too. Layouts: ``rt_sigframe`` in ``arch/*/kernel/signal*.c`` of Linux,
``CONTEXT`` in Microsoft's ``winnt.h``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Registers
from cairn.unwind.process import Process, StackView


class SavedContext(NamedTuple):
    """How a system saves the registers of interrupted code: their offsets from the trampoline's stack pointer (or from
    where ``locate`` says the context is), ``word`` bytes each, and the test that tells a context from other data."""

    offsets: Mapping[str, int]
    genuine: Callable[[StackView, int], bool]
    codes: tuple[bytes, ...] = ()
    locate: Callable[[StackView, int], int | None] = lambda _, sp: sp


def saved_context(process: Process) -> SavedContext | None:
    """How the system of ``process`` saves what a signal or an exception interrupts, if that is known."""
    return _LAYOUTS.get(process.os, {}).get(process.arch.name)


def interrupted(layout: SavedContext, view: StackView, pc: int, sp: int) -> Registers | None:
    """The registers that a signal or an exception interrupted, if ``pc`` and ``sp`` are those of a trampoline."""
    at = layout.locate(view, sp)
    if at is None or not layout.genuine(view, at) or not _has_code(view, layout.codes, pc):
        return None
    values = {name: view.word(at + offset) for name, offset in layout.offsets.items()}
    known = {name: value for name, value in values.items() if value is not None}
    arch = view.process.arch
    return known if arch.pc in known and arch.sp in known else None


def _has_code(view: StackView, codes: tuple[bytes, ...], pc: int) -> bool:
    """Whether the trampoline's code is at ``pc``; also true when the dump does not hold that memory."""
    address = pc & view.process.arch.code_mask
    found = [view.process.memory.read(address, len(code)) for code in codes]
    return all(code is None for code in found) or any(code == have for code, have in zip(codes, found, strict=True))


def _low(view: StackView, address: int, bits: int) -> int | None:
    """The low ``bits`` of the word at ``address``."""
    word = view.word(address)
    return None if word is None else word & (1 << bits) - 1


def _linux_amd64(view: StackView, at: int) -> bool:
    """User code segment, and a pointer to the saved floating point state that lies above, or none."""
    if _low(view, at + 184, 16) != 0x33:
        return False
    fpstate = view.word(at + 224)
    return fpstate is not None and (fpstate == 0 or fpstate > at)


def _linux_x86(view: StackView, at: int) -> bool:
    """The segments of 32-bit programs, on 32-bit and 64-bit kernels."""
    return _low(view, at + 80, 16) in (0x73, 0x23) and _low(view, at + 92, 16) in (0x7B, 0x2B)


def _linux_x86_context(view: StackView, sp: int) -> int | None:
    """The context that the handler's third argument points to, right behind the second one's ``siginfo``."""
    info, context = view.word(sp + 4), view.word(sp + 8)
    return context if info is not None and context == info + 128 and info > sp else None


def _linux_arm64(view: StackView, at: int) -> bool:
    """The record of the floating point registers, always the first behind the general ones: magic and size."""
    return view.word(at + 592) == 0x210_4650_8001


def _linux_arm(view: StackView, at: int) -> bool:
    """A signal number without errno, no linked context, a processor in user mode, and code to go back to."""
    signal, pc = view.word(at), view.word(at + 220)
    stopped_in_code = pc is not None and view.process.modules.at(pc) is not None
    unlinked = view.word(at + 4) == 0 and view.word(at + 132) == 0
    return unlinked and stopped_in_code and signal is not None and 0 < signal <= 64 and _low(view, at + 224, 5) == 0x10


def _windows_amd64(view: StackView, at: int) -> bool:
    """Context flags for amd64 and the segments of 64-bit programs."""
    flags, segments = _low(view, at + 0x30, 32), _low(view, at + 0x40, 32)
    has_registers = flags is not None and flags & 0x0010_0003 == 0x0010_0003
    return has_registers and _low(view, at + 0x38, 16) == 0x33 and segments is not None and segments >> 16 == 0x2B


def _windows_x86(view: StackView, at: int) -> bool:
    """Context flags for x86 and a code segment of 32-bit programs, on 32-bit and 64-bit systems."""
    flags = view.word(at)
    return flags is not None and flags & 0x0001_0003 == 0x0001_0003 and _low(view, at + 0xBC, 16) in (0x1B, 0x23)


def _windows_arm64(view: StackView, at: int) -> bool:
    """Context flags for arm64, and code to go back to."""
    flags, pc = _low(view, at, 32), view.word(at + 0x108)
    has_registers = flags is not None and flags & 0x0FFF_0003 == 0x0040_0003
    return has_registers and pc is not None and view.process.modules.at(pc) is not None


def _row(first: int, word: int, *names: str) -> dict[str, int]:
    """The offsets of registers that lie side by side."""
    return {name: first + word * index for index, name in enumerate(names)}


_HIGH = tuple(f"r{number}" for number in range(8, 16))
_LINUX: Mapping[Arch, SavedContext] = {
    Arch.AMD64: SavedContext(
        offsets=_row(40, 8, *_HIGH, "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"),
        genuine=_linux_amd64,
        codes=(bytes.fromhex("48c7c00f0000000f05"), bytes.fromhex("b80f0000000f05")),
    ),
    Arch.X86: SavedContext(
        offsets=_row(36, 4, "edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax") | {"eip": 76},
        genuine=_linux_x86,
        codes=(bytes.fromhex("b8ad000000cd80"),),
        locate=_linux_x86_context,
    ),
    Arch.ARM64: SavedContext(
        offsets=_row(312, 8, *(f"x{number}" for number in range(29)), "fp", "lr", "sp", "pc"),
        genuine=_linux_arm64,
        codes=(bytes.fromhex("681180d2010000d4"),),
    ),
    Arch.ARM: SavedContext(
        offsets=_row(160, 4, *(f"r{number}" for number in range(13)), "sp", "lr", "pc"),
        genuine=_linux_arm,
    ),
}
_WINDOWS: Mapping[Arch, SavedContext] = {
    Arch.AMD64: SavedContext(
        offsets=_row(0x78, 8, "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *_HIGH, "rip"),
        genuine=_windows_amd64,
    ),
    Arch.X86: SavedContext(
        offsets=_row(0x9C, 4, "edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip") | {"esp": 0xC4},
        genuine=_windows_x86,
        locate=lambda view, sp: view.word(sp + 4),
    ),
    Arch.ARM64: SavedContext(
        offsets=_row(8, 8, *(f"x{number}" for number in range(29)), "fp", "lr", "sp", "pc"),
        genuine=_windows_arm64,
    ),
}
_LAYOUTS: Mapping[Os, Mapping[Arch, SavedContext]] = {Os.LINUX: _LINUX, Os.ANDROID: _LINUX, Os.WINDOWS: _WINDOWS}
