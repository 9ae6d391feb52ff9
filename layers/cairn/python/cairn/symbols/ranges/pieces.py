"""Reading compressed pieces of a blob by number, with few requests."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import zstandard

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.blob import Blob

MAX_PIECE_SIZE = 8 * 1024 * 1024
"""Bytes of a decompressed piece: no piece that is written comes near."""

BATCH_BYTES = 32 * 1024 * 1024
"""Bytes held at once while a look-up reads many pieces."""

KEPT_BYTES = 8 * 1024 * 1024
"""Compressed bytes kept of what was read, the pieces between those asked for included."""


class Read(NamedTuple):
    """One range that was asked of a blob: what for, and how many bytes."""

    purpose: str
    size: int


def compress(data: bytes, level: int) -> bytes:
    """Compress a piece into one frame, with its size and a checksum."""
    return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True).compress(data)


def decompress(data: bytes, limit: int = MAX_PIECE_SIZE) -> bytes:
    """Decompress one frame.

    Raises:
        SymbolFileError: it is damaged, or larger than ``limit``.
    """
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size > limit:
            raise SymbolFileError(
                f"A piece of the symbol file says that it holds {size} bytes; at most {limit} may be."
            )
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except (zstandard.ZstdError, MemoryError) as error:
        raise SymbolFileError("A piece of the symbol file is damaged. Compile the debug file again.") from error


class Pieces:
    """The pieces of one blob: ``sizes`` of their frames, back to back from ``start``.

    ``log`` has every range asked of the blob.
    """

    def __init__(self, blob: Blob, start: int, sizes: Sequence[int]) -> None:
        self._blob = blob
        self._bounds = tuple(accumulate(sizes, initial=start))
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._kept_bytes = 0
        self.log: list[Read] = []

    @property
    def reads(self) -> int:
        """Ranges asked of the blob so far."""
        return len(self.log)

    @property
    def bytes_read(self) -> int:
        """Bytes asked of the blob so far."""
        return sum(read.size for read in self.log)

    def preload(self, start: int, data: bytes) -> None:
        """Keep the pieces that lie whole in ``data``, which was read from ``start`` on."""
        for number in range(*self._whole_within(start, start + len(data))):
            self._keep(number, data[self._bounds[number] - start : self._bounds[number + 1] - start])

    def load(
        self, numbers: Iterable[int], purpose: str = "pieces", around: int = 0, first: int = 0
    ) -> Iterator[tuple[int, bytes]]:
        """Yield decompressed pieces by number, each once. What is missing is asked for together; ``purpose`` is for
        the log. ``around`` bytes before and behind a missing piece are read and kept with it, for what comes next; but
        no pieces before ``first``.

        Raises:
            SymbolFileError: a piece is damaged.
        """
        missing = []
        for number in sorted(set(numbers)):
            if number in self._kept:
                self._kept.move_to_end(number)
                yield number, decompress(self._kept[number])
            else:
                missing.append(number)
        for runs in _batches(self._runs([self._neighbours(number, around, first) for number in missing]), self._bounds):
            for number, data in self._fetch(runs, purpose):
                if number in missing:
                    yield number, decompress(data)

    def _fetch(self, runs: list[tuple[int, int]], purpose: str) -> Iterator[tuple[int, bytes]]:
        ranges = [(self._bounds[first], self._bounds[last + 1]) for first, last in runs]
        answers = self._blob.read(ranges)
        self.log += [Read(purpose, end - start) for start, end in ranges]
        for (first, last), (start, end), data in zip(runs, ranges, answers, strict=True):
            if len(data) != end - start:
                raise SymbolFileError("The symbol file is shorter than its index says.")
            for number in range(first, last + 1):
                piece = data[self._bounds[number] - start : self._bounds[number + 1] - start]
                self._keep(number, piece)
                yield number, piece

    def _runs(self, wanted: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Merge first and last pieces that are wanted into runs that are read in one go."""
        runs: list[tuple[int, int]] = []
        for begin, end in wanted:
            first, last = runs[-1] if runs else (begin, begin)
            is_near = self._bounds[begin] - self._bounds[last + 1] <= self._blob.merge_gap
            if runs and is_near and self._bounds[end + 1] - self._bounds[first] <= BATCH_BYTES:
                runs[-1] = (first, end)
            else:
                runs.append((begin, end))
        return runs

    def _neighbours(self, number: int, around: int, first: int) -> tuple[int, int]:
        """The first and the last piece, from ``first`` on, that lie whole within ``around`` bytes of one that is
        missing, but for those at either end that are kept."""
        begin, end = self._whole_within(self._bounds[number] - around, self._bounds[number + 1] + around)
        missing = [near for near in range(max(first, begin), end) if near not in self._kept]
        return missing[0], missing[-1]

    def _whole_within(self, start: int, end: int) -> tuple[int, int]:
        """The number of the first piece that lies whole between two places, and of the first behind the last."""
        return bisect_left(self._bounds, start), bisect_right(self._bounds, end) - 1

    def _keep(self, number: int, data: bytes) -> None:
        self._kept_bytes += len(data) - len(self._kept.pop(number, b""))
        self._kept[number] = data
        while self._kept_bytes > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)


def _batches(runs: list[tuple[int, int]], bounds: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Group runs so that each group fits ``BATCH_BYTES``."""
    batch: list[tuple[int, int]] = []
    room = BATCH_BYTES
    for first, last in runs:
        size = bounds[last + 1] - bounds[first]
        if batch and size > room:
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append((first, last))
        room -= size
    if batch:
        yield batch
