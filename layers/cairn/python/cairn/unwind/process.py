"""The crashed process as a walk sees it: what all threads share, and one thread's stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Any, NamedTuple

from cairn.minidump.distant import Data, unpack_at
from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.memory import MemoryRegion
from cairn.minidump.records import Minidump, Module
from cairn.symbols.rules import CfiRule, WinRule
from cairn.unwind.architecture import Architecture
from cairn.unwind.cfi import CfiProgram, compile_rule
from cairn.unwind.frames import Frame, UnwindRules
from cairn.unwind.limits import MAX_DUMP_SCANNED_WORDS, MAX_SCANNED_WORDS
from cairn.unwind.modules import ModuleMap
from cairn.unwind.returns import ReturnAddresses

USER_SPACE_BITS = 47
"""Bits in an address of a program on a 64-bit system, if its modules do not show that there are more."""


class Site(NamedTuple):
    """What is known of an address: its module, and the rule to unwind from there."""

    module: Module | None
    rule: CfiProgram | WinRule | None


class Process:
    """What the walks of one dump share: modules, memory, rules, the look-ups made so far, what may still be spent."""

    def __init__(self, dump: Minidump, arch: Architecture, rules: UnwindRules) -> None:
        modules = ModuleMap(dump.modules)
        self.arch = arch
        self.os = dump.system.os
        self.modules = modules
        self.memory = dump.memory
        self.rules = rules
        self.returns = ReturnAddresses(arch, modules, dump.memory, rules, dump.mappings)
        bits = max(USER_SPACE_BITS, (modules.end - 1).bit_length())
        self.address_mask = (1 << bits) - 1 if arch.signed else -1
        """The bits of a pointer that are its address; above lie authentication codes and tags (arm64)."""
        self.words_to_scan = MAX_DUMP_SCANNED_WORDS
        self._sites: dict[int, Site] = {}
        self._programs: dict[int, tuple[CfiRule, CfiProgram]] = {}

    def site(self, address: int) -> Site:
        """What is known of ``address``. Every address is looked up once a dump."""
        site = self._sites.get(address)
        if site is None:
            site = self._sites[address] = self._look_up(address)
        return site

    def unknown(self, frames: Iterable[Frame]) -> list[tuple[Module, int]]:
        """The modules and offsets of ``frames`` that were not looked up yet."""
        new = {frame.lookup_address: frame.module for frame in frames if frame.lookup_address not in self._sites}
        return [(module, address - module.base) for address, module in new.items() if module]

    def _look_up(self, address: int) -> Site:
        module = self.modules.at(address)
        rule = self.rules.rule_at(module, address - module.base) if module else None
        return Site(module, self._compiled(rule) if isinstance(rule, CfiRule) else rule)

    def _compiled(self, rule: CfiRule) -> CfiProgram:
        """The program of ``rule``, made once for each object: a symbol file shares few rules among many addresses."""
        known = self._programs.get(id(rule))
        if known is None:
            known = self._programs[id(rule)] = (rule, compile_rule(rule, self.arch))
        return known[1]


class StackView:
    """The stack of a thread: the region that its stack pointer is in, and the process around it."""

    def __init__(self, process: Process, region: MemoryRegion) -> None:
        self.process = process
        self.start = region.start
        self.end = region.end
        self.word_size = process.arch.pointer_size
        self._data = region.data
        self._order = ">" if region.big_endian else "<"
        self._code = "Q" if self.word_size == 8 else "I"
        self._word = Struct(self._order + self._code)
        self._unpack: Callable[[Any, int], tuple[Any, ...]] = (
            self._word.unpack_from if isinstance(region.data, memoryview) else self._fetch
        )
        self._last = len(region.data) - self.word_size
        self.words_to_scan = MAX_SCANNED_WORDS

    def holds(self, address: int) -> bool:
        """Whether ``address`` lies in the stack."""
        return self.start <= address < self.end

    def word(self, address: int) -> int | None:
        """The machine word at ``address`` of the stack."""
        offset = address - self.start
        if not 0 <= offset <= self._last:
            return None
        value: int | None = self._unpack(self._data, offset)[0]
        return value

    def read(self, address: int) -> int | None:
        """The machine word at ``address``, on the stack or wherever else the dump has memory."""
        offset = address - self.start
        if 0 <= offset <= self._last:
            value: int | None = self._unpack(self._data, offset)[0]
            return value
        return self.process.memory.read_int(address, self.word_size)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Up to ``count`` machine words from ``address`` on; fewer where the stack ends."""
        offset = address - self.start
        count = min(count, (self.end - address) // self.word_size)
        if offset < 0 or count <= 0:
            return ()
        return self._words(Struct(f"{self._order}{count}{self._code}"), offset)

    def _words(self, layout: Struct, offset: int) -> tuple[int, ...]:
        """The words at an offset; none where a distant dump has cost enough."""
        try:
            return unpack_at(layout, self._data, offset)
        except OutOfBoundsError:
            return ()

    def _fetch(self, _data: Data, offset: int) -> tuple[int | None, ...]:
        """The one word at an offset of a distant stack."""
        return self._words(self._word, offset) or (None,)
