"""Stored dumps that are changed or removed, and the notes that say so."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from cairn.minidump.distant import DistantFile
from cairn.store.aws import Clients
from cairn.store.events import normal_id
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.table import Table
from cairn.store.uploads import DUMP, event_folder

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

    A dump that was removed for newer ones has a note in the Events table, beside its event, which was made before:
    ``pk`` is ``event#<event id>``, ``sk`` ``dump#<project>``. It expires with the event.
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

    def note_and_remove(self, project_id: int, event_id: str, received: float) -> None:
        """Remove the dump of an event that was made before. The note comes first, so that no event says that a dump is
        kept which is not; ``done`` in it comes last, so that a removal that broke off is gone on with."""
        keys = {"pk": f"event#{event_id}", "sk": f"dump#{project_id}"}
        fresh = {**keys, "removed": time.time(), "expires": int(received) + self._retention}
        note = self._table.get(**keys) or fresh
        if note.get("done"):
            return
        self._table.put(note)
        folder = event_folder(project_id, received, event_id)
        for key in (folder + DUMP, *filter(SENT_DUMP.search, self._objects.keys(f"{folder}sent-"))):
            self.remove(key)
        self._table.put({**note, "done": True})

    def removed(self, project_id: int, event_id: str) -> float | None:
        """When the dump of an event was removed for newer ones, in Unix seconds; ``None`` when it was not."""
        row = self._table.get(f"event#{normal_id(event_id)}", f"dump#{project_id}")
        return float(row["removed"]) if row else None
