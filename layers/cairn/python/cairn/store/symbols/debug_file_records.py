"""What became of each debug file, by the hash of its content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import sha1_in
from cairn.store.symbols.symbol_index import SymbolEntry, entry_of
from cairn.store.table import Row, Table

PREFIX = "debug_file#"
REASON_LIMIT = 2000
"""Characters of a reason that are kept."""

PROBLEMS = 10
"""Problems of a file that are kept."""

ARCHIVE_SECONDS = 24 * 3600
"""How long it is known of an archive that all of it was taken: as long as whoever sent it may ask."""

NEWER_STAYS = "attribute_not_exists(pk) OR #version <= :version"


@dataclass(frozen=True, slots=True)
class DebugFileRecord:
    """A debug file that the compiler of ``version`` is done with: ``entries`` is what it serves, in the order of its
    objects, and ``reason`` why it serves nothing. ``key`` is its object and ``size`` that object's bytes.

    ``members`` are the SHA-1s of the debug files that were in it, if it is an archive, or of what was made of it: each
    has a record of its own, and ``reason`` says what of the archive was not taken. ``problems`` say what of a file that
    serves could not be read. ``waits`` is a companion that serves nothing as long as its program is not there."""

    key: str
    size: int
    entries: tuple[SymbolEntry, ...]
    reason: str | None
    version: int
    created: float
    members: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    waits: bool = False

    @property
    def sha1(self) -> str:
        """SHA-1 of the content, as ``debug_files.sha1_in`` has it."""
        return sha1_in(self.key)


class DebugFileRecords:
    """The records in the Symbols table: ``pk`` is ``debug_file#<SHA-1>``, ``sk`` is ``debug_file``."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def put(self, record: DebugFileRecord) -> None:
        """Keep a record in place of an older one; one of a newer compiler stays."""
        row = {
            "pk": f"{PREFIX}{record.sha1}",
            "sk": "debug_file",
            "key": record.key,
            "size": record.size,
            "entries": [entry.to_json() for entry in record.entries],
            "reason": record.reason[:REASON_LIMIT] if record.reason else None,
            "version": record.version,
            "created": record.created,
        }
        if record.members:
            row["members"] = record.members
        if record.problems:
            row["problems"] = [problem[:REASON_LIMIT] for problem in record.problems[:PROBLEMS]]
        if record.waits:
            row["waits"] = True
        if record.members and not record.reason:
            row["expires"] = int(record.created) + ARCHIVE_SECONDS
        self._table.put(row, NEWER_STAYS, {":version": record.version})

    def outdated(self, keys: Iterable[str], version: int) -> tuple[str, ...]:
        """Of debug files by their keys, those that another compiler than that of ``version`` is done with."""
        records = self.find(set(map(sha1_in, keys)))
        return tuple(record.key for record in records.values() if record.version != version)

    def remove(self, sha1: str) -> None:
        """Forget the record of a file, be there one or not."""
        self._table.delete(f"{PREFIX}{sha1}", "debug_file")

    def find(self, sha1s: Iterable[str]) -> dict[str, DebugFileRecord]:
        """The records of those files that have one, by SHA-1."""
        rows = self._table.get_many(((f"{PREFIX}{sha1}", "debug_file") for sha1 in sha1s), consistent=True)
        return {record.sha1: record for record in map(record_of, rows.values())}


def record_of(row: Row) -> DebugFileRecord:
    """The record that a row holds."""
    return DebugFileRecord(
        key=row["key"],
        size=row["size"],
        entries=tuple(entry_of(value) for value in row["entries"]),
        reason=row.get("reason"),
        version=row["version"],
        created=float(row["created"]),
        members=tuple(row.get("members", ())),
        problems=tuple(row.get("problems", ())),
        waits=row.get("waits", False),
    )
