"""Source bundles among files and folders that a person names, indexed on first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cairn.symbols.errors import DebugFileError, SymbolFileError
from cairn.symbols.local.folder import walk
from cairn.symbols.local.known_files import KnownFiles
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_index import CURRENT
from cairn.symbols.source_code.source_search import Candidate

if TYPE_CHECKING:  # what compiles is imported only where something is compiled
    from cairn.symbols.compiling.compile import Ids

ENDING = ".zip"
"""How names of bundles end: ``sentry-cli debug-files bundle-sources`` makes ``game.src.zip``."""


class LocalSources:
    """The source bundles among ``paths`` (files, and folders with all that is in them).

    Indexes are kept in ``cache_dir`` by the content of the bundle and the version of the format, and used again.
    ``problems`` says, for a person, which bundles could not be read.
    """

    def __init__(self, paths: Sequence[Path], cache_dir: Path) -> None:
        self._paths = tuple(paths)
        self._cache_dir = cache_dir / "sources" / f"v{CURRENT}"
        self._known = KnownFiles(self._cache_dir / "known.json")
        self.problems: list[str] = []

    def find(self, debug_id: str) -> list[Candidate]:
        """The bundles of the module with this debug id, in the order of the paths."""
        return [Candidate(path.name, partial(self._open, path)) for path in self._bundles.get(debug_id, ())]

    @cached_property
    def _bundles(self) -> dict[str, list[Path]]:
        """Bundles by debug id."""
        paths = [path for path in walk(self._paths) if path.name.lower().endswith(ENDING) and self._is_bundle(path)]
        known = {path: found for path in paths if (found := self._known.ids(path)) is not None}
        ids = known | self._read_ids([path for path in paths if path not in known])
        bundles: dict[str, list[Path]] = {}
        for path in paths:
            for debug_id in {debug_id for debug_id, _ in ids.get(path, ()) if debug_id}:
                bundles.setdefault(debug_id, []).append(path)
        return bundles

    def _is_bundle(self, path: Path) -> bool:
        from cairn.symbols.compiling.compile import is_source_bundle

        try:
            return is_source_bundle(path)
        except OSError as error:
            self.problems.append(f"{path}: {error}")
            return False

    def _read_ids(self, paths: Sequence[Path]) -> dict[Path, list[Ids]]:
        """The ids of bundles that are not known yet."""
        if not paths:
            return {}
        from cairn.symbols.compiling.compile import identify

        return self._known.learn(zip(paths, identify(paths), strict=True), self.problems)

    def _open(self, path: Path) -> SourceBundle:
        """Raises ``SymbolFileError`` or ``OSError``, as a candidate does."""
        index = self._cache_dir / f"{self._known.content_hash(path)}.sources"
        self._known.save()
        try:
            return SourceBundle(FileBlob(index), FileBlob(path))
        except (SymbolFileError, OSError):
            self._index(path, index)
        return SourceBundle(FileBlob(index), FileBlob(path))

    def _index(self, path: Path, index: Path) -> None:
        from cairn.symbols.compiling.compile import compile_source_bundle

        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._cache_dir) as scratch:
            try:
                compile_source_bundle(path, Path(scratch)).path.replace(index)
            except DebugFileError as error:
                raise SymbolFileError(str(error)) from error
