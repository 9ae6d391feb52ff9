"""What becomes of a dump once its event is made: secrets are taken out of it, and it is removed where its project wants
no more of them.

May be done any number of times, and by several at once: a dump is replaced only by what was made of it, and removed
only where as many newer ones of its issue are kept.
"""

from __future__ import annotations

import time

from cairn.crash.event import DumpInfo, Event
from cairn.minidump.records import Minidump
from cairn.privacy.scrub_dump import scrub_dump
from cairn.privacy.settings import Privacy
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps, KeptDump
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import StoredUpload
from cairn.store.notifications import scrub_message
from cairn.store.queues import Queue
from cairn.store.settings import Settings

AT_ONCE = 10
"""Dumps that one crash may have removed. Usually it is one; more where several crashes came at the same time."""


class DumpKeeping:
    """The keeping of dumps with what it needs; one serves many uploads. Large dumps are scrubbed by who works on the
    queue ``large``; without one they are not kept."""

    def __init__(self, settings: Settings, clients: Clients, large: Queue | None) -> None:
        self._dumps = Dumps(settings, clients)
        self._events = Events(settings, clients)
        self._large = large

    def before(self, dump: KeptDump, upload: StoredUpload, read: Minidump | None, privacy: Privacy) -> DumpInfo:
        """What becomes of a dump, before its event says so. ``read`` is what the dump says, ``None`` when it cannot be
        read. Secrets are taken out of what is kept: when this returns, that is done; a dump too large to be held whole
        waits for it. One with more text than is searched is not kept. Raises ``StoreError`` where S3 or DynamoDB
        fail."""
        if read is not None and privacy.newest == 0:
            return DumpInfo(state="removed", at=time.time())
        if not privacy.scrub_dumps:
            return DumpInfo(state="kept", at=time.time())
        if not isinstance(dump.data, bytes):
            return self._large_one(upload)
        cleaned = scrub_dump(dump.data, read, privacy)
        if cleaned.complete and cleaned.data != dump.data:
            self._dumps.replace(dump, cleaned.data)
        return DumpInfo(state="scrubbed" if cleaned.complete else "removed", at=time.time())

    def _large_one(self, upload: StoredUpload) -> DumpInfo:
        """What becomes of a large dump. One that was scrubbed is not scrubbed again: symbols that come late would have
        gigabytes searched each time."""
        if self._large is None:
            return DumpInfo(state="removed", at=time.time())
        noted = self._dumps.note_waiting(upload.project_id, upload.event_id, upload.received)
        return DumpInfo(state="waiting", at=time.time()) if noted.state == "kept" else noted

    def after(self, dump: KeptDump, upload: StoredUpload, event: Event, newest: int | None) -> None:
        """Remove the dump if its event says so, or have it scrubbed; else those that are more than ``newest`` for its
        issue."""
        state = event.cairn.dump.state if event.cairn.dump else None
        if state == "waiting" and self._large:
            self._large.send(scrub_message(upload.key))
        if state == "removed":
            self._dumps.remove(dump.key)
        elif newest and event.cairn.grouping:
            self._thin(upload, event.cairn.grouping.hash, newest)

    def _thin(self, upload: StoredUpload, issue: str, newest: int) -> None:
        """Remove the dumps of an issue but for the ``newest`` ones. Those far behind, from before the project wanted
        it, are left to their retention."""
        listed = self._events.list_issue(upload.project_id, issue, newest + AT_ONCE).items
        events = {one.event_id: one.received for one in listed} | {upload.event_id: upload.received}
        for event_id, received in sorted(events.items(), key=newest_last)[::-1][newest : newest + AT_ONCE]:
            self._dumps.note_and_remove(upload.project_id, event_id, received)


def newest_last(event: tuple[str, float]) -> tuple[float, str]:
    """The order of events, given as id and time received; those of one moment are in that of their ids."""
    return event[1], event[0]
