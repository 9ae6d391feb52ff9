"""What of an upload goes into its event, and what the store keeps of both: one thing into another, without any I/O."""

from __future__ import annotations

import time
from dataclasses import replace

from cairn.crash.build_event import Received
from cairn.crash.event import AttachmentInfo, Event
from cairn.privacy.scrub_upload import scrub_upload
from cairn.privacy.settings import Privacy
from cairn.store.crashes.events import EventRecord
from cairn.store.crashes.uploads import StoredUpload
from cairn.store.symbols.waiting import WaitingCrash, WantedModule


def scrubbed_upload(upload: StoredUpload, privacy: Privacy) -> StoredUpload:
    """The upload without what is private by the project's settings; ``scrubbed`` says how much that was."""
    done = scrub_upload(upload.event, [file.name for file in upload.files], privacy)
    named = [replace(file, name=name) for file, name in zip(upload.files, done.names, strict=True)]
    return replace(
        upload,
        event=done.event,
        dump=named[0] if upload.dump else None,
        attachments=tuple(named[1:] if upload.dump else named),
        scrubbed=done.counts,
    )


def waiting_crash(
    upload: StoredUpload, modules: tuple[WantedModule, ...], sources: tuple[str, ...] = ()
) -> WaitingCrash:
    """The crash as it waits for ``modules``, and for ``sources`` by debug id."""
    return WaitingCrash(upload.project_id, upload.event_id, upload.received, upload.key, modules, sources)


def received_of(upload: StoredUpload, first_symbolicated: float | None = None) -> Received:
    """What the event takes from the upload beside the dump. It is made now, and was ``first_symbolicated`` then."""
    now = time.time()
    return Received(
        event_id=upload.event_id,
        project=upload.project_id,
        received=upload.received,
        event=upload.event,
        attachments=tuple(
            AttachmentInfo(name=f.name, type=f.kind, content_type=f.content_type, size=f.size) for f in upload.files
        ),
        symbolicated=now,
        first_symbolicated=first_symbolicated or now,
        scrubbed=upload.scrubbed or {},
    )


def record_of(event: Event, upload: StoredUpload, status: str) -> EventRecord:
    """The event as the store keeps and lists it; ``status`` is an ``Outcome``."""
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
        status=status,
        upload_key=upload.key,
        body=event.to_json(),
        first_symbolicated=event.cairn.first_symbolicated,
        issue=event.cairn.grouping.hash if event.cairn.grouping else None,
    )


def os_of(event: Event) -> str:
    """The operating system's name; a client may send anything in its place."""
    context = event.contexts.get("os")
    name = context.get("name") if isinstance(context, dict) else None
    return name if isinstance(name, str) else ""
