"""Symbols from files and folders that a person names, compiled on first use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.symbols.errors import DebugFileError, SymbolFileError
from cairn.symbols.local.archives import Archives, archives_among
from cairn.symbols.local.known_files import KnownFiles
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.symbol_file.index import CURRENT
from cairn.symbols.symbol_file.reader import SymbolFile, first_hot_set

if TYPE_CHECKING:
    from cairn.symbols.arriving.archive_contents import Member
    from cairn.symbols.compiling.compile import Ids


class LocalSymbols:
    """The debug files among ``paths`` (files, and folders with all that is in them), and those in zip archives.

    Compiled files are kept in ``cache_dir`` by the content of the debug file and the version of the format, and used
    again. A debug file that did not change since is not even opened. ``problems`` says, for a person, which files could
    not be read. ``merge_gap`` is that of the blobs that are read; where there is one, they are opened as a deployment
    opens them.
    """

    def __init__(self, paths: Sequence[Path], cache_dir: Path, merge_gap: int = 0) -> None:
        self._paths = tuple(paths)
        self._cache_dir = cache_dir / f"v{CURRENT}"
        self._merge_gap = merge_gap
        self._known = KnownFiles(self._cache_dir / "known.json")
        self._archives = Archives(cache_dir)
        self._members: dict[Path, Member] = {}
        self._opened: dict[Path, tuple[SymbolFile, ...]] = {}
        self.problems: list[str] = []

    def find(self, debug_id: str | None, code_id: str | None) -> tuple[SymbolFile, ...]:
        """Return the symbol files with this debug id or this code id, in the order of the paths."""
        candidates = {path: None for wanted in (debug_id, code_id) if wanted for path in self._files.get(wanted, ())}
        opened = [file for path in candidates for file in self._open(path)]
        return tuple(file for file in opened if _matches(file, debug_id, code_id))

    @property
    def opened(self) -> tuple[SymbolFile, ...]:
        """The symbol files that were opened so far."""
        return tuple(file for files in self._opened.values() for file in files)

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Debug files by their ids. Those in archives go by the path that shows where they are."""
        paths = {path: self._known.ids(path) for path in walk(self._paths)}
        archives = list(archives_among(self._paths, [path for path, ids in paths.items() if not ids]))
        paths |= self._read_ids([path for path, ids in paths.items() if ids is None])
        for archive in archives:
            paths |= self._look_into(archive)
        files: dict[str, list[Path]] = {}
        for path, ids in paths.items():
            for one in {text for pair in ids or () for text in pair if text}:
                files.setdefault(one, []).append(path)
        return files

    def _read_ids(self, paths: Sequence[Path]) -> dict[Path, list[Ids]]:
        """The ids of files that are not known yet."""
        if not paths:
            return {}
        from cairn.symbols.arriving.debug_file_ids import read_all_ids

        return self._known.learn(read_all_ids(paths), self.problems)

    def _look_into(self, archive: Path) -> dict[Path, list[Ids]]:
        """The ids of the files in an archive."""
        try:
            contents = self._archives.contents(archive)
        except (DebugFileError, OSError) as error:
            self.problems.append(f"{archive}: {error}")
            return {}
        self.problems += [f"{archive}: {problem}" for problem in contents.problems]
        found = {member.shown: member for member in contents.members if not member.is_bundle}
        self._members |= found
        return {path: list(member.ids) for path, member in found.items()}

    def _open(self, path: Path) -> tuple[SymbolFile, ...]:
        if path not in self._opened:
            try:
                self._opened[path] = self._open_or_compile(path)
            except (DebugFileError, SymbolFileError, OSError) as error:
                self.problems.append(f"{path}: {error}")
                self._opened[path] = ()
        return self._opened[path]

    def _open_or_compile(self, path: Path) -> tuple[SymbolFile, ...]:
        member = self._members.get(path)
        folder = self._cache_dir / (member.key if member else self._known.content_hash(path))
        self._known.save()
        try:
            return self._open_folder(folder, path)
        except (SymbolFileError, OSError):
            self._compile(path, folder)
        return self._open_folder(folder, path)

    def _open_folder(self, folder: Path, debug_file: Path) -> tuple[SymbolFile, ...]:
        paths = sorted(folder.glob("*.symbols"))
        if not paths:
            raise FileNotFoundError(folder)
        opener, origin = partial(self._open_debug_file, debug_file), str(debug_file)
        return tuple(
            SymbolFile.open(blob, opener, first_hot_set(blob) if self._merge_gap else None, origin)
            for blob in (FileBlob(path, self._merge_gap) for path in paths)
        )

    def _compile(self, path: Path, folder: Path) -> None:
        """Compile a debug file into ``folder``. The imports are here since hardly any walk compiles something."""
        import shutil
        import tempfile

        from cairn.symbols.compiling.compile import compile_debug_file

        shutil.rmtree(folder, ignore_errors=True)
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache_dir) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            compiled = compile_debug_file(self._on_disk(path), made)
            self.problems += [f"{path}: {problem}" for one in compiled for problem in one.problems]
            _keep(made, folder)

    def _open_debug_file(self, path: Path) -> FileBlob | None:
        try:
            return FileBlob(self._on_disk(path))
        except (DebugFileError, OSError):
            return None

    def _on_disk(self, path: Path) -> Path:
        """Where a debug file can be read. Raises ``DebugFileError`` or ``OSError`` when it is in an archive and cannot
        be unpacked."""
        member = self._members.get(path)
        return self._archives.file(member) if member else path


def walk(paths: Sequence[Path]) -> Iterator[Path]:
    """The files among ``paths``, and those in the folders among them, in an order that is always the same."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (file for name in sorted(names) if (file := Path(folder, name)).is_file())
        else:
            yield path


def _matches(file: SymbolFile, debug_id: str | None, code_id: str | None) -> bool:
    """Whether the ids fit. Two debug ids that differ rule a file out, whatever its code id says."""
    if debug_id and file.debug_id:
        return file.debug_id == debug_id
    return code_id is not None and file.code_id == code_id


def _keep(made: Path, folder: Path) -> None:
    """Move what was compiled to its place; another process that was faster has put the same there."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
