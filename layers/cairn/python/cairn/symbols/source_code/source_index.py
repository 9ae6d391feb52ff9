"""Where each source file of a bundle lies: written once, when the bundle arrives, and read by range.

The format is in ``docs/symbol-files.md``, to the byte. A file is found by the hash of its path, so that what is kept of
a bundle in memory does not grow with its files.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from pathlib import Path

from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.paths import clean_path
from cairn.symbols.ranges.blob import Blob
from cairn.symbols.ranges.spans import Allowance, read_spans

CURRENT = 4
"""Version of what is written. Raise it whenever an index made today would differ in meaning from one made before;
``docs/symbol-files.md`` lists the steps."""

FIRST = 4
"""The first version there was: bundles of Cairns that made no index have entries of version 3."""

ROWS = 512
"""Rows of a block: 16 KB, the least that is read."""

OPENING = 64 * 1024
"""Bytes read when an index is opened: all of it up to 2,000 files, and the head of one of ``MAX_FILES``."""

MAX_FILES = 1_000_000
"""Files of a bundle. The largest programs there are (browsers) have some 100,000."""

_MAGIC = b"CAIRNSRC"
_HEAD = struct.Struct("<8sIIQ")
_HASH = struct.Struct("<Q")
_ROW = struct.Struct("<QQIIII")


class Packing(IntEnum):
    """How a file lies in the bundle, by zip's numbers; from 256 on, why it cannot be had."""

    STORED = 0
    DEFLATED = 8
    ABSENT = 256
    OUTSIDE = 257
    NO_HEADER = 258
    UNREADABLE = 259
    TOO_LARGE = 260
    CONTRADICTS = 261


FAULTS = {
    Packing.ABSENT: "the bundle lists it, and has it not",
    Packing.OUTSIDE: "it lies outside of the bundle",
    Packing.NO_HEADER: "there is no file where the bundle says",
    Packing.UNREADABLE: "it is encrypted, or packed in a way that is not read",
    Packing.TOO_LARGE: "it is too large",
    Packing.CONTRADICTS: "the sizes that the bundle says cannot be",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One file: where its bytes begin in the bundle, how many they are, and of how many bytes with which CRC-32 they
    are made."""

    start: int
    packed: int
    size: int
    checksum: int
    packing: Packing

    @property
    def end(self) -> int:
        return self.start + self.packed


def write_index(path: Path, bundle_size: int, members: Mapping[str, Member]) -> None:
    """Write the index of a bundle of ``bundle_size`` bytes: its members by the path that a compiler writes."""
    rows = sorted((path_hash(name), member) for name, member in by_spelling(members).items())
    hashes = [found for found, _ in rows]
    with path.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, CURRENT, len(rows), bundle_size))
        file.writelines(map(_HASH.pack, hashes[::ROWS]))
        for found, member in rows:
            file.write(_ROW.pack(found, member.start, member.packed, member.size, member.checksum, member.packing))


def by_spelling(members: Mapping[str, Member]) -> dict[str, Member]:
    """One member for each path, however it is spelt: the last."""
    return {spelling(name): member for name, member in members.items()}


def spelling(path: str) -> str:
    """One spelling for all that name the same file."""
    return clean_path(path).replace("\\", "/")


def path_hash(path: str) -> int:
    """The hash that stands for a path. Two of a bundle's 100,000 are the same once in 3,000 million bundles, and then
    the lines of one are another's."""
    return int(_HASH.unpack(blake2b(spelling(path).encode("utf-8", "surrogatepass"), digest_size=8).digest())[0])


class SourceIndex:
    """The index of one bundle, open for look-ups. ``bundle_size`` is what the bundle has to have.

    Raises:
        SymbolFileVersionError: on construction, when another version wrote it.
        SymbolFileError: it is damaged.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        (self._opening,) = blob.read([(0, min(OPENING, blob.size))])
        if len(self._opening) < _HEAD.size:
            raise SymbolFileError("The source index is too short to be one.")
        magic, version, self._count, self.bundle_size = _HEAD.unpack_from(self._opening)
        if magic != _MAGIC:
            raise SymbolFileError("These bytes are no source index.")
        if version != CURRENT:
            raise SymbolFileVersionError(f"The source index has version {version}; this Cairn reads {CURRENT}.")
        blocks = -(-self._count // ROWS)
        self._rows_at = _HEAD.size + blocks * _HASH.size
        if self._count > MAX_FILES or self._rows_at + self._count * _ROW.size != blob.size:
            raise SymbolFileError("The source index has not the size that it says.")
        self._firsts = struct.unpack_from(f"<{blocks}Q", self._opening, _HEAD.size)

    def find(self, paths: Iterable[str], allowance: Allowance) -> dict[str, Member]:
        """The members that are those files, by the path asked for. A file is left out when finding it would take more
        than ``allowance`` has left. Raises ``SymbolFileError`` when the index is damaged."""
        hashes = {path: path_hash(path) for path in paths}
        numbers = {path: bisect_right(self._firsts, wanted) - 1 for path, wanted in hashes.items()}
        blocks = self._blocks({number for number in numbers.values() if number >= 0}, allowance)
        rows = {path: self._row(blocks.get(numbers[path], b""), wanted) for path, wanted in hashes.items()}
        return {path: member for path, member in rows.items() if member}

    def _blocks(self, numbers: set[int], allowance: Allowance) -> dict[int, bytes]:
        spans = {number: self._span(number) for number in sorted(numbers)}
        blocks = {
            number: self._opening[start:end] for number, (start, end) in spans.items() if end <= len(self._opening)
        }
        distant = [number for number in spans if number not in blocks]
        for number, block in zip(distant, read_spans(self._blob, [spans[n] for n in distant], allowance), strict=True):
            if block is not None:
                blocks[number] = block
        return blocks

    def _span(self, number: int) -> tuple[int, int]:
        start = self._rows_at + number * ROWS * _ROW.size
        return start, min(start + ROWS * _ROW.size, self._blob.size)

    def _row(self, block: bytes, wanted: int) -> Member | None:
        count = len(block) // _ROW.size
        at = bisect_left(range(count), wanted, key=lambda row: _HASH.unpack_from(block, row * _ROW.size)[0])
        found, *numbers, packing = _ROW.unpack_from(block, at * _ROW.size) if at < count else (None, 0)
        if found != wanted:
            return None
        try:
            start, packed, size, checksum = numbers
            return Member(start, packed, size, checksum, Packing(packing))
        except ValueError as error:
            raise SymbolFileError("The source index is damaged.") from error
