"""Unwind rules of Apple's programs, from their compact unwind data and their code.

``symbolic`` 13.9 takes functions with large frames for leaves, and gives one rule a function, wrong while its frame is
made and taken away.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

from cairn.symbols.formats.macho import macho_program
from cairn.symbols.records import Segment
from cairn.symbols.unwind_data import macho_amd64, macho_arm64
from cairn.symbols.unwind_data.cfi_text import Row, overlay
from cairn.symbols.unwind_data.frame_rules import Function, rows_of
from cairn.symbols.unwind_data.macho_compact import Entry, entries, mode_of


class _Processor(NamedTuple):
    """``dwarf`` is the kind of encodings that leave the function to ``__eh_frame``."""

    dwarf: int
    rules: Callable[[int, bytes | mmap, int, int, bool], list[tuple[int, str]]]


_PROCESSORS = {
    0x0100_0007: _Processor(4, macho_amd64.function_rules),
    0x0100_000C: _Processor(3, macho_arm64.function_rules),
}


def macho_unwind_rows(path: Path, uuid: str, dwarf: list[Row]) -> list[Row]:
    """The rows of the program with this UUID (32 hex digits) in a file.

    ``dwarf`` are the rows that ``symbolic`` makes of it: they are taken where the program says that a function has
    DWARF data, and everywhere if it has no compact unwind data, or the file not its code.

    Raises:
        MalformedDebugFileError: headers or the table make no sense.
    """
    with path.open("rb") as file:
        program = macho_program(file, uuid)
        processor = _PROCESSORS.get(program.processor) if program else None
        segments = [one for one in program.segments() if one.executable] if program and processor else []
        section = program.section(b"__TEXT", b"__unwind_info") if program and segments else None
        if not program or not processor or not section:
            return dwarf
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            found = list(entries(data[section.offset : section.offset + section.size]))
            rows, _ = rows_of(_functions(data, found, segments, program.function_starts(), processor))
    left = [entry for entry in found if mode_of(entry.encoding) == processor.dwarf]
    return overlay(rows, _within(dwarf, left))


def _functions(
    data: mmap, found: Sequence[Entry], segments: Sequence[Segment], starts: Sequence[int], processor: _Processor
) -> Iterator[Function]:
    """The functions that have rules, by rising start: one entry may be for several."""
    known = set(starts)
    for entry in found:
        segment = next((one for one in segments if 0 <= entry.start - one.address < one.size), None)
        if segment is None or mode_of(entry.encoding) == processor.dwarf:
            continue
        limit, move = min(entry.end, segment.address + segment.size), segment.offset - segment.address
        inside = starts[bisect_right(starts, entry.start) : bisect_left(starts, limit)]
        for start, end in pairwise((entry.start, *inside, limit)):
            is_whole = not known or start in known
            rules = processor.rules(entry.encoding, data, start + move, end + move, is_whole)
            if rules:
                yield Function(start, end, [(place - move, rule) for place, rule in rules], not is_whole)


def _within(rows: list[Row], ranges: Sequence[Entry]) -> list[Row]:
    """What ``rows`` have to say inside of ``ranges``."""
    starts = [row.start for row in rows]
    found: list[Row] = []
    for start, end, _ in ranges:
        first = bisect_right(starts, start) - 1
        if first >= 0 and rows[first].start < start:
            found.append(rows[first]._replace(start=start, is_init=False))
        found += rows[bisect_left(starts, start) : bisect_left(starts, end)]
        found.append(Row(end, None))
    return found
