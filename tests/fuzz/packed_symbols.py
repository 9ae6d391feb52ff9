"""A symbol file as a fuzzer can change it: index and pieces as plain bytes, compressed only when it is put together.

The first byte says what follows: 0 a finished symbol file, as it is; else sections of (length as u16, bytes): the JSON
of the index, the pieces of names, the pieces of rules. With 2 the target reads it as a large one, in slivers.
``unpack`` makes such sections of a symbol file, for seeds.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from cairn.symbols.ranges.pieces import compress, decompress
from cairn.symbols.symbol_file.index import CURRENT

MAGIC = b"CAIRNSYM"


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
    raw = decompress(symbol_file[start : start + size])
    index, at = json.loads(raw), len(MAGIC)
    sections = [raw]
    for frame in index["sizes"]:
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
    """The index with the true sizes of the pieces, where it is one; so that a look-up gets as far as the pieces."""
    try:
        index: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if not isinstance(index, dict) or not isinstance(index.get("sizes"), list):
        return raw
    sizes = [len(frame) for frame in frames]
    return json.dumps(index | {"sizes": sizes}).encode()
