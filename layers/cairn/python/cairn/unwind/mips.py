"""mips: no frame pointers to follow, so rules or scanning."""

from __future__ import annotations

from cairn.minidump.records import Arch
from cairn.unwind.architecture import Architecture, Step
from cairn.unwind.frames import Frame, Trust
from cairn.unwind.process import StackView
from cairn.unwind.scan import by_scan

SCANNED_BYTES = 1024
ARGUMENT_WORDS = 4
"""Words that a caller of the 32-bit ABI leaves at its stack pointer for the callee's arguments."""


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller by scanning."""
    size = view.word_size
    skipped = 0 if size == 8 or frame.trust is Trust.CONTEXT else ARGUMENT_WORDS * size
    return by_scan(view, frame, start=frame.sp + skipped, count=(SCANNED_BYTES - skipped) // size)


def _mips(name: Arch) -> Architecture:
    return Architecture(
        name=name,
        pc="pc",
        sp="sp",
        adjustment=8,
        callee_saved=(*(f"s{number}" for number in range(8)), "gp", "fp"),
        link_register="ra",
        address_bits=name.pointer_size * 8,
    )


MIPS, MIPS64 = _mips(Arch.MIPS), _mips(Arch.MIPS64)
