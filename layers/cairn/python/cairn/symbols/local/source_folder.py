"""Source bundles among files and folders that a person names, indexed on first use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cairn.symbols.errors import DebugFileError, SymbolFileError
from cairn.symbols.local.archives import Archives, archives_among
from cairn.symbols.local.folder import walk
from cairn.symbols.local.known_files import KnownFiles
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_index import CURRENT
from cairn.symbols.source_code.source_search import Candidate

if TYPE_CHECKING:  # what compiles is imported only where something is compiled
    from cairn.symbols.arriving.archive_contents import Member
    from cairn.symbols.compiling.compile import Ids

ENDING = ".zip"
"""How names of bundles end: ``sentry-cli debug-files bundle-sources`` makes ``game.src.zip``."""


class LocalSources:
    """The source bundles among ``paths`` (files, and folders with all that is in them), and those in zip archives.

    Indexes are kept in ``cache_dir`` by the content of the bundle and the version of the format, and used again.
    ``problems`` says, for a person, which bundles could not be read.
    """

    def __init__(self, paths: Sequence[Path], cache_dir: Path) -> None:
        self._paths = tuple(paths)
        self._cache_dir = cache_dir / "sources" / f"v{CURRENT}"
        self._known = KnownFiles(self._cache_dir / "known.json")
        self._archives = Archives(cache_dir)
        self.problems: list[str] = []

    def find(self, debug_id: str) -> list[Candidate]:
        """The bundles of the module with this debug id, in the order of the paths."""
        plain = [Candidate(path.name, partial(self._open, path)) for path in self._bundles.get(debug_id, ())]
        packed = [member for member in self._packed if any(debug_id == one for one, _ in member.ids)]
        return plain + [Candidate(member.name, partial(self._open_packed, member)) for member in packed]

    @cached_property
    def _walked(self) -> list[Path]:
        return list(walk(self._paths))

    @cached_property
    def _bundles(self) -> dict[str, list[Path]]:
        """Bundles by debug id."""
        paths = [path for path in self._walked if path.name.lower().endswith(ENDING) and self._is_bundle(path)]
        known = {path: found for path in paths if (found := self._known.ids(path)) is not None}
        ids = known | self._read_ids([path for path in paths if path not in known])
        bundles: dict[str, list[Path]] = {}
        for path in paths:
            for debug_id in {debug_id for debug_id, _ in ids.get(path, ()) if debug_id}:
                bundles.setdefault(debug_id, []).append(path)
        return bundles

    @cached_property
    def _packed(self) -> list[Member]:
        """Bundles in archives. What is wrong with the archives is told where the symbols in them are looked for."""
        found: list[Member] = []
        for archive in archives_among(self._paths, self._walked):
            with suppress(DebugFileError, OSError):
                found += (member for member in self._archives.contents(archive).members if member.is_bundle)
        return found

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

    def _open_packed(self, member: Member) -> SourceBundle:
        """As ``_open``, for a bundle in an archive."""
        try:
            return self._open(self._archives.file(member))
        except DebugFileError as error:
            raise SymbolFileError(str(error)) from error

    def _index(self, path: Path, index: Path) -> None:
        from cairn.symbols.compiling.compile import compile_source_bundle

        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._cache_dir) as scratch:
            try:
                compile_source_bundle(path, Path(scratch)).path.replace(index)
            except DebugFileError as error:
                raise SymbolFileError(str(error)) from error
