"""Second step of a crash's path: from a stored upload to its event.

May be done any number of times: the event is derived from the upload and the symbols there are at the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from cairn.crash.build_client_event import build_client_event
from cairn.crash.build_event import Received, build_event, unreadable_event
from cairn.crash.event import DumpInfo, Event
from cairn.crash.grouping import grouped
from cairn.crash.process import process
from cairn.crash.records import Crash
from cairn.crash.source_context import with_sources
from cairn.minidump.distant import DistantFile
from cairn.minidump.errors import MinidumpError
from cairn.pipeline.recent import Recent
from cairn.pipeline.symbolicating.ask_symbol_servers import SymbolServerRequests
from cairn.pipeline.symbolicating.compile_again import CompileAgain
from cairn.pipeline.symbolicating.dump_keeping import DumpKeeping
from cairn.pipeline.symbolicating.event_record import received_of, record_of, scrubbed_upload, waiting_crash
from cairn.pipeline.symbolicating.message_filter import MessageFilter
from cairn.pipeline.symbolicating.source_finder import StoredSources
from cairn.pipeline.symbolicating.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.pipeline.symbolicating.wanted_modules import wanted_modules
from cairn.privacy.scrub_event import scrubbed
from cairn.privacy.settings import DEFAULT, Privacy
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps, KeptDump
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import StoredFile, StoredUpload, Uploads
from cairn.store.projects import Projects
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.store.symbols.waiting import WaitingCrashes, WantedModule

WHOLE_DUMP = 32 * 1024 * 1024
"""Bytes of a dump that are fetched as they are, in about half a second. Of a larger one, which has the memory of a
whole process, blocks are fetched as they are needed: the function's memory and time stay the same up to 5 GiB."""

TRIES = 3
"""How often an event is made again because symbols came while it was being made."""


class Outcome(StrEnum):
    """What became of an upload."""

    SYMBOLICATED = "symbolicated"
    CLIENT = "client"  # there is no dump: the client's own event
    UNREADABLE = "unreadable"  # the event says why
    FILTERED = "filtered"  # a filter of the project keeps it out
    DUPLICATE = "duplicate"  # another upload has the event id
    GONE = "gone"  # the upload is past its retention, or its dump was removed as the project wants


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
    """An event, what it waits for, and whether some of that has come meanwhile. ``sources`` are the debug ids of the
    modules whose source bundles may still come."""

    event: Event
    outcome: Outcome
    wanted: tuple[WantedModule, ...] = ()
    finder: IndexFinder | None = None
    crash: Crash | None = None
    sources: tuple[str, ...] = ()

    def is_outdated(self) -> bool:
        return bool(self.finder and self.finder.has_news((m.debug_id, m.code_id) for m in self.wanted))


