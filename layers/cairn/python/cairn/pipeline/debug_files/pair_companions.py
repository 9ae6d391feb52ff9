"""A debug companion without a build id, and the programs that name it: paired in whatever order they arrive.

The companion gets its program's id, and goes on as a debug file of its own. Programs of which only a constant differs
have the same companion: each gets one. May be done any number of times: keys come from the content.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.companions import CompanionLinks
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, debug_file_key, name_in, sha1_in
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.symbols.errors import NoDebugIdError
from cairn.symbols.formats.companions import checksum, give_build_id, lacks_id, named_companion
from cairn.symbols.symbol_file.index import CURRENT

WAITS = (
    "It waits for its program: it has no build id, and only the .gnu_debuglink of the stripped program tells whose it "
    "is. Upload the program too, or link with -Wl,--build-id."
)
NO_ROOM = (
    "The debug companion has no build id, and cannot be given that of its program: its section headers are damaged, or "
    "too many. Link with -Wl,--build-id."
)
MOST_PROGRAMS = 16
"""Programs that one companion serves, as it arrives."""

TRIES = 3
"""How often a companion is looked for that goes somewhere else meanwhile."""


class Pairing:
    """The pairing with what it needs; one serves many files."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._debug_files = DebugFiles(settings, clients)
        self._index = SymbolIndex(settings, clients)
        self._records = DebugFileRecords(settings, clients)
        self._links = CompanionLinks(settings, clients)

    def program(self, path: Path) -> None:
        """Give the companion of the program at ``path`` its id, if it is there; one that comes later will find the
        program. Any other file is passed over."""
        link = named_companion(path)
        if link is None:
            return
        crc, text_id = link
        target = path.with_name("companion")
        for _ in range(TRIES):
            key = self._links.add_program(crc, text_id)
            if key is None:
                return
            if self._debug_files.download(key, target):
                self._pair_waiting(crc, key, target, text_id)
                return
            self._follow(crc, key)

    def companion(self, key: str, path: Path) -> tuple[str, ...]:
        """Store the companion at ``path`` with the ids of its programs, in place of the object ``key``, and tell the
        keys of what is stored; none when no program came yet: then it waits. Raises ``NoDebugIdError`` for one that
        cannot take an id."""
        crc = checksum(path)
        target = path.with_name("companion")
        paired = []
        for text_id in self._links.put_companion(crc, key)[:MOST_PROGRAMS]:
            shutil.copyfile(path, target)
            paired.append(self._put(key, target, text_id))
        if paired:
            self._close(key, path.stat().st_size, paired)
            self._links.put_companion(crc, paired[0])
            self._debug_files.remove(key)
        return tuple(paired)

    def _pair_waiting(self, crc: int, key: str, path: Path, text_id: bytes) -> None:
        """Give this id to a companion that waits, or that other programs have too."""
        waits, size = lacks_id(path), path.stat().st_size
        try:
            paired = self._put(key, path, text_id)
        except NoDebugIdError:
            return
        if waits:
            self._close(key, size, [paired])
            self._debug_files.remove(key)
            self._links.put_companion(crc, paired)

    def _follow(self, crc: int, key: str) -> None:
        """Note where a companion is that is not at this key any more: it was paired and removed, or it was deleted."""
        record = self._records.find([sha1_in(key)]).get(sha1_in(key))
        if record and record.members:
            self._links.put_companion(crc, debug_file_key(record.members[0], name_in(key)))
        else:
            self._links.remove_companion(crc, key)

    def _put(self, key: str, path: Path, text_id: bytes) -> str:
        if not give_build_id(path, text_id):
            raise NoDebugIdError(NO_ROOM)
        return self._debug_files.put(path, name_in(key))

    def _close(self, key: str, size: int, paired: Sequence[str]) -> None:
        """Let the files that are ``paired`` stand for a companion as it came. Its object goes last of all that leads
        here again when this breaks off: for a companion that arrives its own key, else that in the row."""
        members = tuple(map(sha1_in, paired))
        self._records.put(DebugFileRecord(key, size, (), None, CURRENT, time.time(), members))
        self._index.forget_failure(key)
