"""Source bundles from folders and files of this machine, for `cairn stackwalk`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cairn.crash.source_context import Sources
from cairn.symbols.local.source_folder import LocalSources
from cairn.symbols.source_code.source_search import Wanted, search


class FolderSources:
    """A ``crash.source_context.SourceFinder`` over source bundles, which are indexed on first use into a cache."""

    def __init__(self, paths: Sequence[Path], cache: Path) -> None:
        self._sources = LocalSources(paths, cache)

    def find(self, wanted: Wanted) -> Sources:
        """The ``wanted`` lines that can be had."""
        candidates = {debug_id: found for debug_id in wanted if (found := self._sources.find(debug_id))}
        modules = search(candidates, wanted)
        return Sources({debug_id: modules[debug_id] for debug_id in candidates})

    @property
    def problems(self) -> tuple[str, ...]:
        """Which bundles could not be read so far, and why, for a person."""
        return tuple(self._sources.problems)
