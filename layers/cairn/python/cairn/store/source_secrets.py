"""The secrets of private symbol servers, apart from all else that is stored."""

from __future__ import annotations

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.table import Table
from cairn.symbols.sources.records import Source

SECRET = "source_secret#"  # noqa: S105 - what keys begin with


class SourceSecrets:
    """Secrets in the Projects table: ``pk`` is ``source_secret#<project>``, ``sk`` the name of the source. The role
    that asks symbol servers may read these rows, and no other (docs/decisions/036-credentials-of-symbol-servers.md)."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.projects_table)

    def put(self, project_id: int, source: Source, secret: str) -> None:
        """Keep the secret that the credentials of ``source`` go with, in place of the one before."""
        changed = source.credentials.changed if source.credentials else None
        self._table.put({"pk": f"{SECRET}{project_id}", "sk": source.name, "secret": secret, "changed": changed})

    def get(self, project_id: int, source: Source) -> str | None:
        """The secret that the credentials of ``source`` go with; ``None`` when it is gone, or was kept for others: what
        is for one server is not sent to another that has its name now."""
        if source.credentials is None:
            return None
        row = self._table.get(f"{SECRET}{project_id}", source.name)
        return str(row["secret"]) if row and row["changed"] == source.credentials.changed else None

    def remove(self, project_id: int, name: str) -> None:
        """Forget the secret of a source, be there one or not."""
        self._table.delete(f"{SECRET}{project_id}", name)
