"""The symbol servers of each project, in the order in which they are asked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, TakenError, UnavailableError
from cairn.store.settings import Settings
from cairn.store.table import Row, Table
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.records import FileType, Layout, Source

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
    the name is kept, so that a newer Cairn's address counts."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.projects_table)

    def of(self, project_id: int) -> SourceList:
        """The sources of a project; a built-in one that this Cairn does not know is left out."""
        row = self._table.get(f"project#{project_id}", "sources") or {"sources": [], "version": 0}
        return SourceList(tuple(filter(None, map(source_of, row["sources"]))), row["version"])

    def add(self, project_id: int, source: Source) -> SourceList:
        """Ask ``source`` too, after the others. Raises ``TakenError`` (``source_exists``) when the name is in use,
        ``RefusedError`` (``too_many_sources``)."""
        for _ in range(TRIES):
            known = self.of(project_id)
            if source.name in [other.name for other in known.sources]:
                raise TakenError("source_exists", f"there is a source called {source.name} already: remove it first")
            if len(known.sources) >= MOST:
                raise RefusedError("too_many_sources", f"a project can have {MOST} sources: remove one first")
            if self._put(project_id, (*known.sources, source), known.version):
                return self.of(project_id)
        raise contended()

    def remove(self, project_id: int, name: str) -> Source | None:
        """Ask this source no more. ``None`` when the project has none of the name."""
        for _ in range(TRIES):
            known = self.of(project_id)
            gone = next((source for source in known.sources if source.name == name), None)
            kept = tuple(source for source in known.sources if source is not gone)
            if gone is None or self._put(project_id, kept, known.version):
                return gone
        raise contended()

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
    }


def source_of(value: Row) -> Source | None:
    """The source in a row; ``None`` for a built-in one that is not known here."""
    if value.get("built_in"):
        return BUILT_IN.get(value["name"])
    kinds = tuple(FileType(kind) for kind in value["file_types"])
    return Source(value["name"], value["url"], Layout(value["layout"]), kinds)
