"""Symbol files in S3, read by range."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError
from cairn.store.objects import Objects
from cairn.symbols.ranges.blob import REQUEST_GAP

READS_AT_ONCE = 8
"""Requests of this process that are on their way at the same time, over all blobs."""


class S3Blob:
    """An object as a ``cairn.symbols.ranges.blob.Blob``. Give ``size`` where it is known: it saves a request.

    ``requests`` and ``bytes_read`` count what was asked of S3. Threads may share one.
    """

    merge_gap = REQUEST_GAP

    def __init__(self, clients: Clients, bucket: str, key: str, size: int | None = None) -> None:
        """Raises ``RefusedError`` (``no_such_object``) when ``size`` is not given and there is no such object."""
        self._objects = Objects(clients, bucket)
        self._lock = threading.Lock()
        self.key = key
        self.requests = 0
        self.bytes_read = 0
        self.size = self._head() if size is None else size

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of every ``(start, end)``, in the order asked, one request each, side by side. Raises
        ``RefusedError``: ``bad_range`` outside of the object, ``no_such_object`` when it is gone."""
        for start, end in ranges:
            if not 0 <= start <= end <= self.size:
                raise RefusedError("bad_range", f"{self.key} has {self.size} bytes, and {start} to {end} was asked")
        if len(ranges) == 1:
            return [self._read_one(ranges[0])]
        return list(readers().map(self._read_one, ranges))

    def _read_one(self, span: tuple[int, int]) -> bytes:
        start, end = span
        if start == end:
            return b""
        content = self._objects.read_range(self.key, start, end)
        if content is None:
            raise gone(self.key)
        if len(content) != end - start:
            raise RefusedError("bad_range", f"{self.key} is shorter than the {self.size} bytes it was said to have")
        self._count(len(content))
        return content

    def _head(self) -> int:
        size = self._objects.size(self.key)
        self._count(0)
        if size is None:
            raise gone(self.key)
        return size

    def _count(self, read: int) -> None:
        with self._lock:
            self.requests += 1
            self.bytes_read += read


class DebugFile(S3Blob):
    """A debug file that may have been deleted: then reading it fails as with a file of this machine."""

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """As ``S3Blob.read``. Raises ``OSError`` when the object is gone."""
        try:
            return super().read(ranges)
        except RefusedError as error:
            raise FileNotFoundError(str(error)) from error


def put_file(clients: Clients, bucket: str, path: Path, key: str) -> bool:
    """Store a file as an object, in parts when it is large; ``False`` when there is an object by that key already."""
    with path.open("rb") as file:
        return Objects(clients, bucket).put_new_stream(key, file, path.stat().st_size)


@cache
def readers() -> ThreadPoolExecutor:
    """The threads that read ranges."""
    return ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="s3-range")


def gone(key: str) -> RefusedError:
    """The error for an object that is not there."""
    return RefusedError("no_such_object", f"there is no object {key}")
