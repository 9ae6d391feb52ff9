"""Which crashes to symbolicate again: by event, or by the time they were received. The uploads that are kept decide,
so a crash is found also when its event was never made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cairn.store.aws import Clients
from cairn.store.events import Events, normal_id
from cairn.store.projects import Projects
from cairn.store.settings import Settings
from cairn.store.uploads import ListedUpload, StoredUpload, Uploads


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for: ``keys`` of the ``upload.json`` that can be done again, and the ids of events whose dump is
    ``gone`` and of those that are ``unknown``."""

    keys: tuple[str, ...]
    gone: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Selection:
    """Chooses uploads of a deployment. All methods raise ``StoreError`` where S3 or DynamoDB fail."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._uploads = Uploads(settings, clients)
        self._events = Events(settings, clients)
        self._projects = Projects(settings, clients)

    def of_events(self, event_ids: Iterable[str]) -> Chosen:
        """Events by their ids, with or without hyphens."""
        keys, gone, unknown = [], [], []
        for event_id in dict.fromkeys(map(normal_id, event_ids)):
            record = self._events.find(event_id)
            key = record.upload_key if record else self._without_event(event_id)
            if key is None:
                unknown.append(event_id)
            elif self._is_kept(self._uploads.get(key)):
                keys.append(key)
            else:
                gone.append(event_id)
        return Chosen(tuple(keys), tuple(gone), tuple(unknown))

    def of_time(self, project_id: int, since: float, until: float) -> Chosen:
        """All uploads of a project that were received from ``since`` to before ``until`` (Unix seconds). An upload that
        has no event counts by when it was written."""
        events = {event.event_id: event for event in self._events.between(project_id, since, until)}
        keys: dict[str, str] = {}
        emptied = set()
        for upload in self._of_days(project_id, since, until):
            if upload.event_id in events or since <= upload.written < until:
                if upload.has_dump or self._is_kept(self._uploads.get(upload.key)):
                    keys[upload.key] = upload.event_id
                else:
                    emptied.add(upload.event_id)
        gone = (events.keys() | emptied) - set(keys.values())
        return Chosen(tuple(keys), tuple(sorted(gone)))

    def _of_days(self, project_id: int, since: float, until: float) -> Iterator[ListedUpload]:
        first, last = (datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in (since, until))
        for day in self._uploads.days(project_id):
            if first <= day <= last:
                yield from self._uploads.of_day(project_id, day)

    def _without_event(self, event_id: str) -> str | None:
        """The upload whose event was not made: it may be of any project, and of any day."""
        for project in self._projects.list():
            if found := self._uploads.find(project.id, event_id):
                return found.key
        return None

    def _is_kept(self, upload: StoredUpload | None) -> bool:
        """Whether there is still something to make an event of."""
        return upload is not None and (upload.dump_key is None or self._uploads.has(upload.dump_key))
