"""Writing a symbol file. The format is in ``docs/symbol-files.md``, to the byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from cairn.symbols.ranges.pieces import compress
from cairn.symbols.symbol_file.columns import Piece
from cairn.symbols.symbol_file.coverage import Coverage, Stretch
from cairn.symbols.symbol_file.index import CURRENT, MAGIC, TRAILER, Description, pack_index

NAMES_LEVEL, RULES_LEVEL, INDEX_LEVEL = 3, 9, 9
"""How hard zstd tries. Rules and index are small, and nearly every crash reads some of them."""


class Frame(NamedTuple):
    """The first address of a piece, and its size in the file."""

    start: int
    size: int


def write_frames(file: BinaryIO, pieces: Iterable[Piece], level: int) -> list[Frame]:
    """Write pieces back to back."""
    return [Frame(piece.start, file.write(compress(piece.data, level))) for piece in pieces]


class SymbolFileWriter:
    """Writes a symbol file, piece by piece: all pieces of names, then all of rules, each in order of address."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(MAGIC)
        self._sizes: list[int] = []
        self._starts: dict[str, list[int]] = {"names": [], "rules": []}

    def __enter__(self) -> SymbolFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add_names(self, pieces: Iterable[Piece]) -> None:
        self._note("names", write_frames(self._file, pieces, NAMES_LEVEL))

    def add_written_names(self, path: Path, frames: Iterable[Frame]) -> None:
        """Add pieces of names that ``write_frames`` wrote elsewhere."""
        with path.open("rb") as file:
            shutil.copyfileobj(file, self._file)
        self._note("names", frames)

    def add_rules(self, pieces: Iterable[Piece]) -> None:
        self._note("rules", write_frames(self._file, pieces, RULES_LEVEL))

    def _note(self, kind: str, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self._sizes.append(frame.size)
            self._starts[kind].append(frame.start)

    def finish(self, description: Description, covered: Iterable[Stretch]) -> None:
        """Write the index; ``covered`` are the stretches of addresses that belong to functions."""
        names, rules = self._starts["names"], self._starts["rules"]
        frame = compress(pack_index(description, self._sizes, names, rules, Coverage.of(covered)), INDEX_LEVEL)
        self._file.write(frame)
        self._file.write(TRAILER.pack(len(frame), CURRENT, MAGIC))
