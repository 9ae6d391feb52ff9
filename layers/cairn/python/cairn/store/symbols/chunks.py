"""Chunks: pieces of debug files on their way, kept by their content for about a day."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.table import Table

PREFIX = "chunks/"

CHUNK_SIZE = 4 * 1024 * 1024
"""Bytes of a chunk at most: one, as base64 in an event, is the largest power of two that gets through to a function."""

KEPT_SECONDS = 20 * 3600
"""How long a chunk counts as known. Its object lives for a day at least: the rest is for putting files together."""

WRITES_AT_ONCE = 8


class Chunks:
    """Chunks as objects ``chunks/<SHA-1>``, and as rows of the Symbols table that say which there are.

    ``pk`` is ``chunk#<SHA-1>``, ``sk`` is ``chunk``, ``expires`` the TTL. Asking the table for a hundred chunks is one
    request, where S3 would take a hundred, each dearer than the one.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)
        self._objects = Objects(clients, settings.bucket)

    def put(self, chunks: Mapping[str, bytes]) -> None:
        """Store chunks by their SHA-1, which the caller has checked. When this returns, they are known."""
        with ThreadPoolExecutor(WRITES_AT_ONCE) as pool:
            for _ in pool.map(self._put_one, chunks.items()):
                pass

    def known(self, sha1s: Iterable[str]) -> dict[str, int]:
        """The sizes of those chunks that are there, by SHA-1; what ``put`` has stored is seen at once."""
        rows = self._table.get_many(((f"chunk#{sha1}", "chunk") for sha1 in sha1s), consistent=True)
        now = time.time()
        return {pk.removeprefix("chunk#"): row["size"] for (pk, _), row in rows.items() if row["expires"] > now}

    def read(self, sha1: str) -> bytes | None:
        """A chunk; ``None`` when it is not there (any more)."""
        return self._objects.read(PREFIX + sha1, CHUNK_SIZE)

    def forget(self, sha1: str) -> None:
        """Let a chunk no longer count as known."""
        self._table.update(f"chunk#{sha1}", "chunk", "SET #expires = :now", {":now": int(time.time())})

    def _put_one(self, chunk: tuple[str, bytes]) -> None:
        sha1, content = chunk
        self._objects.put(PREFIX + sha1, content)
        expires = int(time.time()) + KEPT_SECONDS
        self._table.put({"pk": f"chunk#{sha1}", "sk": "chunk", "size": len(content), "expires": expires})
