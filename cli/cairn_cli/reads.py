"""What the reads of a walk would cost if its symbol files were in S3: `cairn stackwalk --explain-reads`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cairn.symbols.symbol_file.program_code import BLOCK
from cairn.symbols.symbol_file.reader import SymbolFile

GET_PRICE = 0.4e-6
"""Dollars for one GET of S3 (us-east-1, standard storage). Bytes to a function of the same region are free."""

SECOND_PRICE = 1769 / 1024 * 0.0000133334
"""Dollars for a second of the symbolicate function: its memory in GB, times the price for arm64."""

GET_SECONDS = 0.02
"""Until the first byte of a small object arrives, about."""

BYTES_PER_SECOND = 80e6
"""What one connection to S3 brings into a function of that size, about."""


class Reads(NamedTuple):
    """GETs of one symbol file for one purpose, and their bytes."""

    file: str
    purpose: str
    gets: int
    bytes: int

    @property
    def dollars(self) -> float:
        """GETs, and the time to wait for them one after another."""
        seconds = self.gets * GET_SECONDS + self.bytes / BYTES_PER_SECOND
        return self.gets * GET_PRICE + seconds * SECOND_PRICE


def reads_of(files: Iterable[SymbolFile]) -> list[Reads]:
    """What was read from each of ``files`` so far."""
    return [reads for file in files for reads in _reads_of(file)]


def _reads_of(file: SymbolFile) -> Iterator[Reads]:
    gets, size = Counter[str](), Counter[str]()
    for read in file.log:
        gets[read.purpose] += 1
        size[read.purpose] += read.size
    if file.code.reads:
        gets["code"], size["code"] = file.code.reads, file.code.reads * BLOCK
    for purpose in gets:
        yield Reads(file.description.name, purpose, gets[purpose], size[purpose])


def explain(reads: list[Reads]) -> Iterator[str]:
    """The reads as a table, with the sum and what it costs."""
    total = Reads("total", "", sum(one.gets for one in reads), sum(one.bytes for one in reads))
    width = max(len(one.file) for one in (*reads, total))
    yield f"{'symbol file':{width}}  {'for':12}  {'GETs':>4}  {'KB':>8}"
    for one in (*reads, total):
        yield f"{one.file:{width}}  {one.purpose:12}  {one.gets:4}  {one.bytes / 1000:8,.0f}"
    yield ""
    yield (
        f"A cold function would pay ${1e6 * total.dollars:.2f} for a million such crashes: "
        f"${1e6 * total.gets * GET_PRICE:.2f} for GETs, the rest for its time to wait for them one after another."
    )
    yield "Later crashes of the same program read less: docs/performance.md."
