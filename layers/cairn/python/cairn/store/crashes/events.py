"""Events: what symbolication made of an upload, found by id and listed by project."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import zstandard

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, UnreadableError
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

PROJECT_INDEX = "by_project"
LISTED = (
    "project_id",
    "event_id",
    "received",
    "timestamp",
    "title",
    "culprit",
    "level",
    "os",
    "release",
    "status",
)
"""Attributes that the index ``by_project`` carries beside the keys: what a list shows. Never the body."""

ISSUE_INDEX = "by_issue"
"""The index of an issue's events. It carries what ``by_project`` does."""

PREFIX = "events/"
INLINE_LIMIT = 300 * 1024
"""Compressed bytes of a body up to which it lies in the item, which DynamoDB limits to 400 KB."""

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of an event's JSON."""

PAGE = 500
"""Events that are read at a time where all are wanted."""

TEXT_LIMIT = 1024
"""Characters kept of each text beside the body, so that no client can fill an item."""

TEXTS = ("title", "culprit", "level", "os", "release", "status")

KEY = "event#"
"""What the partition keys of events begin with, and of what belongs to one."""

FIRST_OR_SAME = "attribute_not_exists(pk) OR upload_key = :upload_key"

EVENT_ID = re.compile(r"[0-9a-f]{32}")
CURSOR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z_[0-9a-f]{32}")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event. ``event_id`` is 32 lower-case hex digits, ``received`` (our clock) and ``timestamp`` (the client's) are
    Unix seconds, ``upload_key`` is the ``upload.json`` that it was made from, ``body`` the event as JSON,
    ``first_symbolicated`` when the event was made for the first time, and ``issue`` the hash of its group."""

    project_id: int
    event_id: str
    received: float
    timestamp: float
    title: str
    culprit: str | None
    level: str
    os: str
    release: str | None
    status: str
    upload_key: str
    body: bytes
    first_symbolicated: float | None = None
    issue: str | None = None


@dataclass(frozen=True, slots=True)
class EventSummary:
    """What a list shows of an event; the fields are those of ``EventRecord``."""

    project_id: int
    event_id: str
    received: float
    timestamp: float
    title: str
    culprit: str | None
    level: str
    os: str
    release: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list. ``cursor`` asks for what follows; ``None`` at the end. A page may be short before the end."""

    items: tuple[Item, ...]
    cursor: str | None


