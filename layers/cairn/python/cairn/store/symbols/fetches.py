"""What symbol servers were asked for, and what became of it: once for each module of a project."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import ModuleIds, keys_of
from cairn.store.table import Row, Table
from cairn.symbols.sources.records import FetchStatus, FileType, ModuleFormat, Role, Source, SourceModule

FETCH = "fetch#"

PENDING_SECONDS = 2 * 3600
"""How long a request counts as under way: longer than its message may come back. Then another crash asks again."""

KEPT_SECONDS = 30 * 86400
"""How long it is remembered what was tried."""

PER_HOUR = 1000
"""Modules of a project that are newly asked for in an hour: whoever can send crashes can make up ids without end."""

MOST_ATTEMPTS = 60
"""Attempts of a module that are kept; what is tried is bounded by sources and file types, well below it as a rule."""

LOCATION_LIMIT = 3000
DETAILS_LIMIT = 600
"""Characters of an address, and of a reason, that are kept."""

ASKABLE = (
    "attribute_not_exists(pk) OR #counts_until <= :now OR #sources <> :sources "
    "OR (#asked_by = :asked_by AND attribute_not_exists(#tried))"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One file asked for at one place. ``location`` is the address, ``details`` says for a person why there is nothing,
    ``debug_file_key`` where the file is kept that was found. It counts up to ``retry_after`` (Unix seconds): before,
    the same place is not asked again. ``credentials`` tells which were shown (``Credentials.changed``)."""

    source: str
    location: str
    file_type: FileType
    status: FetchStatus
    details: str | None
    retry_after: float
    debug_file_key: str | None = None
    credentials: float | None = None

    def holds_for(self, source: Source) -> bool:
        """Whether the place would say the same to ``source`` now: who shows other credentials may hear something else,
        but for a file that was found."""
        shown = source.credentials.changed if source.credentials else None
        return self.status is FetchStatus.FOUND or self.credentials == shown


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A module that a crash lacks files for. ``key`` is what it is known by, as ``fetch_key`` gives it."""

    project_id: int
    key: str
    module: SourceModule
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class KnownFetch:
    """A request and what is known of it. ``sources`` is the mark of the sources that it is for, ``counts_until`` (Unix
    seconds) when it may be made again, ``asked_by`` who made it last, ``tried`` when it was carried out last; ``None``
    while it is to be. ``tries`` is how often that was since it was made."""

    request: FetchRequest
    sources: str
    attempts: tuple[Attempt, ...]
    counts_until: float
    asked_by: str
    tried: float | None
    tries: int = 0

    def counts(self, sources: str) -> bool:
        """Whether there is nothing to be gained from asking these sources now."""
        return self.sources == sources and self.counts_until > time.time()


class Fetches:
    """Requests in the Symbols table: ``pk`` is ``fetch#<project>#<key>``, ``sk`` ``fetch``; ``expires`` is the TTL."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def ask(self, request: FetchRequest, sources: str, asked_by: str) -> bool:
        """Note that files are to be fetched; ``False`` when that is so already, or was tried lately with these sources.
        Who asked is told ``True`` again until it is tried: its message may be lost. What is known stays known."""
        now = time.time()
        change = (
            "SET #module = :module, #roles = :roles, #sources = :sources, #asked_by = :asked_by, "
            "#counts_until = :pending, #expires = :expires REMOVE #tried, #tries"
        )
        values = {
            ":module": asdict(request.module),
            ":roles": request.roles,
            ":sources": sources,
            ":asked_by": asked_by,
            ":pending": now + PENDING_SECONDS,
            ":expires": int(now) + KEPT_SECONDS,
            ":now": now,
        }
        pk = row_key(request.project_id, request.key)
        return self._table.update(pk, "fetch", change, values, ASKABLE) is not None

    def count(self, project_id: int, number: int) -> bool:
        """Count so many modules that are newly asked for; ``False``, and nothing counted, when that is more than a
        project may have in an hour. The counter is the row ``fetch#<project>``, ``hour#<hours since 1970>``."""
        hour = int(time.time()) // 3600
        return (
            self._table.update(
                f"{FETCH}{project_id}",
                f"hour#{hour}",
                "ADD #number :number SET #expires = :expires",
                {":number": number, ":most": PER_HOUR - number, ":expires": (hour + 2) * 3600},
                "attribute_not_exists(#number) OR #number <= :most",
            )
            is not None
        )

    def get(self, project_id: int, key: str) -> KnownFetch | None:
        """What is known of one module."""
        row = self._table.get(row_key(project_id, key), "fetch")
        return known_fetch(row) if row else None

    def find(self, project_id: int, ids: Iterable[ModuleIds]) -> dict[ModuleIds, KnownFetch]:
        """What is known of those modules of a project that were asked for, in one request for a hundred."""
        keys = {pair: row_key(project_id, key) for pair in ids if (key := fetch_key(pair))}
        rows = self._table.get_many((pk, "fetch") for pk in keys.values())
        return {pair: known_fetch(rows[pk, "fetch"]) for pair, pk in keys.items() if (pk, "fetch") in rows}

    def finish(self, request: FetchRequest, attempts: Sequence[Attempt], counts_until: float) -> None:
        """Note what became of a request."""
        change = "SET #attempts = :attempts, #tried = :now, #counts_until = :until, #expires = :expires ADD #tries :one"
        now = time.time()
        values = {
            ":attempts": [stored(attempt) for attempt in attempts[:MOST_ATTEMPTS]],
            ":now": now,
            ":until": counts_until,
            ":expires": int(now) + KEPT_SECONDS,
            ":one": 1,
        }
        self._table.update(row_key(request.project_id, request.key), "fetch", change, values, "attribute_exists(pk)")


def fetch_key(ids: ModuleIds) -> str | None:
    """What a module is known by: its debug id, else its code id; ``None`` without either."""
    return next(iter(keys_of(ids)), None)


def row_key(project_id: int, key: str) -> str:
    """The partition of a request."""
    return f"{FETCH}{project_id}#{key}"


def stored(attempt: Attempt) -> dict[str, Any]:
    """An attempt as a row has it: short enough to lie there with others."""
    details = attempt.details[:DETAILS_LIMIT] if attempt.details else None
    return asdict(attempt) | {"location": attempt.location[:LOCATION_LIMIT], "details": details}


def known_fetch(row: Row) -> KnownFetch:
    """What a row says."""
    project, _, key = row["pk"].removeprefix(FETCH).partition("#")
    values = {name: row["module"].get(name) for name in SourceModule.__dataclass_fields__}
    module = SourceModule(**(values | {"format": ModuleFormat(values["format"])}))
    request = FetchRequest(int(project), key, module, tuple(map(Role, row["roles"])))
    tried = float(row["tried"]) if "tried" in row else None
    attempts = tuple(map(attempt_of, row.get("attempts", ())))
    until, asked_by = float(row["counts_until"]), row["asked_by"]
    return KnownFetch(request, row["sources"], attempts, until, asked_by, tried, row.get("tries", 0))


def attempt_of(value: Row) -> Attempt:
    """The attempt in a row."""
    return Attempt(
        value["source"],
        value["location"],
        FileType(value["file_type"]),
        FetchStatus(value["status"]),
        value.get("details"),
        float(value["retry_after"]),
        value.get("debug_file_key"),
        float(value["credentials"]) if "credentials" in value else None,
    )
