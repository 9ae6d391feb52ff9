"""The symbol servers of each project, in the order in which they are asked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, TakenError, UnavailableError
from cairn.store.settings import Settings
from cairn.store.source_secrets import SourceSecrets
from cairn.store.table import Row, Table
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.records import CredentialKind, Credentials, FileType, Layout, Source

MOST = 20
"""Sources of a project."""

TRIES = 5
UNCHANGED = "attribute_not_exists(pk) OR #version = :version"


@dataclass(frozen=True, slots=True)
class SourceList:
    """The sources of a project. ``version`` rises with each change; 0 is that none was ever set."""

    sources: tuple[Source, ...] = ()
    version: int = 0

    @property
    def mark(self) -> str:
        """Differs when the sources do."""
        return hashlib.sha256(repr(self.sources).encode()).hexdigest()[:16]


class ProjectSources:
    """The sources in the Projects table: ``pk`` is ``project#<id>``, ``sk`` is ``sources``. Of built-in sources only
    the name is kept, so that a newer Cairn's address counts. Secrets are not in here: ``source_secrets.py``."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.projects_table)
        self._secrets = SourceSecrets(settings, clients)

    def of(self, project_id: int) -> SourceList:
        """The sources of a project; a built-in one that this Cairn does not know is left out."""
        row = self._table.get(f"project#{project_id}", "sources") or {"sources": [], "version": 0}
        return SourceList(tuple(filter(None, map(source_of, row["sources"]))), row["version"])

    def add(self, project_id: int, source: Source, secret: str | None = None) -> SourceList:
        """Ask ``source`` too, after the others; with credentials that ``secret`` goes with. Raises ``TakenError``
        (``source_exists``) when the name is in use, ``RefusedError`` (``too_many_sources``)."""
        for _ in range(TRIES):
            known = self.of(project_id)
            if source.name in [other.name for other in known.sources]:
                raise TakenError("source_exists", f"there is a source called {source.name} already: remove it first")
            if len(known.sources) >= MOST:
                raise RefusedError("too_many_sources", f"a project can have {MOST} sources: remove one first")
            self._keep(project_id, source, secret)
            if self._put(project_id, (*known.sources, source), known.version):
                return self.of(project_id)
        raise contended()

    def change_credentials(
        self, project_id: int, name: str, credentials: Credentials | None, secret: str | None = None
    ) -> Source | None:
        """Show other credentials to a source, or none. Answers the source as it is then; ``None`` when the project has
        none of the name."""
        for _ in range(TRIES):
            known = self.of(project_id)
            now = tuple(replace(one, credentials=credentials) if one.name == name else one for one in known.sources)
            changed = next((source for source in now if source.name == name), None)
            if changed is None:
                return None
            self._keep(project_id, changed, secret)
            if self._put(project_id, now, known.version):
                return changed
        raise contended()

    def remove(self, project_id: int, name: str) -> Source | None:
        """Ask this source no more, and forget its secret. ``None`` when the project has none of the name."""
        for _ in range(TRIES):
            known = self.of(project_id)
            gone = next((source for source in known.sources if source.name == name), None)
            kept = tuple(source for source in known.sources if source is not gone)
            if gone:
                self._secrets.remove(project_id, name)
            if gone is None or self._put(project_id, kept, known.version):
                return gone
        raise contended()

    def _keep(self, project_id: int, source: Source, secret: str | None) -> None:
        """Keep the secret of a source before the source: without it the source would ask in vain."""
        if source.credentials and secret is not None:
            self._secrets.put(project_id, source, secret)
        else:
            self._secrets.remove(project_id, source.name)

    def _put(self, project_id: int, sources: Sequence[Source], version: int) -> bool:
        row = {
            "pk": f"project#{project_id}",
            "sk": "sources",
            "sources": [stored(source) for source in sources],
            "version": version + 1,
            "changed": time.time(),
        }
        return self._table.put(row, UNCHANGED, {":version": version})


def contended() -> UnavailableError:
    """The error for a change that others were always faster than."""
    return UnavailableError("store_throttled", "others are changing the project's sources: try again")


def stored(source: Source) -> dict[str, Any]:
    """A source as a row has it."""
    if source.built_in:
        return {"name": source.name, "built_in": True}
    return {
        "name": source.name,
        "url": source.url,
        "layout": source.layout.value,
        "file_types": [kind.value for kind in source.file_types],
        "credentials": asdict(source.credentials) if source.credentials else None,
    }


def source_of(value: Row) -> Source | None:
    """The source in a row; ``None`` for a built-in one that is not known here."""
    if value.get("built_in"):
        return BUILT_IN.get(value["name"])
    kinds = tuple(FileType(kind) for kind in value["file_types"])
    credentials = credentials_of(value["credentials"]) if "credentials" in value else None
    return Source(value["name"], value["url"], Layout(value["layout"]), kinds, credentials=credentials)


def credentials_of(value: Row) -> Credentials:
    """The credentials in a row."""
    return Credentials(CredentialKind(value["kind"]), value.get("name"), float(value["changed"]))