class Events:
    """The Events table: ``pk`` is ``event#<event id>``, ``sk`` ``project#<project id>``, since clients choose the ids
    and two projects may choose one. Beside an event lies what came for it on its own (``notes.py``). The index
    ``by_project`` has ``listing`` (``project#<project id>``) and ``listed_at`` (time received, ``#``, event id). The
    index ``by_issue`` has ``issue_listing`` (``issue#<project id>#<issue>``) and ``listed_at``.
    ``expires`` is the TTL; what is past its retention is not given out, since DynamoDB deletes up to days late.

    A large body lies in S3 at ``events/<project>/<event id>/<hash>.zst``. The hash lets an item change from one body
    to the next in one write.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)
        self._objects = Objects(clients, settings.bucket)
        self._retention = settings.retention_days * 86400

    def put(self, record: EventRecord) -> bool:
        """Store an event. The first upload of an event id wins: ``False``, and nothing changed, when another upload has
        the id. The same upload replaces its own event. Texts beside the body are cut to ``TEXT_LIMIT`` characters.
        Raises ``RefusedError`` (``event_too_large``) for a body above ``BODY_LIMIT``."""
        row = asdict(record) | {name: clipped(getattr(record, name)) for name in TEXTS}
        return self._table.put(
            {
                **row,
                **self._stored_body(record),
                "pk": f"event#{record.event_id}",
                "sk": f"project#{record.project_id}",
                "listing": f"project#{record.project_id}",
                "issue_listing": f"issue#{record.project_id}#{record.issue}" if record.issue else None,
                "listed_at": f"{iso_time(record.received)}#{record.event_id}",
                "expires": int(record.received) + self._retention,
            },
            FIRST_OR_SAME,
            {":upload_key": record.upload_key},
        )

    def get(self, project_id: int, event_id: str) -> EventRecord | None:
        """The event of a project by its id, with or without hyphens; ``None`` when it is not there (any more)."""
        row = self._table.get(f"event#{normal_id(event_id)}", f"project#{project_id}")
        return self._record(row) if row and self._is_alive(row) else None

    def upload_key(self, project_id: int, event_id: str) -> str | None:
        """The ``upload.json`` that an event was made from; ``None`` when the event is not there (any more)."""
        wanted = "#upload_key, #received"
        row = self._table.get(f"{KEY}{normal_id(event_id)}", f"project#{project_id}", only=wanted)
        return str(row["upload_key"]) if row and self._is_alive(row) else None

    def first_symbolicated(self, project_id: int, event_id: str) -> float | None:
        """When an event was made for the first time, in Unix seconds; ``None`` when it is not there."""
        row = self._table.get(f"event#{event_id}", f"project#{project_id}", only="#first_symbolicated")
        return float(row["first_symbolicated"]) if row else None

    def find(self, event_id: str) -> EventRecord | None:
        """The event by its id alone; the one received first where several projects have the id."""
        wanted = {":pk": f"event#{normal_id(event_id)}", ":event": "project#"}
        rows = self._table.query("pk = :pk AND begins_with(sk, :event)", wanted)
        alive = sorted(filter(self._is_alive, rows), key=lambda row: float(row["received"]))
        return self._record(alive[0]) if alive else None

    def list(self, project_id: int, limit: int = 50, cursor: str | None = None) -> Page[EventSummary]:
        """Events of a project, newest received first. ``cursor`` is that of the page before. Raises ``UnreadableError``
        (``bad_cursor``) for one that is not from here."""
        listing = {"listing": f"project#{project_id}"}
        return self._page(PROJECT_INDEX, listing, project_id, limit, cursor)

    def list_issue(self, project_id: int, issue: str, limit: int = 50, cursor: str | None = None) -> Page[EventSummary]:
        """Events of an issue of a project, as ``list`` gives those of a project."""
        listing = {"issue_listing": f"issue#{project_id}#{issue.lower()}"}
        return self._page(ISSUE_INDEX, listing, project_id, limit, cursor)

    def _page(self, index: str, listing: Row, project_id: int, limit: int, cursor: str | None) -> Page[EventSummary]:
        """A page of an index whose partition key is ``listing``."""
        ((name, value),) = listing.items()
        after = listing | start_key(project_id, cursor) if cursor else None
        rows, last = self._table.page(f"{name} = :listing", {":listing": value}, index, limit, after)
        items = tuple(summary_of(row) for row in rows if self._is_alive(row))
        return Page(items, last["listed_at"].replace("#", "_") if last else None)

    def between(self, project_id: int, since: float, until: float, issue: str | None = None) -> Iterator[EventSummary]:
        """The events of a project, or of its issue, received from ``since`` to before ``until`` (Unix seconds), newest
        first."""
        index, name, value = PROJECT_INDEX, "listing", f"project#{project_id}"
        if issue is not None:
            index, name, value = ISSUE_INDEX, "issue_listing", f"issue#{project_id}#{issue.lower()}"
        condition = f"{name} = :listing AND listed_at BETWEEN :since AND :until"
        values = {":listing": value, ":since": iso_time(since), ":until": iso_time(until)}
        after: Row | None = None
        while True:
            rows, after = self._table.page(condition, values, index, PAGE, after)
            yield from (summary_of(row) for row in rows if self._is_alive(row))
            if after is None:
                return

    def _is_alive(self, row: Row) -> bool:
        return bool(row["received"] + self._retention > time.time())

    def _stored_body(self, record: EventRecord) -> Row:
        if len(record.body) > BODY_LIMIT:
            raise RefusedError("event_too_large", f"the event has {len(record.body)} bytes, more than {BODY_LIMIT}")
        body = zstandard.compress(record.body)
        if len(body) <= INLINE_LIMIT:
            return {"body": body}
        name = hashlib.sha256(body).hexdigest()[:16]
        key = f"{PREFIX}{record.project_id}/{record.event_id}/{name}.zst"
        self._objects.put_new(key, body, "application/zstd")
        return {"body": None, "body_key": key}

    def _record(self, row: Row) -> EventRecord | None:
        body = self._objects.read(row["body_key"], BODY_LIMIT) if "body_key" in row else row["body"]
        if body is None:
            return None
        summary = asdict(summary_of(row))
        first = float(row["first_symbolicated"]) if "first_symbolicated" in row else None
        return EventRecord(
            **summary,
            upload_key=row["upload_key"],
            body=decompressed(body),
            first_symbolicated=first,
            issue=row.get("issue"),
        )


def normal_id(event_id: str) -> str:
    """An event id as it is stored: lower case, no hyphens."""
    return event_id.replace("-", "").lower()


def clipped(text: str | None) -> str | None:
    """A text short enough to lie in an item."""
    return text[:TEXT_LIMIT] if text else text


def iso_time(seconds: float) -> str:
    """UTC in ISO 8601 with microseconds: sorts as text as the time does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix_time(text: str) -> float:
    """What ``iso_time`` was made of."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


def summary_of(row: Row) -> EventSummary:
    """What a row says, without the body."""
    values: dict[str, Any] = {name: row.get(name) for name in EventSummary.__dataclass_fields__}
    values["received"], values["timestamp"] = float(row["received"]), float(row["timestamp"])
    return EventSummary(**values)


def start_key(project_id: int, cursor: str) -> Row:
    """The key that a cursor stands for, but for the partition of the index."""
    if not CURSOR.fullmatch(cursor):
        raise UnreadableError("bad_cursor", "the cursor is not one that a list of events gave")
    listed_at = cursor.replace("_", "#")
    return {"pk": f"event#{listed_at[-32:]}", "sk": f"project#{project_id}", "listed_at": listed_at}


def decompressed(body: bytes) -> bytes:
    """A body as JSON. Raises ``UnreadableError`` (``event_malformed``) for what ``put`` did not write."""
    try:
        if zstandard.frame_content_size(body) > BODY_LIMIT:
            raise UnreadableError("event_malformed", f"the event's body has more than {BODY_LIMIT} bytes")
        return zstandard.decompress(body)
    except zstandard.ZstdError as error:
        raise UnreadableError("event_malformed", f"the event's body cannot be decompressed: {error}") from error
