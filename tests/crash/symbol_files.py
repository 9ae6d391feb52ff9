"""Symbol files for tests: compiled from Breakpad text, or from the sample program of the demo."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cairn.crash.symbolication import Found
from cairn.symbols.compiling.compile import compile_debug_file
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.symbol_file.reader import SymbolFile

SAMPLE = Path(__file__).parent.parent.parent / "cli/cairn_cli/demo/sample"


def compiled(folder: Path, *debug_files: Path) -> list[SymbolFile]:
    """The symbol files of ``debug_files``, written to ``folder``."""
    files = []
    for number, path in enumerate(debug_files):
        place = folder / str(number)
        place.mkdir()
        debug_file = partial(FileBlob, path)
        files += [SymbolFile.open(FileBlob(one.path), debug_file) for one in compile_debug_file(path, place)]
    return files


class Files:
    """A ``SymbolFinder`` over symbol files."""

    def __init__(self, *files: SymbolFile) -> None:
        self.expected: list[tuple[str | None, str | None]] = []
        self._files = files

    def expect(self, ids: Iterable[tuple[str | None, str | None]]) -> None:
        self.expected += ids

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        return Found(tuple(file for file in self._files if debug_id and file.debug_id == debug_id))
