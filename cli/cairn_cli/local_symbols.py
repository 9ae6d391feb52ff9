"""Symbols from folders and files of this machine, for `cairn stackwalk`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.crash.symbolication import NO_ID, Found
from cairn.symbols.ranges.blob import REQUEST_GAP
from cairn.symbols.records import SymbolStatus

if TYPE_CHECKING:
    from cairn.symbols.local.folder import LocalSymbols
    from cairn.symbols.symbol_file.reader import SymbolFile


class FolderFinder:
    """Symbol files compiled on first use into a cache (a ``crash.symbolication.SymbolFinder``). ``merge_gap`` is that
    of ``symbols.blob.Blob``."""

    def __init__(self, paths: Sequence[Path], cache: Path, merge_gap: int = 0) -> None:
        self._symbols = _symbols(paths, cache, merge_gap) if paths else None

    def expect(self, ids: Iterable[tuple[str | None, str | None]]) -> None:
        """Nothing to prepare: a file is compiled when a frame first needs it."""

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        """The symbol files that carry one of the ids."""
        if self._symbols is None:
            return Found()
        if not debug_id and not code_id:
            return Found(reason=NO_ID)
        files = self._symbols.find(debug_id, code_id)
        return Found(tuple(files), SymbolStatus.FOUND if files else SymbolStatus.MISSING)

    @property
    def opened(self) -> tuple[SymbolFile, ...]:
        """The symbol files that were opened so far."""
        return self._symbols.opened if self._symbols else ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Which files could not be read so far, and why, for a person."""
        return tuple(self._symbols.problems) if self._symbols else ()


class DistantFolderFinder(FolderFinder):
    """The same, read as if the symbol files lay in S3 (a ``crash.symbolication.DistantFinder``)."""

    def __init__(self, paths: Sequence[Path], cache: Path) -> None:
        super().__init__(paths, cache, REQUEST_GAP)

    def side_by_side(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run ``tasks``. There is nothing to wait for."""
        for task in tasks:
            task()


def _symbols(paths: Sequence[Path], cache: Path, merge_gap: int) -> LocalSymbols:
    from cairn.symbols.local.folder import LocalSymbols

    return LocalSymbols(paths, cache, merge_gap)
