"""Writing the pieces of names of a symbol file: one process does it, or two, each for half of the addresses."""

from __future__ import annotations

from pathlib import Path

from cairn.symbols.compiling.demangle import readable
from cairn.symbols.compiling.name_pieces import ROWS_PER_PIECE, name_pieces, piece_bounds
from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.side_by_side import beside, has_room_for_two
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.symbol_file.writer import NAMES_LEVEL, Frame, SymbolFileWriter, write_frames

WORTH_TWO = 64 * ROWS_PER_PIECE
"""Rows from which on a second process pays: it costs some 20 ms to start and to end, and these take 100."""


def write_names(
    writer: SymbolFileWriter, cache: SymCache, rows: NameRows, second_file: Path, *, side_by_side: bool
) -> None:
    """Write all rows. A second process needs ``second_file``; it is gone afterwards. The bytes are the same."""
    bounds = piece_bounds(rows)
    if not side_by_side or len(rows.starts) < WORTH_TWO or not has_room_for_two():
        writer.add_names(name_pieces(cache, rows, readable, bounds))
        return
    middle = len(bounds) // 2

    def write_second() -> list[Frame]:
        with second_file.open("wb") as file:
            return write_frames(file, name_pieces(cache, rows, readable, bounds[middle:]), NAMES_LEVEL)

    with beside(write_second) as second:
        writer.add_names(name_pieces(cache, rows, readable, bounds[: middle + 1]))
        writer.add_written_names(second_file, [Frame(*frame) for frame in second()])
    second_file.unlink()