class Symbolication:
    """The symbolicate step with what it needs; one serves many uploads and keeps symbol files open between them.
    Without ``servers`` no symbol server is asked for what a crash lacks. Who works on the queue ``debug_files``
    compiles again what an older Cairn has compiled, and scrubs large dumps; without one these are not kept."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        servers: SymbolServerRequests | None = None,
        debug_files: Queue | None = None,
    ) -> None:
        self._servers = servers
        self._uploads = Uploads(settings, clients)
        self._events = Events(settings, clients)
        self._waiting = WaitingCrashes(settings, clients)
        self._index = SymbolIndex(settings, clients)
        self._files = OpenSymbolFiles(settings, clients)
        self._projects = Recent(Projects(settings, clients).get)
        self._filter = MessageFilter(settings, clients, self._projects)
        self._dumps = Dumps(settings, clients)
        self._keeping = DumpKeeping(settings, clients, debug_files)
        self._sources = StoredSources(settings, clients)
        self._again = CompileAgain(settings, clients, debug_files)

    def run(self, upload_key: str) -> Symbolicated:
        """Make the event of the upload whose ``upload.json`` has this key.

        A dump that cannot be read is a result: its event says why. Raises ``StoreError`` where S3 or DynamoDB fail.
        """
        upload = self._uploads.get(upload_key)
        if upload is None:
            return Symbolicated(Outcome.GONE)
        dump = self._dump(upload.dump) if upload.dump else None
        if upload.dump and dump is None:
            return Symbolicated(Outcome.GONE, upload.event_id)
        privacy = self._privacy(upload.project_id)
        done = self._store(dump, self._scrubbed(upload, privacy), privacy)
        self._again.ask((*self._files.take_outdated(), *self._sources.take_outdated()))
        self._files.keep_hot_sets()
        self._files.note_uses()
        return done

    def _scrubbed(self, upload: StoredUpload, privacy: Privacy) -> StoredUpload:
        """The upload without its secrets, stored so where it was not when it came. S3 tells of a new ``upload.json``:
        the crash is done once more then, and nothing is found."""
        if not privacy.scrub or upload.scrubbed is not None:
            return upload
        cleaned = scrubbed_upload(upload, privacy)
        if cleaned.scrubbed:
            self._uploads.replace(cleaned)
        return cleaned

    def _dump(self, dump: StoredFile) -> KeptDump | None:
        """The dump, or a large one where it is; ``None`` when it is gone."""
        if dump.size <= WHOLE_DUMP:
            return self._dumps.read(dump.key, WHOLE_DUMP)
        size = self._uploads.size(dump.key)
        if size is None:
            return None
        return KeptDump(dump.key, DistantFile(size, partial(self._uploads.read_range, dump.key)))

    def _store(self, dump: KeptDump | None, upload: StoredUpload, privacy: Privacy) -> Symbolicated:
        """Make the event and keep it, and then only what the project wants of the dump."""
        made, outcome = self._keep(dump, upload, privacy)
        if dump:
            is_stored = outcome is made.outcome
            self._keeping.after(dump, upload, made.event, privacy.newest if is_stored else None)
        return _summary(made.event, outcome)

    def _keep(self, dump: KeptDump | None, upload: StoredUpload, privacy: Privacy) -> tuple[_Made, Outcome]:
        """Make the event, store it, and let it wait for what it lacks: in this order, and then look again whether
        anything came meanwhile. The compile step indexes first, and then looks who waits. So one of the two sees the
        other, and no later event is replaced by an earlier one. A filter drops only what is no event yet."""
        first = known = self._events.first_symbolicated(upload.project_id, upload.event_id)
        for again in range(TRIES):
            received = received_of(upload, first)
            first = received.first_symbolicated
            made = self._make(dump, upload, received, privacy, is_late=again > 0)
            if known is None and self._filter.drops(made.event, upload):
                return made, Outcome.FILTERED
            if not self._events.put(record_of(made.event, upload, made.outcome.value)):
                return made, Outcome.DUPLICATE
            self._waiting.put(waiting_crash(upload, made.wanted, made.sources))
            if not (made.is_outdated() or self._sources.has_any(made.sources)):
                break
        if self._servers and made.crash:
            self._servers.ask(upload.project_id, made.crash, upload.key)
        return made, made.outcome

    def _make(
        self, dump: KeptDump | None, upload: StoredUpload, received: Received, privacy: Privacy, *, is_late: bool
    ) -> _Made:
        if dump is None:
            return _Made(self._finished(build_client_event(received), received, privacy), Outcome.CLIENT)
        finder = IndexFinder(self._index, self._files, consistent=is_late)
        try:
            crash = process(dump.data, finder)
        except MinidumpError as error:
            kept = self._keeping.before(dump, upload, None, privacy)
            return _Made(self._finished(unreadable_event(error, received), received, privacy, kept), Outcome.UNREADABLE)
        kept = self._keeping.before(dump, upload, crash.dump, privacy)
        sourced = with_sources(build_event(crash, received), self._sources)
        event = self._finished(sourced.event, received, privacy, kept)
        if kept.state == "removed":
            return _Made(event, Outcome.SYMBOLICATED, (), finder, crash)
        wanted = wanted_modules(crash.modules, crash.dump.system)
        sources = self._sources.expected(sourced.without, finder.compiled, time.time())
        return _Made(event, Outcome.SYMBOLICATED, wanted, finder, crash, sources)

    def _finished(self, event: Event, received: Received, privacy: Privacy, kept: DumpInfo | None = None) -> Event:
        """The event as it is stored: without secrets, and with its group."""
        noted = event.model_copy(update={"cairn": event.cairn.model_copy(update={"dump": kept})})
        return grouped(scrubbed(noted, privacy, received.scrubbed))

    def _privacy(self, project_id: int) -> Privacy:
        project = self._projects.get(project_id)
        return project.privacy if project else DEFAULT


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
