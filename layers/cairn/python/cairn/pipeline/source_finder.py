"""The source bundles of a deployment, for the lines around a crash."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable

from cairn.crash.source_context import Lines
from cairn.store.aws import Clients
from cairn.store.blobs import S3Blob
from cairn.store.errors import RefusedError
from cairn.store.last_uses import LastUses
from cairn.store.settings import Settings
from cairn.store.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.source_bundle import SourceBundle

OPEN_BUNDLES = 4
"""Bundles that a warm function keeps open: each holds its directory, which for 100,000 files is 87 MB of memory."""


class StoredSources:
    """A ``crash.source_context.SourceFinder`` over the bundles that were uploaded; one serves a process."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._bucket = settings.bucket
        self._clients = clients
        self._index = SymbolIndex(settings, clients)
        self._uses = LastUses(settings, clients)
        self._open: OrderedDict[str, SourceBundle | None] = OrderedDict()

    def lines(self, debug_id: str, paths: Iterable[str]) -> Lines:
        """The lines of those files that the latest bundle with any of them has. A bundle that is damaged or gone counts
        as none: source is a help, and no part of the crash."""
        wanted = list(paths)
        for entry in self._index.find_sources(debug_id):
            if found := self._lines_of(entry, wanted):
                self._uses.note([entry], time.time())
                return found
        return {}

    def _lines_of(self, entry: SymbolEntry, paths: list[str]) -> Lines:
        bundle = self._opened(entry)
        try:
            return bundle.lines(paths) if bundle else {}
        except RefusedError:  # deleted since it was opened
            self._open[entry.key] = None
            return {}

    def _opened(self, entry: SymbolEntry) -> SourceBundle | None:
        if entry.key not in self._open:
            self._open[entry.key] = self._open_bundle(entry)
        self._open.move_to_end(entry.key)
        if len(self._open) > OPEN_BUNDLES:
            self._open.popitem(last=False)
        return self._open[entry.key]

    def _open_bundle(self, entry: SymbolEntry) -> SourceBundle | None:
        try:
            return SourceBundle(S3Blob(self._clients, self._bucket, entry.key, entry.size))
        except (SymbolFileError, RefusedError):
            return None
