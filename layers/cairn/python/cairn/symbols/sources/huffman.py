"""Canonical Huffman codes, looked up by as many bits as the longest code has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class CodeError(Exception):
    """Lengths that make no code; the text says so."""


class Table(NamedTuple):
    """For each pattern of ``depth`` bits the length of the code that it begins with, times 1024, plus the symbol."""

    entries: Sequence[int]
    depth: int


EMPTY = Table((), 0)
"""Of a code without symbols: every look-up is an ``IndexError``."""


def table_of(lengths: Sequence[int]) -> Table:
    """The table of the code whose symbols have these lengths, 0 for those that it has not. Raises ``CodeError`` unless
    every pattern of bits begins with exactly one code."""
    depth = max(lengths)
    if sum(1 << depth - length for length in lengths if length) != 1 << depth or not depth:
        raise CodeError("the lengths of its codes make no code")
    entries: list[int] = []
    for symbol in sorted(range(len(lengths)), key=lengths.__getitem__):
        if length := lengths[symbol]:
            entries += [length << 10 | symbol] * (1 << depth - length)
    return Table(entries, depth)
