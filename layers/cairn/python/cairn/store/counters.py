"""Counters of limits."""

from __future__ import annotations

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.table import Table

PREFIX = "limit#"


class Counters:
    """Counters in the Events table: ``pk`` is ``limit#<name>``, ``sk`` is ``count``. Each is a partition of its own."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)

    def add(self, name: str, expires: int) -> int:
        """Add one to a counter, which DynamoDB deletes some time after ``expires`` (Unix seconds). Answers its count.
        A call that DynamoDB did, and whose answer was lost, is made again and counts twice."""
        change = "SET #expires = :expires ADD #count :one"
        row = self._table.update(PREFIX + name, "count", change, {":expires": expires, ":one": 1})
        return int((row or {})["count"])
