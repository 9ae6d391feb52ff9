"""arm: frame pointers on iOS only, scanning elsewhere. Bit 0 of a code address says that the code is Thumb."""

from __future__ import annotations

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Architecture, Caller, Step
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn.unwind.process import StackView
from cairn.unwind.scan import by_scan

WORD = 4


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller by the frame pointer, or by scanning."""
    return by_frame_pointer(view, frame) or by_scan(view, frame, fp="r11")


def by_frame_pointer(view: StackView, frame: Frame) -> Step:
    """The caller by the pair of saved ``r7`` and return address; only Apple's ABI keeps such a chain."""
    fp = frame.registers.get("r7")
    if view.process.os is not Os.IOS or fp is None:
        return None
    if fp == 0:
        return StackEnd.OUTERMOST
    saved, pc = view.word(fp), view.word(fp + WORD)
    if saved is None or pc is None:
        return None
    if pc == 0:
        return StackEnd.OUTERMOST
    return Caller({"pc": pc, "sp": fp + 2 * WORD, "r7": saved}, Trust.FRAME_POINTER)


ARM = Architecture(
    name=Arch.ARM,
    pc="pc",
    sp="sp",
    adjustment=2,
    callee_saved=("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"),
    aliases={"fp": "r11", "ip": "r12", "r13": "sp", "r14": "lr", "r15": "pc"},
    link_register="lr",
    code_mask=~1,
    address_bits=32,
)
