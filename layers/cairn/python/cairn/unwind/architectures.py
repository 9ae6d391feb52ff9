"""All architectures, by the names of ``minidump.records.Arch``, and what each can do without unwind rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cairn.minidump.records import Arch
from cairn.unwind import amd64, arm, arm64, mips, x86
from cairn.unwind.architecture import Architecture, Step
from cairn.unwind.frames import Frame
from cairn.unwind.process import StackView

WithoutRules = Callable[[StackView, Frame], Step]
"""Finds the caller of a frame for which there is no rule."""

_KNOWN: Mapping[Arch, tuple[Architecture, WithoutRules]] = {
    Arch.X86: (x86.X86, x86.without_rules),
    Arch.AMD64: (amd64.AMD64, amd64.without_rules),
    Arch.ARM: (arm.ARM, arm.without_rules),
    Arch.ARM64: (arm64.ARM64, arm64.without_rules),
    Arch.MIPS: (mips.MIPS, mips.without_rules),
    Arch.MIPS64: (mips.MIPS64, mips.without_rules),
}


def architecture_of(name: Arch) -> Architecture:
    """The architecture called ``name``; of one that nobody taught the walker only the bare outlines."""
    return _known(name)[0]


def without_rules(name: Arch) -> WithoutRules:
    """What ``name`` has when rules end; one that nobody taught the walker has nothing."""
    return _known(name)[1]


def _known(name: Arch) -> tuple[Architecture, WithoutRules]:
    outlines = Architecture(name=name, pc="pc", sp="sp", adjustment=1, callee_saved=())
    return _KNOWN.get(name) or (outlines, lambda _view, _frame: None)
