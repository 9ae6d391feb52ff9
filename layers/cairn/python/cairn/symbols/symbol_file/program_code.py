"""Code and read-only data of a module, from the program's own file: most dumps hold neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

from cairn.symbols.ranges.blob import Blob
from cairn.symbols.records import Segment

BLOCK = 16 * 1024
"""Bytes that are read around what is wanted: an instruction takes one read, and throw information refers to its
neighbours."""

KEPT_BLOCKS = 16
"""Blocks kept of each program."""


class ProgramCode:
    """A program's file, read by the addresses it is loaded at. False where there is no code in it.

    ``open_file`` is called once, when something is first read, and answers ``None`` where the file is not to be had.
    ``reads`` counts what was asked of the file.
    """

    def __init__(self, segments: Sequence[Segment], open_file: Callable[[], Blob | None]) -> None:
        self._segments = segments
        self._open_file = open_file
        self._block = lru_cache(KEPT_BLOCKS)(self._read_block)
        self.reads = 0

    def __bool__(self) -> bool:
        return any(segment.executable for segment in self._segments)

    def read(self, offset: int, size: int) -> bytes | None:
        """Return up to ``size`` bytes at ``offset`` from the module's base, as they are before the loader changes any;
        ``None`` where the file has none."""
        segment = next((one for one in self._segments if 0 <= offset - one.address < one.size), None)
        if segment is None:
            return None
        start = segment.offset + offset - segment.address
        end = min(start + size, segment.offset + segment.size)
        blocks = [self._block(number) for number in range(start // BLOCK, -(-end // BLOCK))]
        skipped = start % BLOCK
        return b"".join(blocks)[skipped : skipped + end - start] if all(blocks) else None

    @cached_property
    def _file(self) -> Blob | None:
        return self._open_file()

    def _read_block(self, number: int) -> bytes:
        start = number * BLOCK
        if self._file is None or start >= self._file.size:
            return b""
        self.reads += 1
        try:
            (data,) = self._file.read([(start, min(start + BLOCK, self._file.size))])
        except OSError:  # a file of this machine, gone since it was compiled
            return b""
        return data
