"""Symbols from files and folders that a person names, compiled on first use."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path

from cairn.symbols.blob import FileBlob
from cairn.symbols.breakpad_text import read_lines
from cairn.symbols.compile import Ids, compile_debug_file, identify
from cairn.symbols.elf import MAGIC, Elf
from cairn.symbols.errors import DebugFileError, SymbolFileError
from cairn.symbols.symbol_file import CURRENT, SymbolFile

_BREAKPAD = b"MODULE "
_OTHERS = (
    b"MZ", b"Microsoft C/C++", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf",
)  # fmt: skip
"""How PE, PDB and Mach-O files begin: their ids are read by the native reader, in a child process."""

_FAT = b"\xca\xfe\xba\xbe"
_MOST_ARCHITECTURES = b"\0\0\0\x1e"
"""A Java class begins as a fat Mach-O does, with its version where the count of architectures would be."""

_SYM_MODULE = re.compile(rb"MODULE [^ ]+ [^ ]+ ([0-9a-fA-F]{32})([0-9a-fA-F]{0,8}) ")
_SYM_CODE_ID = re.compile(rb"INFO CODE_ID ([0-9a-fA-F]+)")


class LocalSymbols:
    """The debug files among ``paths`` (files, and folders with all that is in them).

    Compiled files are kept in ``cache_dir`` by the content of the debug file and the version of the format, and used
    again. ``problems`` says, for a person, which files could not be read.
    """

    def __init__(self, paths: Sequence[Path], cache_dir: Path) -> None:
        self._paths = tuple(paths)
        self._cache_dir = cache_dir / f"v{CURRENT}"
        self._opened: dict[Path, tuple[SymbolFile, ...]] = {}
        self.problems: list[str] = []

    def find(self, debug_id: str | None, code_id: str | None) -> tuple[SymbolFile, ...]:
        """Return the symbol files with this debug id or this code id, in the order of the paths."""
        candidates = {path: None for wanted in (debug_id, code_id) if wanted for path in self._files.get(wanted, ())}
        opened = [file for path in candidates for file in self._open(path)]
        return tuple(file for file in opened if _matches(file, debug_id, code_id))

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Debug files by their ids."""
        files: dict[str, list[Path]] = {}
        for path, found in read_all_ids(_walk(self._paths)):
            if isinstance(found, Exception):
                self.problems.append(f"{path}: {found}")
                continue
            for debug_id, code_id in found:
                for wanted in {debug_id, code_id} - {None}:
                    files.setdefault(str(wanted), []).append(path)
        return files

    def _open(self, path: Path) -> tuple[SymbolFile, ...]:
        if path not in self._opened:
            try:
                self._opened[path] = self._open_or_compile(path)
            except (DebugFileError, SymbolFileError, OSError) as error:
                self.problems.append(f"{path}: {error}")
                self._opened[path] = ()
        return self._opened[path]

    def _open_or_compile(self, path: Path) -> tuple[SymbolFile, ...]:
        folder = self._cache_dir / _content_hash(path)
        try:
            return _open_folder(folder, path)
        except (SymbolFileError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache_dir) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            compiled = compile_debug_file(path, made)
            self.problems += [f"{path}: {problem}" for one in compiled for problem in one.problems]
            _keep(made, folder)
        return _open_folder(folder, path)


def read_all_ids(paths: Iterable[Path]) -> Iterator[tuple[Path, list[Ids] | Exception]]:
    """Yield debug id and code id of every object of the debug files among ``paths``, or why one cannot be read."""
    others: list[Path] = []
    for path in paths:
        try:
            found = _cheap_ids(path)
        except (DebugFileError, OSError) as error:
            yield path, error
            continue
        if found is None:
            others.append(path)
        else:
            yield path, found
    yield from zip(others, identify(others), strict=True)


def _cheap_ids(path: Path) -> list[Ids] | None:
    """Read the ids from the first bytes; nothing where it is no debug file, ``None`` where that takes more."""
    with path.open("rb") as file:
        head = file.read(16)
        if head.startswith(_BREAKPAD):
            file.seek(0)
            return _breakpad_ids(read_lines(file))
        if head.startswith(MAGIC):
            build_id = Elf(file).build_id()
            return [(elf_debug_id(build_id), build_id)] if build_id else None
    is_java = head.startswith(_FAT) and head[4:8] > _MOST_ARCHITECTURES
    return None if head.startswith(_OTHERS) and not is_java else []


def elf_debug_id(build_id: str) -> str:
    """Return the debug id of a build id: its first 16 bytes, read as a little-endian GUID."""
    raw = bytes.fromhex(build_id)[:16].ljust(16, b"\0")
    return _guid(raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:])


def _breakpad_ids(lines: Iterator[bytes]) -> list[Ids]:
    module = _SYM_MODULE.match(next(lines, b""))
    if module is None:
        return []
    age = int(module[2] or b"0", 16)
    debug_id = _guid(bytes.fromhex(module[1].decode())) + (f"-{age:x}" if age else "")
    code_id = _SYM_CODE_ID.match(next(lines, b""))
    return [(debug_id, code_id[1].decode().lower() if code_id else None)]


def _guid(raw: bytes) -> str:
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _walk(paths: Sequence[Path]) -> Iterator[Path]:
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


def _content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_folder(folder: Path, debug_file: Path) -> tuple[SymbolFile, ...]:
    paths = sorted(folder.glob("*.symbols"))
    if not paths:
        raise FileNotFoundError(folder)
    return tuple(SymbolFile.open(FileBlob(path), partial(_open_file, debug_file)) for path in paths)


def _open_file(path: Path) -> FileBlob | None:
    try:
        return FileBlob(path)
    except OSError:
        return None


def _keep(made: Path, folder: Path) -> None:
    """Move what was compiled to its place; another process that was faster has put the same there."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
