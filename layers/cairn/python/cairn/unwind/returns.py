"""Whether a value found on a stack can be a return address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from cairn.minidump.memory import Memory
from cairn.minidump.records import MappedRange
from cairn.unwind.architecture import Architecture
from cairn.unwind.frames import UnwindRules
from cairn.unwind.limits import LOWEST_CODE_ADDRESS, MAX_RETURN_ADDRESS_CHECKS
from cairn.unwind.modules import ModuleMap


class ReturnAddresses:
    """The test for a return address: strict, and the cheap parts first.

    The address before the value must lie in a module, in memory that may be executed where the dump tells permissions,
    behind a call instruction where the dump holds the code, and in a function where the module has symbols. Only the
    last asks for symbols. Every value is tested once a dump.
    """

    def __init__(
        self,
        arch: Architecture,
        modules: ModuleMap,
        memory: Memory,
        rules: UnwindRules,
        mappings: tuple[MappedRange, ...],
    ) -> None:
        self._arch = arch
        self._modules = modules
        self._memory = memory
        self._rules = rules
        self._permissions = Permissions(mappings)
        self._follows_call: Callable[[bytes], bool] = arch.follows_call
        self._known: dict[int, bool] = {}

    def accept(self, value: int) -> bool:
        """Whether ``value`` can be a return address."""
        if not self._modules.lowest < value <= self._modules.end:
            return False
        known = self._known.get(value)
        if known is None:
            if len(self._known) >= MAX_RETURN_ADDRESS_CHECKS:
                return False
            known = self._known[value] = self._test(value)
        return known

    def may_be_code(self, address: int) -> bool:
        """Whether ``address`` can be one of code at all, in a module or (made at run time) outside."""
        code = address >= LOWEST_CODE_ADDRESS and self._arch.is_address(address)
        return code and self._permissions.may_execute(address)

    def _test(self, value: int) -> bool:
        lookup = self._arch.lookup_address(value)
        module = self._modules.at(lookup)
        if module is None or not self.may_be_code(lookup):
            return False
        return self._behind_call(value) and self._rules.has_function(module, lookup - module.base) is not False

    def _behind_call(self, value: int) -> bool:
        """False when the dump has the code before ``value`` and there is no call in it."""
        end = value & self._arch.code_mask
        code = self._memory.read(end - self._arch.longest_call, self._arch.longest_call)
        return code is None or self._follows_call(code)


class Permissions:
    """Which memory may be executed, as far as the dump says."""

    def __init__(self, mappings: Iterable[MappedRange]) -> None:
        self._mappings = sorted(mappings, key=lambda mapping: mapping.start)
        self._starts = [mapping.start for mapping in self._mappings]

    def may_execute(self, address: int) -> bool:
        """False only for memory that is known not to be executable."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._mappings[index].end:
            return True
        return "x" in self._mappings[index].permissions
