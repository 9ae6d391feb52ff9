"""Writing a symbol file. The format is in ``docs/symbol-files.md``, to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from cairn.symbols.ranges.pieces import compress
from cairn.symbols.symbol_file.columns import Piece
from cairn.symbols.symbol_file.coverage import Coverage, Stretch
from cairn.symbols.symbol_file.index import CURRENT, MAGIC, TRAILER, Description

NAMES_LEVEL, RULES_LEVEL, INDEX_LEVEL = 3, 9, 9
"""How hard zstd tries. Rules and index are small, and what of them lies close to the end of a file saves a request."""


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
        self._add("names", pieces, NAMES_LEVEL)

    def add_rules(self, pieces: Iterable[Piece]) -> None:
        self._add("rules", pieces, RULES_LEVEL)

    def _add(self, kind: str, pieces: Iterable[Piece], level: int) -> None:
        for piece in pieces:
            frame = compress(piece.data, level)
            self._file.write(frame)
            self._sizes.append(len(frame))
            self._starts[kind].append(piece.start)

    def finish(self, description: Description, covered: Iterable[Stretch]) -> None:
        """Write the index; ``covered`` are the stretches of addresses that belong to functions."""
        index = {**description.to_json(), **self._starts}
        index |= {"sizes": self._sizes, "covered": Coverage.of(covered).bounds}
        frame = compress(json.dumps(index, separators=(",", ":")).encode(), INDEX_LEVEL)
        self._file.write(frame)
        self._file.write(TRAILER.pack(len(frame), CURRENT, MAGIC))
