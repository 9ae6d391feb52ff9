"""Second step of a crash's path: from a stored upload to its event.

May be done any number of times: the event is derived from the upload and the symbols there are at the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from cairn.crash.build_client_event import build_client_event
from cairn.crash.build_event import Received, build_event, unreadable_event
from cairn.crash.event import AttachmentInfo, Event
from cairn.crash.process import process
from cairn.crash.source_context import with_sources
from cairn.minidump.errors import MinidumpError
from cairn.pipeline.message_filter import MessageFilter
from cairn.pipeline.source_finder import StoredSources
from cairn.pipeline.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.pipeline.wanted_modules import wanted_modules
from cairn.store.aws import Clients
from cairn.store.events import EventRecord, Events
from cairn.store.settings import Settings
from cairn.store.symbol_index import SymbolIndex
from cairn.store.uploads import StoredUpload, Uploads
from cairn.store.waiting import WaitingCrash, WaitingCrashes, WantedModule

LARGEST_DUMP = 256 * 1024 * 1024
"""Bytes of a dump that a symbolicate function reads into its memory."""

TRIES = 3
"""How often an event is made again because symbols came while it was being made."""


class Outcome(StrEnum):
    """What became of an upload."""

    SYMBOLICATED = "symbolicated"
    CLIENT = "client"  # there is no dump: the client's own event
    UNREADABLE = "unreadable"  # the event says why
    FILTERED = "filtered"  # a filter of the project keeps it out
    DUPLICATE = "duplicate"  # another upload has the event id
    GONE = "gone"  # the upload is past its retention


@dataclass(frozen=True, slots=True)
class Symbolicated:
    """What ``Symbolication.run`` did, for the log: no names and nothing else from the dump."""

    outcome: Outcome
    event_id: str | None = None
    threads: int = 0
    frames: int = 0
    missing_modules: int = 0


@dataclass(frozen=True, slots=True)
class _Made:
    """An event, what it waits for, and whether some of that has come meanwhile."""

    event: Event
    outcome: Outcome
    wanted: tuple[WantedModule, ...] = ()
    finder: IndexFinder | None = None

    def is_outdated(self) -> bool:
        return bool(self.finder and self.finder.has_news((m.debug_id, m.code_id) for m in self.wanted))


class Symbolication:
    """The symbolicate step with what it needs; one serves many uploads and keeps symbol files open between them."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._uploads = Uploads(settings, clients)
        self._events = Events(settings, clients)
        self._waiting = WaitingCrashes(settings, clients)
        self._index = SymbolIndex(settings, clients)
        self._files = OpenSymbolFiles(settings, clients)
        self._sources = StoredSources(settings, clients)
        self._filter = MessageFilter(settings, clients)

    def run(self, upload_key: str) -> Symbolicated:
        """Make the event of the upload whose ``upload.json`` has this key.

        A dump that cannot be read is a result: its event says why. Raises ``StoreError`` where S3 or DynamoDB fail.
        """
        upload = self._uploads.get(upload_key)
        if upload is None:
            return Symbolicated(Outcome.GONE)
        data = self._uploads.read(upload.dump_key, LARGEST_DUMP) if upload.dump_key else None
        if upload.dump_key and data is None:
            return Symbolicated(Outcome.GONE, upload.event_id)
        done = self._store(data, upload)
        self._files.keep_hot_sets()
        self._files.note_uses()
        return done

    def _store(self, data: bytes | None, upload: StoredUpload) -> Symbolicated:
        """Make the event, store it, and let it wait for what it lacks: in this order, and then look again whether
        anything came meanwhile. The compile step indexes first, and then looks who waits. So one of the two sees the
        other, and no later event is replaced by an earlier one. A filter drops only what is no event yet."""
        first = known = self._events.first_symbolicated(upload.project_id, upload.event_id)
        for again in range(TRIES):
            received = received_of(upload, first)
            first = received.first_symbolicated
            made = self._make(data, received, is_late=again > 0)
            if known is None and self._filter.drops(made.event, upload):
                return _summary(made.event, Outcome.FILTERED)
            if not self._events.put(record_of(made.event, upload, made.outcome)):
                return _summary(made.event, Outcome.DUPLICATE)
            self._waiting.put(waiting_crash(upload, made.wanted))
            if not made.is_outdated():
                break
        return _summary(made.event, made.outcome)

    def _make(self, data: bytes | None, received: Received, *, is_late: bool) -> _Made:
        if data is None:
            return _Made(build_client_event(received), Outcome.CLIENT)
        finder = IndexFinder(self._index, self._files, consistent=is_late)
        try:
            crash = process(data, finder)
        except MinidumpError as error:
            return _Made(unreadable_event(error, received), Outcome.UNREADABLE)
        event = with_sources(build_event(crash, received), self._sources)
        return _Made(event, Outcome.SYMBOLICATED, wanted_modules(crash.modules, crash.dump.system), finder)


def waiting_crash(upload: StoredUpload, modules: tuple[WantedModule, ...]) -> WaitingCrash:
    """The crash as it waits for ``modules``."""
    return WaitingCrash(upload.project_id, upload.event_id, upload.received, upload.key, modules)


def received_of(upload: StoredUpload, first_symbolicated: float | None = None) -> Received:
    """What the event takes from the upload beside the dump. It is made now, and was ``first_symbolicated`` then."""
    now = time.time()
    files = [file for file in (upload.dump, *upload.attachments) if file]
    return Received(
        event_id=upload.event_id,
        project=upload.project_id,
        received=upload.received,
        event=upload.event,
        attachments=tuple(
            AttachmentInfo(name=f.name, type=f.kind, content_type=f.content_type, size=f.size) for f in files
        ),
        symbolicated=now,
        first_symbolicated=first_symbolicated or now,
    )


def record_of(event: Event, upload: StoredUpload, outcome: Outcome) -> EventRecord:
    """The event as the store keeps and lists it."""
    return EventRecord(
        project_id=upload.project_id,
        event_id=event.event_id,
        received=event.received,
        timestamp=event.timestamp,
        title=event.title,
        culprit=event.culprit,
        level=event.level,
        os=os_of(event),
        release=event.release,
        status=outcome.value,
        upload_key=upload.key,
        body=event.to_json(),
        first_symbolicated=event.cairn.first_symbolicated,
    )


def os_of(event: Event) -> str:
    """The operating system's name; a client may send anything in its place."""
    context = event.contexts.get("os")
    name = context.get("name") if isinstance(context, dict) else None
    return name if isinstance(name, str) else ""


def _summary(event: Event, outcome: Outcome) -> Symbolicated:
    stacks = [thread.stacktrace for thread in event.threads.values]
    stacks.append(event.crash.stacktrace if event.crash else None)
    return Symbolicated(
        outcome,
        event.event_id,
        threads=len(event.threads.values),
        frames=sum(len(stack.frames) for stack in stacks if stack),
        missing_modules=sum(image.debug_status == "missing" for image in event.debug_meta.images),
    )
