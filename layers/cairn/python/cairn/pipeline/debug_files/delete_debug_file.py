"""A debug file that is to go: with everything that was made of it. Events keep the names that they have.

May be done any number of times, also after it broke off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cairn.pipeline.debug_files.compile_debug_file import PREFIX as SYMBOL_FILES
from cairn.pipeline.debug_files.compile_debug_file import sources_key
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.assemblies import Assemblies
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import PREFIX as DEBUG_FILES
from cairn.store.symbols.debug_files import is_stray
from cairn.store.symbols.hot_sets import PREFIX as HOT_SETS
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.source_code.source_index import CURRENT as SOURCES_VERSION
from cairn.symbols.source_code.source_index import FIRST as FIRST_SOURCES_VERSION
from cairn.symbols.symbol_file.hot_set import CURRENT as HOT_SET_VERSION
from cairn.symbols.symbol_file.index import CURRENT as SYMBOL_FILE_VERSION

SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was removed: keys of objects, index entries, and whether there was a record of the file."""

    sha1: str
    debug_files: tuple[str, ...]
    symbol_files: tuple[str, ...]
    hot_sets: tuple[str, ...]
    entries: tuple[SymbolEntry, ...]
    record: bool

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to remove."""
        return not (self.debug_files or self.symbol_files or self.hot_sets or self.entries or self.record)


class Deletion:
    """The deletion with what it needs; one serves many files."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket)
        self._index = SymbolIndex(settings, clients)
        self._records = DebugFileRecords(settings, clients)
        self._assemblies = Assemblies(settings, clients)

    def run(self, sha1: str) -> Deleted:
        """Remove the debug file with this SHA-1 (40 lower-case hex digits, else ``ValueError``). Raises ``StoreError``
        where S3 or DynamoDB fail."""
        if not SHA1.fullmatch(sha1):
            raise ValueError(f"{sha1!r} is no SHA-1")
        record = self._records.find([sha1]).get(sha1)
        entries = list(self._index.of_debug_file(sha1))
        entries += [entry for entry in record.entries if entry not in entries] if record else []
        done = Deleted(
            sha1,
            debug_files=self._objects.keys(f"{DEBUG_FILES}{sha1}/") + strays(record),
            symbol_files=self._keys(sha1) + self._source_indexes(sha1),
            hot_sets=tuple(
                key for version in range(1, HOT_SET_VERSION + 1) for key in self._keys(sha1, f"{HOT_SETS}v{version}/")
            ),
            entries=tuple(entries),
            record=record is not None,
        )
        self._remove(done)
        return done

    def _keys(self, sha1: str, before: str = "") -> tuple[str, ...]:
        """The symbol files of all versions, or what lies by their keys ``before`` that."""
        versions = range(1, SYMBOL_FILE_VERSION + 1)
        return tuple(key for n in versions for key in self._objects.keys(f"{before}{SYMBOL_FILES}v{n}/{sha1}/"))

    def _source_indexes(self, sha1: str) -> tuple[str, ...]:
        """Those of all versions that there were."""
        versions = range(FIRST_SOURCES_VERSION, SOURCES_VERSION + 1)
        return tuple(key for n in versions for key in self._objects.keys(sources_key(sha1, version=n)))

    def _remove(self, done: Deleted) -> None:
        """First what crashes go by, then the objects, and last what a deletion that broke off is found by."""
        for entry in done.entries:
            self._index.remove(entry)
        for key in done.debug_files:
            self._index.forget_failure(key)
        for key in (*done.hot_sets, *done.symbol_files, *done.debug_files):
            self._objects.delete(key)
        self._assemblies.forget(done.sha1)
        self._records.remove(done.sha1)
        for entry in done.entries:
            self._index.remove_from_list(entry)


def strays(record: DebugFileRecord | None) -> tuple[str, ...]:
    """The object of a file that lies elsewhere in the folder of debug files, put there by hand."""
    return (record.key,) if record and is_stray(record.key) else ()
