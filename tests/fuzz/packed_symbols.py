"""A symbol file as a fuzzer can change it: index and pieces as plain bytes, compressed only when it is put together.

The first byte says what follows: 0 a finished symbol file, as it is; else sections of (length as u16, bytes): the
index, the pieces of names, the pieces of rules. With 2 the target reads it as a large one, in slivers.
``unpack`` makes such sections of a symbol file, for seeds.
"""

from __future__ import annotations

import struct

from cairn.symbols.ranges.pieces import compress, decompress
from cairn.symbols.symbol_file.columns import pack as pack_column
from cairn.symbols.symbol_file.index import CURRENT, Index

MAGIC = b"CAIRNSYM"
COUNTS = 12
"""Bytes at the start of an index: how many pieces of names, pieces of rules and bounds there are."""


def pack(data: bytes) -> bytes:
    """The symbol file that ``data`` describes."""
    if not data or data[0] == 0:
        return data[1:]
    index, *pieces = _sections(data[1:]) or [b""]
    frames = [compress(piece, 1) for piece in pieces]
    tail = compress(_with_sizes(index, frames), 1)
    return MAGIC + b"".join(frames) + tail + struct.pack("<II8s", len(tail), CURRENT, MAGIC)


def unpack(symbol_file: bytes) -> bytes:
    """What ``pack`` makes ``symbol_file`` of."""
    (size,) = struct.unpack_from("<I", symbol_file, len(symbol_file) - 16)
    start = len(symbol_file) - 16 - size
    index, at = symbol_file[start : start + size], len(MAGIC)
    sections = [decompress(index)]
    for frame in Index(index).sizes:
        sections.append(decompress(symbol_file[at : at + frame]))
        at += frame
    return b"\1" + b"".join(len(section).to_bytes(2, "little") + section for section in sections)


def _sections(data: bytes) -> list[bytes]:
    sections = []
    while len(data) > 2:
        size = int.from_bytes(data[:2], "little")
        sections.append(data[2 : 2 + size])
        data = data[2 + size :]
    return sections


def _with_sizes(raw: bytes, frames: list[bytes]) -> bytes:
    """The index with the true sizes of the pieces, as far as it has room; so that a look-up gets as far as the
    pieces."""
    sizes = pack_column(map(len, frames))
    return raw[:COUNTS] + sizes[: len(raw) - COUNTS] + raw[COUNTS + len(sizes) :] if len(raw) > COUNTS else raw
