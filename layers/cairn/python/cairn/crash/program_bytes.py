"""Bytes of the crashed program's files, for what the dump does not hold."""

from __future__ import annotations

from collections.abc import Sequence

from cairn.crash.symbolication import Symbolicator
from cairn.minidump.records import Module
from cairn.unwind.modules import ModuleMap

MAX_READS = 16
"""Reads of files for one crash. One instruction takes one, a C++ exception of Windows one to three; each is a request
where files are far away."""


class ProgramBytes:
    """Reads modules' own files by address (an ``analysis.instruction.CodeBytes``)."""

    def __init__(self, modules: Sequence[Module], symbolicator: Symbolicator) -> None:
        self._modules = ModuleMap(modules)
        self._symbolicator = symbolicator
        self._left = MAX_READS

    def __call__(self, address: int, size: int) -> bytes | None:
        """Up to ``size`` bytes at ``address``; ``None`` where no file has any, or too much was asked for."""
        module = self._modules.at(address)
        code = self._symbolicator.code(module) if module and self._left > 0 else None
        if module is None or code is None:
            return None
        before = code.reads
        data = code.read(address - module.base, size)
        self._left -= code.reads - before
        return data
