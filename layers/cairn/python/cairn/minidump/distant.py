"""A dump that is somewhere else and too large to fetch: read in blocks, as they are needed.

A dump with the whole memory of its process has gigabytes, of which a walk needs the lists, the stacks, and what
registers point at. So a part of such a dump is a ``View``, which knows where it lies and fetches when it is turned to
bytes. It stands where a small dump has a ``memoryview``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, TypeAlias

from cairn.minidump.errors import OutOfBoundsError

BLOCK: Final = 1 << 18
"""Bytes fetched at once: the used part of most stacks. A GET of S3 takes longer to begin than to bring so many."""
MAX_BLOCKS: Final = 2048
"""Blocks fetched of one dump in all: 512 MiB, which a function has in about 40 s."""
KEPT_BLOCKS: Final = 1024
"""Blocks kept in memory, those used last: threads are walked side by side, and each has one or two."""
MAX_PIECE: Final = 32 << 20
"""Bytes of one piece: the longest list that is read has 16 MiB. A dump may claim any length for its parts."""


class DistantFile:
    """A dump of ``size`` bytes; ``fetch`` gives those from a start to before an end."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self.size = size
        self.blocks_left = MAX_BLOCKS
        self._fetch = fetch
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def view(self) -> View:
        """All of it."""
        return View(self, 0, self.size)

    @property
    def problem(self) -> str | None:
        """What to say of the dump when it asked for more than may be fetched."""
        if self.blocks_left >= 0:
            return None
        return f"the dump has {self.size} bytes, and {MAX_BLOCKS * BLOCK >> 20} MiB of it were read: the rest was not"

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``.

        Raises:
            OutOfBoundsError: they are too many at once, or the dump has cost enough.
        """
        if end - start > MAX_PIECE:
            raise OutOfBoundsError(f"{end - start} bytes are more than a list may have in so large a dump")
        numbers = range(start // BLOCK, (end - 1) // BLOCK + 1)
        if missing := [number for number in numbers if number not in self._kept]:
            self._fetch_blocks(missing[0], missing[-1] + 1)
        for number in numbers:
            self._kept.move_to_end(number)
        joined = b"".join([self._kept[number] for number in numbers])
        while len(self._kept) > KEPT_BLOCKS:
            self._kept.popitem(last=False)
        return joined[start - numbers[0] * BLOCK : end - numbers[0] * BLOCK]

    def _fetch_blocks(self, first: int, end: int) -> None:
        """Fetch the blocks from ``first`` to before ``end`` at once, and keep them."""
        if self.blocks_left < end - first:
            self.blocks_left = -1
            raise OutOfBoundsError(f"it asks for more than {MAX_BLOCKS * BLOCK >> 20} MiB of the dump")
        self.blocks_left -= end - first
        content = self._fetch(first * BLOCK, min(end * BLOCK, self.size))
        for number in range(first, end):
            self._kept[number] = content[(number - first) * BLOCK : (number - first + 1) * BLOCK]


class View:
    """The bytes of a distant dump from ``start`` to before ``end``: sliced like a ``memoryview``, and fetched by
    ``bytes()``, which raises as ``DistantFile.read``."""

    __slots__ = ("_end", "_file", "_start")

    def __init__(self, file: DistantFile, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._end = end

    def __len__(self) -> int:
        return self._end - self._start

    def __getitem__(self, part: slice) -> View:
        start, end, _ = part.indices(len(self))
        return View(self._file, self._start + start, self._start + max(start, end))

    def __bytes__(self) -> bytes:
        return self._file.read(self._start, self._end) if len(self) else b""


Data: TypeAlias = memoryview | View
"""A part of a dump, near or distant."""


def unpack_at(layout: Struct, data: Data, offset: int) -> tuple[Any, ...]:
    """``layout.unpack_from(data, offset)``."""
    if isinstance(data, memoryview):
        return layout.unpack_from(data, offset)
    return layout.unpack(bytes(data[offset : offset + layout.size]))
