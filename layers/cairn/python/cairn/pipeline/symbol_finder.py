"""The symbol files of a deployment: asked for in one batch per dump, opened once per process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial

from cairn.crash.symbolication import Found
from cairn.store.aws import Clients
from cairn.store.blobs import S3Blob
from cairn.store.errors import RefusedError
from cairn.store.settings import Settings
from cairn.store.symbol_index import ModuleIds, SymbolEntry, SymbolIndex
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.records import SymbolStatus
from cairn.symbols.symbol_file import SymbolFile

OPEN_FILES = 64
"""Symbol files that a warm function keeps open; each may hold tens of megabytes of decoded pieces."""


class OpenSymbolFiles:
    """Symbol files by their key, the ones used last kept open from one dump to the next."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._bucket = settings.bucket
        self._clients = clients
        self._files: OrderedDict[str, SymbolFile] = OrderedDict()

    def open(self, entry: SymbolEntry) -> SymbolFile:
        """The symbol file of ``entry``. Raises ``SymbolFileError`` when it is damaged or of another version,
        ``RefusedError`` when it is gone."""
        file = self._files.pop(entry.key, None)
        if file is None:
            blob = S3Blob(self._clients, self._bucket, entry.key, entry.size)
            file = SymbolFile.open(blob, partial(self._debug_file, entry.debug_file_key))
        self._files[entry.key] = file
        if len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)
        return file

    def _debug_file(self, key: str) -> S3Blob | None:
        """The debug file as it was uploaded, unless it is not there any more."""
        try:
            return S3Blob(self._clients, self._bucket, key)
        except RefusedError:
            return None


class IndexFinder:
    """The symbol files for the modules of one dump (a ``crash.symbolication.SymbolFinder``)."""

    def __init__(self, index: SymbolIndex, files: OpenSymbolFiles) -> None:
        self._index = index
        self._files = files
        self._entries: dict[ModuleIds, tuple[SymbolEntry, ...]] = {}

    def expect(self, ids: Iterable[ModuleIds]) -> None:
        """Ask the index for all of ``ids`` at once."""
        self._entries |= self._index.find(list(ids))

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        """The symbol files that carry one of the ids, or why there are none."""
        if not debug_id and not code_id:
            return Found(reason="the dump has neither a debug id nor a code id for this module")
        if (debug_id, code_id) not in self._entries:
            self.expect([(debug_id, code_id)])
        entries = self._entries[debug_id, code_id]
        if not entries:
            return Found(reason="no debug file with this id was uploaded")
        return self._opened(entries)

    def _opened(self, entries: tuple[SymbolEntry, ...]) -> Found:
        files, problems = [], []
        for entry in entries:
            try:
                files.append(self._files.open(entry))
            except (SymbolFileError, RefusedError) as error:
                problems.append(f"{entry.name}: {error}")
        status = SymbolStatus.FOUND if files else SymbolStatus.MALFORMED
        return Found(tuple(files), status, "; ".join(problems) or None)
