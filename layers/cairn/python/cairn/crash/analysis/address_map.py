"""Which addresses were mapped, and with which permissions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from cairn.crash.analysis.records import Access
from cairn.minidump.records import MappedRange

GUARD_PAGE_LIMIT = 2 << 14
"""Guard pages are smaller than this many bytes (64 KiB pages with some room; the limit is rust-minidump's)."""


class AddressMap:
    """The mapped ranges of a process, by address. Without any range it knows nothing and says so."""

    def __init__(self, mappings: Iterable[MappedRange]) -> None:
        self._ranges = sorted((m for m in mappings if m.end > m.start), key=lambda mapping: mapping.start)
        self._starts = [mapping.start for mapping in self._ranges]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def at(self, address: int) -> MappedRange | None:
        """The range that holds ``address``; of overlapping ones the last that starts at or below it."""
        index = bisect_right(self._starts, address) - 1
        return self._ranges[index] if index >= 0 and address < self._ranges[index].end else None

    def next_above(self, address: int) -> MappedRange | None:
        """The first range that starts above ``address``."""
        index = bisect_right(self._starts, address)
        return self._ranges[index] if index < len(self._ranges) else None

    def permits(self, address: int, access: Access | None) -> bool:
        """Whether ``access`` is allowed at ``address``; for ``None``, whether any access is."""
        mapping = self.at(address)
        if mapping is None or not mapping.committed:
            return False
        if access is None:
            return is_accessible(mapping)
        return all(letter in mapping.permissions for letter in access.needs)

    def is_guard_page(self, address: int) -> bool:
        """Whether ``address`` lies in a small range without permissions that touches an accessible one."""
        mapping = self.at(address)
        if mapping is None or is_accessible(mapping) or mapping.end - mapping.start > GUARD_PAGE_LIMIT:
            return False
        below, above = self.at(mapping.start - 1), self.at(mapping.end)
        return any(neighbour is not None and is_accessible(neighbour) for neighbour in (below, above))


def is_accessible(mapping: MappedRange) -> bool:
    """Whether anything may be done there."""
    return mapping.committed and any(letter in mapping.permissions for letter in "rwx")
