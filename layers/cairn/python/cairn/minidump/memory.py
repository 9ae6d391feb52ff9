"""The memory that a dump holds, by address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from cairn.minidump.distant import Data
from cairn.minidump.errors import OutOfBoundsError


class MemoryRegion(NamedTuple):
    """Bytes of the crashed process from ``start`` on. ``data`` is a view into the dump, never a copy."""

    start: int
    data: Data
    big_endian: bool = False

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.start + len(self.data)

    def read(self, address: int, size: int) -> bytes | None:
        """The ``size`` bytes at ``address``, or ``None`` unless the region holds all of them (or a distant dump
        has cost enough)."""
        offset = address - self.start
        if offset < 0 or size < 0 or offset + size > len(self.data):
            return None
        try:
            return bytes(self.data[offset : offset + size])
        except OutOfBoundsError:
            return None

    def read_int(self, address: int, size: int) -> int | None:
        """The unsigned number of ``size`` bytes at ``address``, in the dump's byte order."""
        raw = self.read(address, size)
        return None if raw is None else int.from_bytes(raw, "big" if self.big_endian else "little")


class Memory(NamedTuple):
    """All regions, sorted by start; of overlapping ones the last that starts at or below an address answers. ``starts``
    are theirs: use ``Memory.of``."""

    regions: tuple[MemoryRegion, ...] = ()
    starts: tuple[int, ...] = ()

    @classmethod
    def of(cls, regions: Iterable[MemoryRegion]) -> Memory:
        """Memory made of ``regions`` in any order."""
        ordered = tuple(sorted(regions, key=lambda region: region.start))
        return cls(ordered, tuple(region.start for region in ordered))

    def region_at(self, address: int) -> MemoryRegion | None:
        """The region that holds the byte at ``address``."""
        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        region = self.regions[index]
        return region if address < region.end else None

    def read(self, address: int, size: int) -> bytes | None:
        """``size`` bytes from ``address`` if one region holds them all."""
        region = self.region_at(address)
        return region.read(address, size) if region else None

    def read_int(self, address: int, size: int) -> int | None:
        """The unsigned number of ``size`` bytes at ``address``."""
        region = self.region_at(address)
        return region.read_int(address, size) if region else None
