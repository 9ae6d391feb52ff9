"""A debug file that has arrived: compiled once to symbol files, which are indexed by the ids they serve.

A source bundle gets an index of where its files lie, and of an archive each debug file goes its own way.

May be done any number of times: keys and index entries come from the content and the version.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cairn.pipeline.debug_files.pair_companions import WAITS, Pairing
from cairn.pipeline.debug_files.unpack_archive import Unpacking
from cairn.store.aws import Clients
from cairn.store.blobs import put_file
from cairn.store.errors import UnreadableError
from cairn.store.settings import Settings
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, is_stray, name_in, sha1_in, too_large
from cairn.store.symbols.hot_sets import HotSets
from cairn.store.symbols.symbol_index import CompileFailure, SymbolEntry, SymbolIndex
from cairn.symbols.arriving.archive import is_archive
from cairn.symbols.compiling.compile import Compiled, compile_debug_file, compile_source_bundle, is_source_bundle
from cairn.symbols.errors import DebugFileError
from cairn.symbols.formats.companions import lacks_id
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.records import SymbolStatus
from cairn.symbols.source_code.source_index import CURRENT as SOURCES_VERSION
from cairn.symbols.symbol_file.index import CURRENT
from cairn.symbols.symbol_file.reader import first_hot_set

PREFIX = "symbols/"


@dataclass(frozen=True, slots=True)
class CompiledDebugFile:
    """What was made of a debug file: its symbol files, or the reason why there are none; ``problems`` says what of it
    could not be read. Of an archive, the keys of the debug files in it (``members``), and of a companion that of the
    same with an id; ``again`` are files to be compiled now: S3 tells of new objects only. A companion that ``waits``
    for its program has a reason too. ``first_sources`` says that crashes do not know yet that this deployment is sent
    source bundles."""

    entries: tuple[SymbolEntry, ...] = ()
    reason: str | None = None
    problems: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    waits: bool = False
    first_sources: bool = False


class Compilation:
    """The compile step with what it needs; one serves many debug files."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients
        self._debug_files = DebugFiles(settings, clients)
        self._index = SymbolIndex(settings, clients)
        self._records = DebugFileRecords(settings, clients)
        self._unpacking = Unpacking(settings, clients)
        self._pairing = Pairing(settings, clients)

    def run(self, key: str) -> CompiledDebugFile:
        """Compile the debug file with this key.

        A file that cannot be read is a result: the reason is kept with the file. Raises ``StoreError`` where S3 or
        DynamoDB fail.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "debug-file"
            try:
                if not self._debug_files.download(key, path):
                    return CompiledDebugFile(reason="the debug file is not there any more")
            except UnreadableError:
                return self._too_large(key)
            if is_stray(key):
                return self._adopted(key, path)
            if is_archive(path):
                archive = self._unpacking.run(key, path)
                return CompiledDebugFile(reason=archive.reason, members=archive.members, again=archive.again)
            done = self._companion(key, path) if lacks_id(path) else self._compiled(key, path)
            if not done.members:
                self._records.put(record_of(key, path.stat().st_size, done))
        return done

    def _too_large(self, key: str) -> CompiledDebugFile:
        size = self._debug_files.size(key) or 0
        done = self._unusable(key, SymbolStatus.UNSUPPORTED, too_large(size))
        self._records.put(record_of(key, size, done))
        return done

    def _adopted(self, key: str, path: Path) -> CompiledDebugFile:
        """A file that was put into the folder by hand goes to where it is known by its content."""
        if key.endswith("/"):
            return CompiledDebugFile(reason="a folder, and no file")
        own = self._debug_files.put(path, name_in(key))
        self._debug_files.remove(key)
        return CompiledDebugFile(members=(own,), again=self._records.outdated([own], CURRENT))

    def _companion(self, key: str, path: Path) -> CompiledDebugFile:
        try:
            paired = self._pairing.companion(key, path)
        except DebugFileError as error:
            return self._failed(key, error)
        if not paired:
            return replace(self._unusable(key, SymbolStatus.MISSING, WAITS), waits=True)
        return CompiledDebugFile(members=paired, again=self._records.outdated(paired, CURRENT))

    def _compiled(self, key: str, path: Path) -> CompiledDebugFile:
        try:
            if is_source_bundle(path):
                return self._sources(key, path)
            compiled = compile_debug_file(path, path.parent)
        except DebugFileError as error:
            return self._failed(key, error)
        entries = tuple(self._store(key, path.stat().st_size, one) for one in compiled)
        problems = tuple(problem for one in compiled for problem in one.problems)
        self._pairing.program(path)
        return CompiledDebugFile(entries, problems=problems)

    def _store(self, key: str, size: int, compiled: Compiled) -> SymbolEntry:
        stored = f"{PREFIX}v{CURRENT}/{sha1_in(key)}/{compiled.debug_id or compiled.code_id}"
        put_file(self._clients, self._settings.bucket, compiled.path, stored)
        put_first_hot_set(HotSets(self._settings, self._clients), compiled.path, stored)
        entry = entry_of(compiled, key, stored, size)
        self._index.put(entry)
        return entry

    def _sources(self, key: str, path: Path) -> CompiledDebugFile:
        bundle = compile_source_bundle(path, path.parent)
        stored = sources_key(sha1_in(key), bundle.debug_id)
        put_file(self._clients, self._settings.bucket, bundle.path, stored)
        entry = replace(entry_of(bundle, key, stored, path.stat().st_size), version=SOURCES_VERSION)
        self._index.put_sources(entry)
        is_first = not self._index.are_sources_told()
        return CompiledDebugFile((entry,), problems=bundle.problems, first_sources=is_first)

    def _failed(self, key: str, error: DebugFileError) -> CompiledDebugFile:
        status = SymbolStatus.UNSUPPORTED if error.code == "unsupported_format" else SymbolStatus.MALFORMED
        return self._unusable(key, status, str(error))

    def _unusable(self, key: str, status: SymbolStatus, reason: str) -> CompiledDebugFile:
        self._index.put_failure(CompileFailure(key, status, reason, CURRENT, time.time()))
        return CompiledDebugFile(reason=reason)


def put_first_hot_set(hot_sets: HotSets, path: Path, key: str) -> None:
    """Store what the first crash opens the symbol file ``path``, which is stored at ``key``, with. A hot set that is
    there stays."""
    if hot := first_hot_set(FileBlob(path)):
        hot_sets.put(key, hot, None)


def record_of(key: str, size: int, done: CompiledDebugFile) -> DebugFileRecord:
    """What is kept of a debug file of ``size`` bytes."""
    return DebugFileRecord(
        key, size, done.entries, done.reason, CURRENT, time.time(), problems=done.problems, waits=done.waits
    )


def sources_key(sha1: str, debug_id: str | None = "", version: int = SOURCES_VERSION) -> str:
    """Where the index of a source bundle is, by the SHA-1 of the bundle."""
    return f"{PREFIX}sources/v{version}/{sha1}/{debug_id}"


def entry_of(compiled: Compiled, debug_file_key: str, key: str, debug_file_size: int | None = None) -> SymbolEntry:
    """The index entry of a symbol file, or source bundle, that is stored at ``key``."""
    return SymbolEntry(
        debug_id=compiled.debug_id,
        code_id=compiled.code_id,
        name=name_in(debug_file_key),
        format=compiled.format,
        kind=compiled.kind,
        arch=compiled.arch,
        features=compiled.features,
        key=key,
        debug_file_key=debug_file_key,
        size=compiled.path.stat().st_size,
        version=CURRENT,
        created=time.time(),
        debug_file_size=debug_file_size,
        has_code=compiled.has_code,
    )
