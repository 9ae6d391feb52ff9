"""Writing the pieces of names of a symbol file: one process does it, or two, each for half of the addresses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cairn.symbols.compiling.demangle import readable
from cairn.symbols.compiling.name_pieces import ROWS_PER_PIECE, name_pieces, piece_spans
from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.row_spans import Span
from cairn.symbols.compiling.side_by_side import beside, has_room_for_two
from cairn.symbols.symbol_file.writer import NAMES_LEVEL, Frame, SymbolFileWriter, write_frames

WORTH_TWO = 64 * ROWS_PER_PIECE
"""Rows from which on a second process pays: it costs some 20 ms to start and to end, and these take 100."""


def write_names(
    writer: SymbolFileWriter, parts: Sequence[NameRows], spans: Sequence[Span], spare: Path, *, side_by_side: bool
) -> None:
    """Write these rows. A second process needs the file ``spare``, which is gone afterwards. The bytes are the same."""
    spans = piece_spans(parts, spans)
    if not side_by_side or len(spans) * ROWS_PER_PIECE < WORTH_TWO or not has_room_for_two():
        writer.add_names(name_pieces(parts, spans, readable))
        return
    middle = len(spans) // 2

    def write_upper() -> list[Frame]:
        with spare.open("wb") as file:
            return write_frames(file, name_pieces(parts, spans[middle:], readable), NAMES_LEVEL)

    with beside(write_upper) as upper:
        writer.add_names(name_pieces(parts, spans[:middle], readable))
        writer.add_written_names(spare, [Frame(*frame) for frame in upper()])
    spare.unlink()
