"""Where the bytes of a symbol file come from: a file here, an S3 object elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

REQUEST_GAP = 2 * 1024 * 1024
"""The ``merge_gap`` where each range is a request: a GET costs as much as moving 2.4 MB."""


class Blob(Protocol):
    """Bytes that are read by range. Every range may cost a request, and the ranges of one call may run side by side."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    @property
    def merge_gap(self) -> int:
        """Bytes between two ranges that are cheaper read than asked around."""

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of every ``(start, end)``, in the order asked. ``end`` is exclusive and within ``size``."""


class FileBlob:
    """A local file. It is opened for each read, so that holding thousands of them holds no descriptors. With
    ``REQUEST_GAP`` it is read as if it were far away."""

    def __init__(self, path: Path, merge_gap: int = 0) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.merge_gap = merge_gap

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        with self.path.open("rb") as file:
            return [os.pread(file.fileno(), end - start, start) for start, end in ranges]


class BytesBlob:
    """Bytes in memory, read as if they were far away."""

    merge_gap = REQUEST_GAP

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.data[start:end] for start, end in ranges]
