"""What an envelope brings: a crash, feedback, files for an event that is sent on its own, and what is passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import BinaryIO, TypeAlias

from cairn.intake.bodies import NewFile, limited, spooled
from cairn.intake.client_reports import discarded
from cairn.intake.dumps import CONTENT_TYPE, dump
from cairn.intake.envelopes import EnvelopeReader, Item
from cairn.intake.errors import (
    InvalidCompressionError,
    InvalidEnvelopeError,
    InvalidJsonError,
    InvalidMinidumpError,
    ItemTooLargeError,
    RequestTooLargeError,
)
from cairn.intake.feedback import feedback_of_event, user_report
from cairn.intake.forms import EVENT_KINDS, MINIDUMP, FormFile
from cairn.intake.limits import Limits, human_size
from cairn.intake.payloads import event_from_files
from cairn.intake.tus import Reference, announced_size, reference
from cairn.intake.upload import Attachment, Crash, Delivery, Feedback
from cairn.intake.values import Object, event_id, json_object, parsed, text

ATTACHMENT_KINDS = {
    "event.attachment",
    "event.minidump",
    "event.applecrashreport",
    "event.payload",
    "event.breadcrumbs",
    "event.view_hierarchy",
    "event.nv_gpudmp",
    "event.nv_shader_debug",
    "unreal.context",
    "unreal.logs",
}
"""Types of attachments that are kept under their own name; all others are ``event.attachment``."""

IGNORED_KINDS = {
    "attachment",
    "check_in",
    "client_report",
    "log",
    "metric_buckets",
    "nel",
    "otel_log",
    "profile",
    "profile_chunk",
    "raw_security",
    "replay_event",
    "replay_recording",
    "replay_video",
    "session",
    "sessions",
    "span",
    "statsd",
    "trace_metric",
    "transaction",
}
"""Items of which nothing is made, by the names they are counted under; a kind that is not here is ``other``."""

REFERENCE = "application/vnd.sentry.attachment-ref"
"""How the content type begins of an attachment that was sent to ``/upload/`` before."""

OpenSent: TypeAlias = Callable[[Reference], tuple[BinaryIO, int] | None]
"""Gives what was sent before, and its size; ``None`` when it is not there, or not all of it."""


def read_envelope(
    envelope: EnvelopeReader, limits: Limits, new_file: NewFile, open_sent: OpenSent = lambda _: None
) -> Delivery:
    """All that is in an envelope. Raises a ``BodyError``, ``RequestTooLargeError`` or ``ItemTooLargeError``."""
    wanted = envelope_event_id(envelope.header)
    items = ItemReader(limits, new_file, open_sent)
    for item in envelope.items():
        items.take(item)
    return items.delivery(wanted)


def envelope_event_id(header: Object) -> str | None:
    """The id that an envelope names. Raises ``InvalidEnvelopeError`` for one that is none."""
    named = header.get("event_id")
    found = event_id(named)
    if named is not None and found is None:
        raise InvalidEnvelopeError("event_id in the header is not an id: give 32 hex digits or a UUID")
    return found


class ItemReader:
    """Collects the items of an envelope, and counts."""

    def __init__(self, limits: Limits, new_file: NewFile, open_sent: OpenSent) -> None:
        self._open_sent = open_sent
        self._limits = limits
        self._new_file = new_file
        self._event: bytes | None = None
        self._feedback: list[tuple[str, Object]] = []
        self._files: list[FormFile] = []
        self._files_size = 0
        self._ignored: Counter[str] = Counter()
        self._discarded: Counter[str] = Counter()

    def take(self, item: Item) -> None:
        """Read an item, or leave it unread."""
        if item.kind == "event":
            self._take_event(item)
        elif item.kind in ("feedback", "user_report"):
            self._feedback.append((item.kind, json_object(text(self._small(item)))))
        elif item.kind == "attachment" and str(item.header.get("content_type")).startswith(REFERENCE):
            self._take_reference(item)
        elif item.kind == "attachment":
            self._take_file(item)
        elif item.kind == "client_report":
            self._take_client_report(item)
        else:
            self._ignored[item.kind if item.kind in IGNORED_KINDS else "other"] += 1

    def delivery(self, wanted: str | None) -> Delivery:
        """What the items make, in an envelope that names the event ``wanted``."""
        feedback = tuple(self._written_feedback(wanted))
        if self._event is None and not any(file.kind in (MINIDUMP, *EVENT_KINDS) for file in self._files):
            about = feedback[0].event_id if feedback else wanted
            late = self._late(about)
            return Delivery(wanted, None, feedback, about, late, dict(self._ignored), dict(self._discarded))
        crash = self._crash(wanted)
        return Delivery(wanted, crash, feedback, ignored=dict(self._ignored), discarded=dict(self._discarded))

    def _take_event(self, item: Item) -> None:
        if self._event is not None:
            raise InvalidEnvelopeError("the envelope has more than one event: send an envelope for each")
        self._event = self._small(item)

    def _take_client_report(self, item: Item) -> None:
        """Count the crashes that the client did not send; a report of other things is of no use here."""
        if found := discarded(json_object(text(self._small(item)))):
            self._discarded.update(found)
        else:
            self._ignored[item.kind] += 1

    def _take_reference(self, item: Item) -> None:
        """Take what was sent before. What is not there, or not what is told of it, is passed over, as Relay does."""
        payload = self._small(item)
        place = reference(payload)
        sent = self._open_sent(place) if place else None
        kind, name = self._kind_and_name(item)
        if sent is None or announced_size(item.header) not in (None, sent[1]) or kind in EVENT_KINDS:
            self._ignored["attachment"] += 1
            return
        content_type = str(parsed(text(payload)).get("content_type") or "application/octet-stream")
        self._files.append(FormFile("", name, content_type, kind, sent[1], sent[0]))

    def _kind_and_name(self, item: Item) -> tuple[str, str]:
        if len(self._files) == self._limits.attachments:
            raise RequestTooLargeError(f"the envelope has more than {self._limits.attachments} attachments")
        kind = str(item.header.get("attachment_type") or "event.attachment")
        kind = kind if kind in ATTACHMENT_KINDS else "event.attachment"
        return kind, str(item.header.get("filename") or ("Minidump" if kind == MINIDUMP else "attachment"))

    def _take_file(self, item: Item) -> None:
        kind, name = self._kind_and_name(item)
        limit = self._limits.event if kind in EVENT_KINDS else self._limits.file
        what = EVENT_KINDS.get(kind, "attachment:minidump" if kind == MINIDUMP else "attachment:attachment")
        payload = limited(item.payload, limit, too_large(what, f"the attachment {name[:100]}", limit))
        content, size = spooled(payload, self._new_file)
        self._files_size += size
        if self._files_size > self._limits.files:
            limit = self._limits.files
            raise RequestTooLargeError(f"the attachments together are larger than {human_size(limit)}")
        content_type = str(item.header.get("content_type") or "application/octet-stream")
        self._files.append(FormFile("", name, content_type, kind, size, content))

    def _small(self, item: Item) -> bytes:
        limit = self._limits.event
        return b"".join(limited(item.payload, limit, too_large(item.kind, f"the {item.kind}", limit)))

    def _written_feedback(self, wanted: str | None) -> Iterable[Feedback]:
        for kind, said in self._feedback:
            found = user_report(said, wanted) if kind == "user_report" else feedback_of_event(said, wanted)
            if found:
                yield found
            else:
                self._ignored[kind] += 1

    def _late(self, about: str | None) -> tuple[Attachment, ...]:
        """The files, when it is known for which event they are."""
        if about is None and self._files:
            self._ignored["attachment"] += len(self._files)
        return tuple(map(as_it_came, self._files)) if about else ()

    def _crash(self, wanted: str | None) -> Crash:
        dumps = [file for file in self._files if file.kind == MINIDUMP]
        others = [file for file in self._files if file.kind not in EVENT_KINDS and file not in dumps[:1]]
        event = self._written_event(bool(dumps))
        attachments = [
            *(self._dump(file) for file in dumps[:1]),
            *(as_it_came(file) for file in others),
        ]
        return Crash(wanted or event_id(event.get("event_id")), event, tuple(attachments))

    def _written_event(self, has_dump: bool) -> Object:
        """The event of the ``event`` item, else of the files that sentry-native leaves beside a dump."""
        if self._event is None:
            return event_from_files(self._files) or {}
        return event_of(self._event, required=not has_dump)

    def _dump(self, file: FormFile) -> Attachment:
        """The dump, unpacked where it is compressed. What is no dump is kept too: its event will say so."""
        try:
            return dump(file.name, file.content, self._limits, self._new_file)
        except (InvalidMinidumpError, InvalidCompressionError):
            file.content.seek(0)
            return Attachment(file.name, CONTENT_TYPE, MINIDUMP, file.size, file.content)


def event_of(document: bytes, required: bool) -> Object:
    """The event in a document of JSON. One that cannot be read is empty, unless it is all there is (``required``):
    then ``InvalidJsonError`` is raised."""
    event = json_object(text(document))
    if required and not event and document.strip() != b"{}":
        raise InvalidJsonError("the event is not a JSON object: it may have been cut off")
    return event


def as_it_came(file: FormFile) -> Attachment:
    """A file as it is stored."""
    return Attachment(file.name, file.content_type, file.kind, file.size, file.content)


def too_large(what: str, name: str, limit: int) -> ItemTooLargeError:
    """The error for an item that passes its limit. ``what`` is the name that the limit goes by."""
    return ItemTooLargeError(what, f"{name} is larger than {human_size(limit)}")
