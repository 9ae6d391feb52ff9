"""Crashes that were stored and then not wanted."""

from __future__ import annotations

from cairn.store.aws import Clients
from cairn.store.crashes.events import normal_id
from cairn.store.settings import Settings
from cairn.store.table import Table

NEW = "attribute_not_exists(pk)"


class Drops:
    """Notes in the Events table where the event would be: ``pk`` is ``event#<event id>``, ``sk`` ``dropped#<project>``.
    They expire as events do."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)
        self._retention = settings.retention_days * 86400

    def put(self, project_id: int, event_id: str, reason: str, received: float) -> bool:
        """Note that a crash was dropped; ``False`` when that is noted already."""
        row = {"pk": f"event#{event_id}", "sk": f"dropped#{project_id}", "reason": reason, "received": received}
        return self._table.put({**row, "expires": int(received) + self._retention}, NEW)

    def reason(self, event_id: str) -> str | None:
        """Why the crash was dropped; ``None`` when it was not."""
        wanted = {":pk": f"event#{normal_id(event_id)}", ":dropped": "dropped#"}
        rows = self._table.query("pk = :pk AND begins_with(sk, :dropped)", wanted)
        return str(rows[0]["reason"]) if rows else None
