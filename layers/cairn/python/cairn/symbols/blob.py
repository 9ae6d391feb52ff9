"""Where the bytes of a symbol file come from: a file here, an S3 object elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Blob(Protocol):
    """Bytes that are read by range. Every range may cost a request, and the ranges of one call may run side by side."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of every ``(start, end)``, in the order asked. ``end`` is exclusive and within ``size``."""


class FileBlob:
    """A local file. It is opened for each read, so that holding thousands of them holds no descriptors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        with self.path.open("rb") as file:
            return [os.pread(file.fileno(), end - start, start) for start, end in ranges]


class BytesBlob:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.data[start:end] for start, end in ranges]
