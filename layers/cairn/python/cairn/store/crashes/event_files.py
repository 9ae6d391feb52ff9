"""The files of an event that are kept: its dump, and what came with it or later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cairn.intake.forms import MINIDUMP
from cairn.store.aws import Clients
from cairn.store.crashes.events import Events
from cairn.store.crashes.notes import Notes
from cairn.store.crashes.uploads import MANIFEST_LIMIT, StoredFile, StoredUpload, parse_manifest
from cairn.store.objects import Objects
from cairn.store.parts import Progress
from cairn.store.settings import Settings

LINK_SECONDS = 60
"""How long a file can be begun to be fetched: a client follows a redirect at once."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of an event. ``id`` tells it from the event's others, ``received`` is in Unix seconds."""

    id: str
    received: float
    file: StoredFile
    is_dump: bool


class EventFiles:
    """Where files of events are found and fetched. They are found by their event: an upload that is no event yet was
    not scrubbed either."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._events = Events(settings, clients)
        self._notes = Notes(settings, clients)
        self._objects = Objects(clients, settings.bucket, may_list=False)

    def of(self, project_id: int, event_id: str) -> tuple[EventFile, ...] | None:
        """The files of an event that are there, the dump first; ``None`` when there is no such event. A dump that waits
        to be scrubbed is not given out."""
        key = self._events.upload_key(project_id, event_id)
        if key is None:
            return None
        content = self._objects.read(key, MANIFEST_LIMIT)
        listed = list(files_of(parse_manifest(key, content))) if content else []
        received = listed[0].received if listed else 0.0
        notes = self._notes.of(project_id, event_id)
        listed += (EventFile(id_of(file), received, file, is_dump=False) for file in notes.attachments)
        if notes.dump and notes.dump.state == "waiting":
            listed = [one for one in listed if one.file.kind != MINIDUMP]
        return tuple(one for one in listed if self._objects.size(one.file.key) is not None)

    def link(self, file: EventFile) -> str:
        """A URL that gives the file to whoever has it, for ``LINK_SECONDS``."""
        return self._objects.link(file.file.key, LINK_SECONDS, file.file.name[-100:])

    def download(self, file: EventFile, path: Path, progress: Progress | None = None) -> bool:
        """Write the file to ``path``; ``False`` when it is gone. ``progress`` is called with bytes as they come."""
        return self._objects.download(file.file.key, path, progress)


def files_of(upload: StoredUpload) -> Iterator[EventFile]:
    """The files of an upload."""
    for file in upload.files:
        yield EventFile(id_of(file), upload.received, file, is_dump=file is upload.dump)


def id_of(file: StoredFile) -> str:
    """What tells a file from others of its event."""
    return file.key.rpartition("/")[2]
