"""Programs without a build id and their debug companions, by the checksum that the one has of the other."""

from __future__ import annotations

import time

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.last_uses import DAY
from cairn.store.table import Row, Table

PREFIX = "companion#"


class CompanionLinks:
    """Rows of the Symbols table, one for each checksum: ``pk`` is ``companion#<CRC-32 in hex>``, ``sk`` is
    ``companion``. ``programs`` are the ids of the programs that name such a companion, in hex, ``companion`` is its
    key: as it came, or with the id of one of them. A row expires as debug files do that nobody uses.

    Each side writes what it knows and is told by the same write what the other has written: whoever comes second
    learns of the first, also when both come at once.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)
        self._seconds = settings.symbol_retention_days * DAY

    def add_program(self, checksum: int, text_id: bytes) -> str | None:
        """Note that the program with this id names such a companion, and tell the companion's key if it came."""
        row = self._change(checksum, "SET #expires = :expires ADD #programs :value", {text_id.hex()})
        key: str | None = row.get("companion")
        return key

    def put_companion(self, checksum: int, key: str) -> tuple[bytes, ...]:
        """Note where the companion is, and tell the ids of its programs."""
        row = self._change(checksum, "SET #expires = :expires, #companion = :value", key)
        return tuple(bytes.fromhex(text_id) for text_id in sorted(row.get("programs", ())))

    def remove_companion(self, checksum: int, key: str) -> None:
        """Note that a companion is not at this key any more."""
        values = {":key": key}
        self._table.update(*row_of(checksum), "REMOVE #companion", values, "#companion = :key")

    def _change(self, checksum: int, change: str, value: object) -> Row:
        expires = int(time.time()) + self._seconds
        return self._table.update(*row_of(checksum), change, {":value": value, ":expires": expires}) or {}


def row_of(checksum: int) -> tuple[str, str]:
    """Where the row of a checksum is."""
    return f"{PREFIX}{checksum:08x}", "companion"
