"""The symbol files of a deployment: asked for in one batch per dump, opened once per process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial

from cairn.crash.symbolication import NO_ID, Found
from cairn.store.aws import Clients
from cairn.store.blobs import DebugFile, S3Blob
from cairn.store.errors import RefusedError, StoreError
from cairn.store.settings import Settings
from cairn.store.symbols.hot_sets import HotSets
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.symbol_index import ModuleIds, SymbolEntry, SymbolIndex
from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.records import SymbolStatus
from cairn.symbols.symbol_file.index import CURRENT
from cairn.symbols.symbol_file.reader import SymbolFile

SMALLEST_WITH_HOT_SET = 256 * 1024
"""Bytes of a symbol file below which reading all of it costs no more than reading its hot set."""

GROWTH = 8
"""A hot set is written again when an eighth of it would be new."""

READY_AT_ONCE = 8
"""Symbol files of this process that are opened, or read from, at the same time."""

OPEN_FILES = 64
"""Symbol files that a warm function keeps open; each may hold tens of megabytes of decoded pieces."""


class OpenSymbolFiles:
    """Symbol files by their key, the ones used last kept open from one dump to the next. Threads may share it."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._bucket = settings.bucket
        self._clients = clients
        self._hot_sets = HotSets(settings, clients)
        self._last_uses = LastUses(settings, clients)
        self._lock = threading.Lock()
        self._files: OrderedDict[str, SymbolFile] = OrderedDict()
        self._tags: dict[str, str | None] = {}
        """What each open file's hot set was read as; files without one are not in here."""
        self._used: dict[str, SymbolEntry] = {}
        """What was asked for since uses were noted."""
        self._outdated: dict[str, SymbolEntry] = {}
        """What an older Cairn compiled, and was asked for since that was taken."""

    def open(self, entry: SymbolEntry) -> SymbolFile:
        """The symbol file of ``entry``. Raises ``SymbolFileError`` when it is damaged or of another version,
        ``RefusedError`` when it is gone."""
        if entry.version < CURRENT:
            with self._lock:
                self._outdated[entry.key] = entry
            raise SymbolFileVersionError("an older Cairn compiled it; it is compiled again, and the crash with it")
        with self._lock:
            file = self._files.pop(entry.key, None)
        if file is None:
            file = self._opened(entry)
        with self._lock:
            self._files[entry.key] = file
            self._used[entry.key] = entry
            if len(self._files) > OPEN_FILES:
                key, _ = self._files.popitem(last=False)
                self._tags.pop(key, None)
        return file

    def _opened(self, entry: SymbolEntry) -> SymbolFile:
        blob = S3Blob(self._clients, self._bucket, entry.key, entry.size)
        debug_file = partial(self._debug_file, entry)
        if entry.size < SMALLEST_WITH_HOT_SET:
            return SymbolFile.open(blob, debug_file, origin=entry.debug_file_key)
        stored = self._hot_sets.get(entry.key)
        self._tags[entry.key] = stored.tag
        with suppress(SymbolFileError):  # the hot set's fault; if it is the file's own, that shows below
            if stored.hot:
                return SymbolFile.open(blob, debug_file, stored.hot, entry.debug_file_key)
        return SymbolFile.open(blob, debug_file, origin=entry.debug_file_key)

    def _debug_file(self, entry: SymbolEntry) -> DebugFile | None:
        """The debug file as it was uploaded, unless it is not there any more."""
        try:
            return DebugFile(self._clients, self._bucket, entry.debug_file_key, entry.debug_file_size)
        except RefusedError:
            return None

    def keep_hot_sets(self) -> None:
        """Store what was looked up since, for the next crash of the same programs. A PUT costs as much as a dozen GETs,
        so a hot set is written only when it has grown by a part, and once for each time that a file is opened. What
        fails here is only a memory lost."""
        for key, tag in list(self._tags.items()):
            file = self._files.get(key)
            if file and (file.known_places - file.hot_places) * GROWTH > file.hot_places:
                del self._tags[key]
                with suppress(StoreError):
                    self._hot_sets.put(key, file.hot_set(), tag)

    def take_outdated(self) -> tuple[SymbolEntry, ...]:
        """What was asked for since the last time and is to be compiled again."""
        with self._lock:
            outdated, self._outdated = self._outdated, {}
        return tuple(outdated.values())

    def note_uses(self) -> None:
        """Note that the files asked for since are of use, so that they are kept."""
        with self._lock:
            used, self._used = self._used, {}
        self._last_uses.note(used.values(), time.time())


class IndexFinder:
    """The symbol files for the modules of one dump (a ``crash.symbolication.DistantFinder``)."""

    def __init__(self, index: SymbolIndex, files: OpenSymbolFiles, *, consistent: bool = False) -> None:
        """With ``consistent`` it also finds what was indexed just now."""
        self._index = index
        self._files = files
        self._consistent = consistent
        self._entries: dict[ModuleIds, tuple[SymbolEntry, ...]] = {}

    def expect(self, ids: Iterable[ModuleIds]) -> None:
        """Ask the index for all of ``ids`` at once."""
        self._entries |= self._index.find(list(ids), consistent=self._consistent)

    def has_news(self, ids: Iterable[ModuleIds]) -> bool:
        """Whether the index has other files for ``ids`` by now than it had when it was asked."""
        now = self._index.find(list(ids), consistent=True)
        return any(self._entries.get(pair, ()) != entries for pair, entries in now.items())

    def compiled(self, debug_id: str) -> float:
        """When symbols that this dump found by a debug id were last compiled, in Unix seconds; 0 for never."""
        return max(
            (one.created for ids, found in self._entries.items() if ids[0] == debug_id for one in found), default=0
        )

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        """The symbol files that carry one of the ids, or why there are none."""
        if not debug_id and not code_id:
            return Found(reason=NO_ID)
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

    def side_by_side(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run ``tasks``, each in a thread: most of their time is waiting for S3."""
        if len(tasks) == 1:
            tasks[0]()
        else:
            list(workers().map(lambda task: task(), tasks))


@cache
def workers() -> ThreadPoolExecutor:
    """The threads that wait for S3, one a symbol file."""
    return ThreadPoolExecutor(READY_AT_ONCE, thread_name_prefix="symbol-file")
