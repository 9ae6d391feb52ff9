"""Bounded access to the bytes of a dump."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from cairn.minidump.distant import Data, unpack_at
from cairn.minidump.errors import OutOfBoundsError


class Window:
    """A part of the dump, in its byte order. Nothing outside ``data`` can be read through it, and nothing is copied."""

    __slots__ = ("big_endian", "data", "order")

    def __init__(self, data: Data, big_endian: bool) -> None:
        self.data = data
        self.big_endian = big_endian
        self.order = ">" if big_endian else "<"

    def __len__(self) -> int:
        return len(self.data)

    def unpack(self, layout: str, offset: int = 0) -> tuple[Any, ...]:
        """``struct.unpack`` of ``layout`` (no byte order, no padding) at ``offset``.

        Raises:
            OutOfBoundsError: the window ends before ``layout`` does.
        """
        try:
            if isinstance(self.data, memoryview):
                return struct.unpack_from(self.order + layout, self.data, offset)
            return unpack_at(struct.Struct(self.order + layout), self.data, offset)
        except (struct.error, OverflowError):
            needed = struct.calcsize(self.order + layout)
            raise OutOfBoundsError(f"{needed} bytes at offset {offset:#x} needed, {len(self)} bytes there") from None

    def window(self, offset: int, size: int) -> Window:
        """The ``size`` bytes at ``offset``.

        Raises:
            OutOfBoundsError: not all of them lie in this window.
        """
        if offset + size > len(self.data):
            raise OutOfBoundsError(f"{size} bytes at offset {offset:#x} do not fit in {len(self)} bytes")
        return Window(self.data[offset : offset + size], self.big_endian)

    def rest(self, offset: int, size: int | None = None) -> Window:
        """Whatever is there of the ``size`` bytes (or of all bytes) from ``offset`` on, perhaps nothing."""
        return Window(self.data[offset : None if size is None else offset + size], self.big_endian)

    def rows(self, layout: str, offset: int, count: int, step: int) -> Iterator[tuple[Any, ...]]:
        """Up to ``count`` entries, ``step`` bytes apart; those that are not all in the window are left out."""
        row = struct.Struct(self.order + layout)
        if step < row.size:
            return iter(())
        there = max(0, min(count, (len(self.data) - offset - row.size) // step + 1))
        if step == row.size:
            block = self.data[offset : offset + there * step]
            return row.iter_unpack(block if isinstance(block, memoryview) else bytes(block))
        return (unpack_at(row, self.data, offset + index * step) for index in range(there))
