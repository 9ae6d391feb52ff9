"""What belongs to an event and comes on its own, be it before the event or after: feedback and attachments."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cairn.intake.upload import Attachment, Feedback
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps
from cairn.store.crashes.events import normal_id
from cairn.store.crashes.uploads import StoredFile, event_folder
from cairn.store.objects import Objects, StoredContent
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

if TYPE_CHECKING:
    from cairn.crash.event import DumpInfo, Event

PIECE = 1024 * 1024
NEW = "attribute_not_exists(pk)"
MOST = 100
"""Notes of a kind that are given out for an event, the ones received first."""


@dataclass(frozen=True, slots=True)
class EventNotes:
    """The notes on an event: feedback with the time it was received (Unix seconds), late attachments, and what became
    of its dump later."""

    feedback: tuple[tuple[float, Feedback], ...] = ()
    attachments: tuple[StoredFile, ...] = ()
    dump: DumpInfo | None = None


class Notes:
    """Notes in the Events table, beside their event: ``pk`` is ``event#<event id>``, ``sk``
    ``feedback#<project>#<hash>`` or ``attachment#<project>#<hash>``. The hash is that of the
    content: what is sent again changes nothing.

    The content of an attachment is the object ``crashes/<project>/<day>/<event id>/late-<hash>``. Notes expire as
    events do, also those whose event never comes.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)
        self._objects = Objects(clients, settings.bucket)
        self._dumps = Dumps(settings, clients)
        self._retention = settings.retention_days * 86400

    def put_feedback(self, project_id: int, received: float, feedback: Feedback) -> bool:
        """Store feedback; ``False`` when it is there already."""
        said = f"{feedback.name}\0{feedback.email}\0{feedback.message}".encode()
        row = {**asdict(feedback), "sk": f"feedback#{project_id}#{hashlib.sha256(said).hexdigest()[:32]}"}
        return self._put(row, feedback.event_id, received)

    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> bool:
        """Store an attachment; ``False`` when it is there already. Its content is read from its start."""
        name = hash_of(attachment)
        key = f"{event_folder(project_id, received, event_id)}late-{name}"
        self._objects.put_new_stream(key, attachment.content, attachment.size)
        file = StoredFile(key, attachment.name, attachment.content_type, attachment.kind, attachment.size)
        return self._put({**asdict(file), "sk": f"attachment#{project_id}#{name}"}, event_id, received)

    def of(self, project_id: int, event_id: str) -> EventNotes:
        """The notes on an event."""
        feedback = self._rows(f"feedback#{project_id}#", event_id)
        attachments = self._rows(f"attachment#{project_id}#", event_id)
        return EventNotes(
            tuple((float(row["received"]), feedback_of(row)) for row in feedback),
            tuple(StoredFile(*(row[name] for name in StoredFile.__dataclass_fields__)) for row in attachments),
            self._dumps.noted(project_id, event_id),
        )

    def _put(self, row: Row, event_id: str, received: float) -> bool:
        keys = {"pk": f"event#{event_id}", "received": received, "expires": int(received) + self._retention}
        return self._table.put({**row, **keys}, NEW)

    def _rows(self, prefix: str, event_id: str) -> list[Row]:
        wanted = {":pk": f"event#{normal_id(event_id)}", ":prefix": prefix}
        rows = self._table.query("pk = :pk AND begins_with(sk, :prefix)", wanted)
        alive = [row for row in rows if row["expires"] > time.time()]
        return sorted(alive, key=lambda row: float(row["received"]))[:MOST]


def hash_of(attachment: Attachment) -> str:
    """What tells an attachment from others of its event: a hash of its name, kind and content, which stands at its
    start before and after."""
    digest = hashlib.sha256(f"{attachment.name}\0{attachment.kind}\0".encode())
    stored = attachment.content
    if isinstance(stored, StoredContent):  # a GiB, perhaps: its own name tells it from others
        digest.update(stored.key.encode())
        return digest.hexdigest()[:32]
    while piece := attachment.content.read(PIECE):
        digest.update(piece)
    attachment.content.seek(0)
    return digest.hexdigest()[:32]


def feedback_of(row: Row) -> Feedback:
    """The feedback in a row."""
    return Feedback(row["event_id"], row.get("name"), row.get("email"), row["message"])


def with_notes(event: Event, notes: EventNotes) -> Event:
    """The event with its notes in ``cairn.feedback``, ``cairn.attachments`` and ``cairn.dump``.

    The import is here since whoever puts notes, as the ingest function does, needs no pydantic.
    """
    from cairn.crash.event import AttachmentInfo, FeedbackInfo

    feedback = tuple(
        FeedbackInfo(name=said.name, email=said.email, message=said.message, received=received)
        for received, said in notes.feedback
    )
    late = tuple(
        AttachmentInfo(name=file.name, type=file.kind, content_type=file.content_type, size=file.size)
        for file in notes.attachments
    )
    known = event.cairn
    changes = {"feedback": feedback, "attachments": (*known.attachments, *late), "dump": notes.dump or known.dump}
    noted = known.model_copy(update=changes)
    return event.model_copy(update={"cairn": noted})
