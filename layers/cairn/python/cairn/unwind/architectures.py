"""All architectures, by the names of :class:`~cairn.minidump.records.Arch`."""

from __future__ import annotations

from collections.abc import Mapping

from cairn.minidump.records import Arch
from cairn.unwind.amd64 import AMD64
from cairn.unwind.architecture import Architecture
from cairn.unwind.arm import ARM
from cairn.unwind.arm64 import ARM64
from cairn.unwind.mips import MIPS, MIPS64
from cairn.unwind.x86 import X86

_KNOWN: Mapping[Arch, Architecture] = {arch.name: arch for arch in (X86, AMD64, ARM, ARM64, MIPS, MIPS64)}


def architecture_of(name: Arch) -> Architecture:
    """The architecture called ``name``; of one that nobody taught the walker only unwind rules are followed."""
    return _KNOWN.get(name) or Architecture(
        name=name, pc="pc", sp="sp", adjustment=1, callee_saved=(), without_rules=lambda _view, _frame: None
    )
