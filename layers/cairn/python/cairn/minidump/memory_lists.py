"""The memory that was saved, as views into the dump."""

from __future__ import annotations

from typing import Final

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.lists import counted_rows
from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.source import Source

MEMORY_LIST: Final = 5
MEMORY64_LIST: Final = 9
MAX_REGIONS: Final = 262_144
"""Breakpad stops at 4,096, which a full-memory dump passes easily."""
MEMORY64_HEADER: Final = 16


def region(source: Source, start: int, size: int, rva: int) -> MemoryRegion | None:
    """The region at ``rva``, shorter where the file ends too early; ``None`` if nothing of it is there."""
    data = source.file.data[rva : rva + size]
    if len(data) < size:
        source.problem(f"memory at {start:#x}: {len(data)} of {size} bytes are in the file")
    return MemoryRegion(start, data, source.file.big_endian) if data else None


def read_memory(source: Source) -> Memory:
    """All regions. A dump that has the 64-bit list has everything there."""
    if MEMORY64_LIST in source.streams:
        found = _memory64(source)
    else:
        rows = counted_rows(source, MEMORY_LIST, "QII", 16, MAX_REGIONS)
        found = [region(source, *row) for row in rows]
    return Memory.of(one for one in found if one is not None)


def _memory64(source: Source) -> list[MemoryRegion | None]:
    stream = source.stream(MEMORY64_LIST)
    if stream is None:
        raise OutOfBoundsError("the directory does not name it")
    count, rva = stream.unpack("QQ")
    taken = min(count, (len(stream) - MEMORY64_HEADER) // 16, MAX_REGIONS)
    if taken < count:
        source.problem(f"Memory64List: {count} regions announced, {taken} read")
    regions = []
    for start, size in stream.rows("QQ", MEMORY64_HEADER, taken, 16):
        regions.append(region(source, start, size, rva))
        rva += size
    return regions
