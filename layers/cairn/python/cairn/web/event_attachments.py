"""The files of an event, as Sentry lists them and gives them out: the dump is one of its attachments.

Source: sentry, src/sentry/api/endpoints/event_attachments.py and event_attachment_details.py, and the shape of
src/sentry/api/serializers/models/eventattachment.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cairn.store.crashes.event_files import EventFile, EventFiles
from cairn.store.crashes.events import EVENT_ID, iso_time, normal_id
from cairn.web.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class EventAttachments:
    """What the routes need."""

    files: EventFiles

    def list(self, project_id: int, event_id: str) -> list[dict[str, Any]]:
        """All files of an event that are there. Raises ``NotFoundError``."""
        return [attachment_of(event_id, one) for one in self._files(project_id, event_id)]

    def one(self, project_id: int, event_id: str, file_id: str) -> dict[str, Any]:
        """What is known of a file. Raises ``NotFoundError``."""
        return attachment_of(event_id, self._file(project_id, event_id, file_id))

    def content_url(self, project_id: int, event_id: str, file_id: str) -> str:
        """Where the content of a file can be fetched from. Raises ``NotFoundError``."""
        return self.files.link(self._file(project_id, event_id, file_id))

    def _file(self, project_id: int, event_id: str, file_id: str) -> EventFile:
        found = next((one for one in self._files(project_id, event_id) if one.id == file_id), None)
        if found is None:
            raise NotFoundError(f"the event has no file {file_id[:60]}: it may be past its time, or removed")
        return found

    def _files(self, project_id: int, event_id: str) -> tuple[EventFile, ...]:
        known = normal_id(event_id)
        files = self.files.of(project_id, known) if EVENT_ID.fullmatch(known) else None
        if files is None:
            raise NotFoundError(f"the project has no event {event_id[:60]}")
        return files


def attachment_of(event_id: str, one: EventFile) -> dict[str, Any]:
    """A file in Sentry's form. No hash is known."""
    return {
        "id": one.id,
        "event_id": normal_id(event_id),
        "type": one.file.kind,
        "name": one.file.name,
        "mimetype": one.file.content_type,
        "dateCreated": iso_time(one.received),
        "size": one.file.size,
        "headers": {"Content-Type": one.file.content_type},
        "sha1": None,
    }
