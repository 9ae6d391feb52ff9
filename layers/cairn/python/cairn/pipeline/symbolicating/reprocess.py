"""Which crashes to symbolicate again: by event, by issue, or by the time they were received. The uploads that are kept
decide, so a crash is found also when its event was never made; one of an issue has an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cairn.store.aws import Clients
from cairn.store.crashes.events import Events, normal_id
from cairn.store.crashes.uploads import MANIFEST, ListedUpload, Uploads, event_folder
from cairn.store.projects import Projects
from cairn.store.settings import Settings

AT_ONCE = 8
"""Uploads that are looked at side by side."""

BATCH = 100
"""Uploads that are looked at between two words of progress."""


class Why(StrEnum):
    """Why a crash cannot be done again."""

    RETENTION = "retention"  # the whole upload is past its time
    POLICY = "policy"  # the upload is there, and its dump was removed as the project wants


@dataclass(frozen=True, slots=True)
class Gone:
    """An event whose dump is gone."""

    event_id: str
    why: Why


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for: ``keys`` of the ``upload.json`` that can be done again, the events whose dump is ``gone``,
    and the ids of those that are ``unknown``."""

    keys: tuple[str, ...]
    gone: tuple[Gone, ...] = ()
    unknown: tuple[str, ...] = ()


class Selection:
    """Chooses uploads of a deployment. All methods raise ``StoreError`` where S3 or DynamoDB fail. ``looked`` is called
    with how many crashes were looked at since the last time."""

    def __init__(
        self, settings: Settings, clients: Clients, looked: Callable[[int], object] = lambda number: None
    ) -> None:
        self._looked = looked
        self._uploads = Uploads(settings, clients)
        self._events = Events(settings, clients)
        self._projects = Projects(settings, clients)

    def of_events(self, event_ids: Iterable[str]) -> Chosen:
        """Events by their ids, with or without hyphens."""
        keys, unknown = [], []
        for event_id in dict.fromkeys(map(normal_id, event_ids)):
            record = self._events.find(event_id)
            key = record.upload_key if record else self._without_event(event_id)
            if key is None:
                unknown.append(event_id)
            else:
                keys.append(key)
        kept, gone = self._apart(keys)
        return Chosen(kept, gone, tuple(unknown))

    def of_issue(self, project_id: int, issue: str, since: float, until: float) -> Chosen:
        """The events of an issue of a project that were received from ``since`` to before ``until`` (Unix seconds)."""
        events = self._events.between(project_id, since, until, issue)
        return Chosen(*self._apart([event_folder(project_id, e.received, e.event_id) + MANIFEST for e in events]))

    def of_time(self, project_id: int, since: float, until: float) -> Chosen:
        """All uploads of a project that were received from ``since`` to before ``until`` (Unix seconds). An upload that
        has no event counts by when it was written."""
        events = {event.event_id: event for event in self._events.between(project_id, since, until)}
        keys: dict[str, str] = {}
        gone: dict[str, Why] = {}
        for upload in self._of_days(project_id, since, until):
            if upload.event_id in events or since <= upload.written < until:
                why = None if upload.has_dump else self._why_gone(upload.key)
                if why is None:
                    keys[upload.key] = upload.event_id
                else:
                    gone[upload.event_id] = why
                self._looked(1)
        gone = dict.fromkeys(events, Why.RETENTION) | gone
        for event_id in keys.values():
            gone.pop(event_id, None)
        return Chosen(tuple(keys), tuple(Gone(event_id, gone[event_id]) for event_id in sorted(gone)))

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

    def _apart(self, keys: Sequence[str]) -> tuple[tuple[str, ...], tuple[Gone, ...]]:
        """Those of the uploads that can be done again, and the events of the others."""
        kept: list[str] = []
        gone: list[Gone] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for start in range(0, len(keys), BATCH):
                few = keys[start : start + BATCH]
                for key, why in zip(few, pool.map(self._why_gone, few), strict=True):
                    if why is None:
                        kept.append(key)
                    else:
                        gone.append(Gone(event_id_of(key), why))
                self._looked(len(few))
        return tuple(kept), tuple(gone)

    def _why_gone(self, key: str) -> Why | None:
        """Why there is nothing to make an event of; ``None`` when there is. The ``upload.json`` goes with its retention
        only, so it tells the two apart."""
        upload = self._uploads.get(key)
        if upload is None:
            return Why.RETENTION
        return None if upload.dump_key is None or self._uploads.has(upload.dump_key) else Why.POLICY


def event_id_of(key: str) -> str:
    """The id of the event that the ``upload.json`` with this key is of."""
    return key.split("/")[-2]
