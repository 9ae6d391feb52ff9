"""Which module an address belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from cairn.minidump.records import Module

Segment = tuple[int, int, Module]
"""First address, first address behind, and the module that owns what lies between."""


class ModuleMap:
    """The modules of a process by address.

    A module of size 0 is left out. Where two overlap, the one that starts later owns its own range and the other one
    keeps what lies around it: a module's range reaches from its first to its last mapping, so what was mapped into a
    gap of it truly lies there. Of two modules with the same range the first in the dump counts.
    """

    def __init__(self, modules: Iterable[Module]) -> None:
        self._segments = tuple(_segments(modules))
        self._starts = [start for start, _, _ in self._segments]
        self.lowest = self._starts[0] if self._starts else 0
        self.end = self._segments[-1][1] if self._segments else 0
        """The first address behind all modules; none lies below ``lowest``."""

    def at(self, address: int) -> Module | None:
        """The module that owns ``address``."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        _, end, module = self._segments[index]
        return module if address < end else None


def _segments(modules: Iterable[Module]) -> Iterator[Segment]:
    """The ranges without overlap, by address."""
    numbered = [(module.base, -module.size, -index, module) for index, module in enumerate(modules) if module.size > 0]
    numbered.sort(key=lambda entry: entry[:3])
    enclosing: list[Module] = []
    position = 0
    for base, _, _, module in numbered:
        yield from _close(enclosing, position, base)
        position = base
        enclosing.append(module)
    yield from _close(enclosing, position, None)


def _close(enclosing: list[Module], position: int, until: int | None) -> Iterator[Segment]:
    """What the open modules own from ``position`` up to ``until``, the innermost first; drops those that end there."""
    while enclosing:
        innermost = enclosing[-1]
        end = innermost.end if until is None else min(innermost.end, until)
        if end > position:
            yield position, end, innermost
            position = end
        if until is not None and innermost.end > until:
            return
        enclosing.pop()
