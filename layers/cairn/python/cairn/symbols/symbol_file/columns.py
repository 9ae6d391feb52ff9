"""What the pieces of a symbol file are made of: columns of u32."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from operator import sub
from typing import NamedTuple

from cairn.symbols.errors import SymbolFileError

NONE = 0xFFFFFFFF
"""What stands for a number that is missing."""


class Piece(NamedTuple):
    """Bytes of a piece, and the first address that it is about."""

    start: int
    data: bytes


def pack(values: Iterable[int]) -> bytes:
    """Write ``values`` as little-endian u32."""
    column = array("I", values)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def unpack(data: bytes | memoryview) -> array[int]:
    """Read little-endian u32; ``data`` is a multiple of four bytes long."""
    column = array("I")
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def deltas(values: Sequence[int]) -> array[int]:
    """Return the first value and then the steps between neighbours; ``values`` must not fall."""
    return array("I", map(sub, values, chain((0,), values)))


class ColumnReader:
    """Takes columns off the front of a piece.

    Raises:
        SymbolFileError: the piece ends before the column does.
    """

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def take(self, count: int) -> array[int]:
        """Take ``count`` u32."""
        return unpack(self.take_bytes(4 * count))

    def take_rising(self, count: int) -> array[int]:
        """Take ``count`` u32 that are steps, and add them up."""
        try:
            return array("I", accumulate(self.take(count)))
        except OverflowError:
            raise SymbolFileError("A piece of the symbol file has addresses or sizes above 4 GB.") from None

    def take_bytes(self, count: int) -> memoryview:
        """Take ``count`` bytes."""
        if count > len(self._rest):
            raise SymbolFileError("A piece of the symbol file is shorter than its header says.")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def take_rest(self) -> bytes:
        """Take what is left."""
        return bytes(self.take_bytes(len(self._rest)))
