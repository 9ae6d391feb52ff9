"""Debug files as they arrive: alone, or several in a zip archive. Companions without an id get their program's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cairn.symbols.arriving.archive import Archive, ArchiveLimits, Refused, Unpacked, is_archive
from cairn.symbols.formats.companions import Companions, lacks_id


@dataclass(frozen=True, slots=True)
class Arrived:
    """A debug file. ``path`` is where it lies until the next one is asked for, ``name`` its own, without folders."""

    path: Path
    name: str


class Arrivals:
    """Files that come together: first ``of`` each of them, then ``late``. ``folder`` is for what is unpacked."""

    def __init__(self, folder: Path, limits: ArchiveLimits | None = None) -> None:
        self._folder = folder
        self._limits = limits
        self._companions = Companions()
        self._late: list[Callable[[], Arrived]] = []

    def of(self, path: Path) -> Iterator[Arrived | Refused]:
        """The debug files in an archive, and why others of it are not taken; any other file itself.

        Raises ``DebugFileError`` for an archive that cannot be opened.
        """
        if not is_archive(path):
            yield from self._now_or_late(Arrived(path, path.name), partial(Arrived, path, path.name))
            return
        with Archive(path, self._limits) as archive:
            for found in archive.debug_files(self._folder):
                if isinstance(found, Refused):
                    yield found
                else:
                    again = partial(self._unpacked_again, path, found.number)
                    yield from self._now_or_late(Arrived(found.path, found.name), again)

    def late(self) -> Iterator[Arrived]:
        """The companions without an id, with that of their program where it has come too, else as they are."""
        for arrive in self._late:
            found, paired = arrive(), False
            for with_id in self._companions.with_ids(found.path, self._folder):
                yield Arrived(with_id, found.name)
                paired = True
            if not paired:
                yield found

    def _now_or_late(self, found: Arrived, again: Callable[[], Arrived]) -> Iterator[Arrived]:
        if lacks_id(found.path):
            self._late.append(again)
        else:
            self._companions.note(found.path)
            yield found

    def _unpacked_again(self, path: Path, number: int) -> Arrived:
        with Archive(path, self._limits) as archive:
            found: Unpacked = archive.unpack(number, self._folder)
        return Arrived(found.path, found.name)
