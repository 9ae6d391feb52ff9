"""When a debug file was last of use to a crash, so that those nobody needs any more can go."""

from __future__ import annotations

from collections.abc import Iterable

from cairn.store.aws import Clients
from cairn.store.errors import StoreError
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import sha1_in
from cairn.store.symbols.symbol_index import FAILURES, LISTING, SymbolEntry, listed_keys_of
from cairn.store.table import Table

DAY = 86400
"""Seconds between two notes of the same file."""

KNOWN = 10_000
"""Files whose notes a process remembers."""

IS_OLDER = "attribute_exists(pk) AND (attribute_not_exists(#used) OR #used <= :before)"


class LastUses:
    """The attribute ``used`` (Unix seconds) of the rows that list debug files (``symbol_index.py``). One serves a
    process: it remembers what it has noted."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)
        self._noted: dict[str, float] = {}

    def note(self, entries: Iterable[SymbolEntry], now: float) -> None:
        """Note that files are of use. Costs a write a file and day, and a read a file, day and process. What fails is
        only a memory lost: the next crash notes it."""
        keys = {key for entry in entries for key in listed_keys_of(entry) if self._noted.get(key[1], 0) <= now - DAY}
        if not keys:
            return
        try:
            for key, row in self._table.get_many(keys).items():
                if row.get("used", 0) <= now - DAY:
                    self._table.update(*key, "SET #used = :now", {":now": now, ":before": now - DAY}, IS_OLDER)
        except StoreError:
            return
        if len(self._noted) > KNOWN:
            self._noted.clear()
        self._noted |= dict.fromkeys((sk for _, sk in keys), now)

    def unused_since(self, before: float) -> tuple[str, ...]:
        """The SHA-1s of the debug files that no crash used, and nobody uploaded, since ``before`` (Unix seconds); those
        that could not be compiled included."""
        last: dict[str, float] = {}
        for row in self._table.query("pk = :pk", {":pk": LISTING}):
            sha1 = sha1_in(row["sk"])
            last[sha1] = max(last.get(sha1, 0), float(row["entry"]["created"]), float(row.get("used", 0)))
        for row in self._table.query("pk = :pk", {":pk": FAILURES}):
            last.setdefault(sha1_in(row["sk"]), float(row.get("created", 0)))
        return tuple(sha1 for sha1, used in last.items() if used < before)
