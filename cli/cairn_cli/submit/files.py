"""The minidumps that are named on the command line, one by one or by their folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cairn_cli.errors import CliError

DUMPS = {".dmp", ".mdmp"}
"""How the names of minidumps end: Crashpad and Breakpad write the first, Windows Error Reporting the second too."""
PACKED = {".gz", ".xz", ".bz2", ".zst"}


def dumps_of(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and of folders all that is called like a minidump, however deep. A file comes once.
    Raises ``CliError`` for a folder without one."""
    found: dict[Path, None] = {}
    for path in paths:
        found |= dict.fromkeys(in_folder(path) if path.is_dir() else [path])
    return list(found)


def in_folder(folder: Path) -> list[Path]:
    """The minidumps in a folder, in the order of their names."""
    found = sorted(path for path in folder.rglob("*") if is_dump(path) and path.is_file())
    if not found:
        raise CliError(
            f"no minidumps in {folder}", f"they are called {' or '.join(f'*{end}' for end in sorted(DUMPS))}"
        )
    return found


def is_dump(path: Path) -> bool:
    """Whether a file is called like a minidump, compressed or not."""
    name = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return name.suffix.lower() in DUMPS
