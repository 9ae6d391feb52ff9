"""Stored dumps that are changed or removed, and the notes that say so."""

from __future__ import annotations

import re
import time
from collections.abc import Set
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cairn.minidump.distant import DistantFile
from cairn.store.aws import Clients
from cairn.store.crashes.events import KEY, normal_id
from cairn.store.crashes.uploads import DUMP, event_folder
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.table import Table

if TYPE_CHECKING:
    from cairn.crash.event import DumpInfo

State = Literal["removed", "scrubbed", "kept", "waiting"]
STATES: tuple[State, ...] = ("removed", "scrubbed", "kept", "waiting")
"""What may be noted of a dump. One that was removed stays so, and what waited waits no more."""

SENT_DUMP = re.compile(r"/sent-[^/]+-0$")
"""The dump of an upload that came in steps (``signed_uploads.py``)."""


@dataclass(frozen=True, slots=True)
class KeptDump:
    """A dump as it was read: its object, its bytes, and the object's tag at that time. A large one is read where it
    is, and has no tag."""

    key: str
    data: bytes | DistantFile
    tag: str = ""


class Dumps:
    """Dumps under ``crashes/…/dump`` after their event is made.

    What happens to a dump when its event is made already has a note in the Events table, beside the event: ``pk`` is
    ``event#<event id>``, ``sk`` ``dump#<project>``. It has the time of each of ``STATES`` that there was, and expires
    with the event.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)
        self._objects = Objects(clients, settings.bucket)
        self._retention = settings.retention_days * 86400

    def read(self, key: str, limit: int) -> KeptDump | None:
        """A dump; ``None`` when it is not there (any more). Raises as ``Objects.read``."""
        found = self._objects.read_with_tag(key, limit)
        return KeptDump(key, *found) if found else None

    def replace(self, dump: KeptDump, data: bytes) -> bool:
        """Keep ``data`` in the place of a dump; ``False``, and nothing done, when it was replaced or removed
        meanwhile."""
        return self._objects.put_over(dump.key, data, dump.tag)

    def remove(self, key: str) -> None:
        """Remove a dump, be it there or not."""
        self._objects.delete(key)

    def fetch(self, key: str, path: Path) -> str | None:
        """Write a dump to ``path``, and answer its tag; ``None`` when it is not there (any more)."""
        return self._objects.download_tagged(key, path)

    def replace_parts(self, key: str, data: mmap, changed: Set[int], tag: str) -> bool:
        """As ``replace``, for a large dump of which the parts with the numbers ``changed`` are others."""
        return self._objects.put_parts_over(key, data, changed, tag)

    def note_waiting(self, project_id: int, event_id: str, received: float) -> DumpInfo:
        """Note that a dump waits to be scrubbed, and answer what is known of it: that it waits, or what became of it
        before."""
        now = time.time()
        row = {**row_key(project_id, event_id), "waiting": now, "expires": int(received) + self._retention}
        self._table.put(row, "attribute_not_exists(pk)")
        return self.noted(project_id, event_id) or _info("waiting", now)

    def note(self, project_id: int, event_id: str, state: Literal["kept", "scrubbed"]) -> None:
        """Note what became of a dump that waited."""
        change, at = f"SET #{state} = :at", {":at": time.time()}
        key = row_key(project_id, event_id)
        self._table.update(**key, change=change, values=at, condition="attribute_exists(pk)")

    def note_and_remove(self, project_id: int, event_id: str, received: float) -> None:
        """Remove the dump of an event that was made before. The note comes first, so that no event says that a dump is
        kept which is not; ``done`` in it comes last, so that a removal that broke off is gone on with."""
        keys = row_key(project_id, event_id)
        fresh = {**keys, "removed": time.time(), "expires": int(received) + self._retention}
        note = fresh | (self._table.get(**keys) or {})
        if note.get("done"):
            return
        self._table.put(note)
        folder = event_folder(project_id, received, event_id)
        for key in (folder + DUMP, *filter(SENT_DUMP.search, self._objects.keys(f"{folder}sent-"))):
            self.remove(key)
        self._table.put({**note, "done": True})

    def noted(self, project_id: int, event_id: str) -> DumpInfo | None:
        """What became of the dump of an event after that was made; ``None`` when nothing did."""
        row = self._table.get(**row_key(project_id, normal_id(event_id))) or {}
        return next((_info(state, float(row[state])) for state in STATES if state in row), None)


def row_key(project_id: int, event_id: str) -> dict[str, str]:
    """Where the note of a dump lies."""
    return {"pk": f"{KEY}{event_id}", "sk": f"dump#{project_id}"}


def _info(state: State, at: float) -> DumpInfo:
    """The import is here since the ingest function, which keeps dumps and reads no notes, needs no pydantic."""
    from cairn.crash.event import DumpInfo

    return DumpInfo(state=state, at=at)
