"""A zip archive of debug files that has arrived: each file in it becomes a debug file of its own.

S3 tells of the new objects, which are compiled as if they had been uploaded alone. May be done any number of times:
keys come from the content.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, sha1_in
from cairn.store.symbols.symbol_index import CompileFailure, SymbolIndex
from cairn.symbols.arriving.archive import Refused
from cairn.symbols.arriving.arrivals import Arrivals, Arrived
from cairn.symbols.errors import DebugFileError
from cairn.symbols.records import SymbolStatus
from cairn.symbols.symbol_file.index import CURRENT

TOLD = 10
"""Refused files that are named, of those that there may be."""


@dataclass(frozen=True, slots=True)
class UnpackedArchive:
    """What was in an archive: the keys of its debug files, of those the ones that are to be compiled though S3 does not
    tell of them, and why files were not taken."""

    members: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    reason: str | None = None


class Unpacking:
    """The unpacking with what it needs; one serves many archives."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._debug_files = DebugFiles(settings, clients)
        self._index = SymbolIndex(settings, clients)
        self._records = DebugFileRecords(settings, clients)

    def run(self, key: str, path: Path) -> UnpackedArchive:
        """Store what is in the archive with this key, which was downloaded to ``path``.

        An archive is removed once all of it is stored. It is kept, with the reason, when something of it is not taken.
        Raises ``StoreError`` where S3 or DynamoDB fail.
        """
        members: list[str] = []
        refused: list[Refused] = []
        try:
            for found in _arriving(path):
                if isinstance(found, Refused):
                    refused.append(found)
                else:
                    members.append(self._debug_files.put(found.path, found.name))
            reason = _reason(members, refused)
        except DebugFileError as error:
            reason = str(error)
        done = UnpackedArchive(tuple(dict.fromkeys(members)), self._records.outdated(members, CURRENT), reason)
        self._finish(key, path.stat().st_size, done)
        return done

    def _finish(self, key: str, size: int, done: UnpackedArchive) -> None:
        now = time.time()
        if done.reason:
            self._index.put_failure(CompileFailure(key, SymbolStatus.UNSUPPORTED, done.reason, CURRENT, now))
        sha1s = tuple(map(sha1_in, done.members))
        self._records.put(DebugFileRecord(key, size, (), done.reason, CURRENT, now, members=sha1s))
        if not done.reason:
            self._debug_files.remove(key)


def _arriving(path: Path) -> Iterator[Arrived | Refused]:
    arrivals = Arrivals(path.parent)
    yield from arrivals.of(path)
    yield from arrivals.late()


def _reason(members: list[str], refused: list[Refused]) -> str | None:
    if not members and not refused:
        return "The zip archive holds no debug file: neither ELF, Mach-O, PE, PDB nor a Breakpad symbol file."
    if not refused:
        return None
    told = "; ".join(f"{one.name}: {one.reason}" for one in refused[:TOLD])
    more = f"; and {len(refused) - TOLD} more" if len(refused) > TOLD else ""
    taken = f"{len(members)} debug files of the zip archive were taken" if members else "Nothing was taken"
    return f"{taken}. Not taken: {told}{more}."
