"""The smallest PDB that has an id: a container with the streams that every reader asks for, and nothing in them.

Laid out as LLVM's documentation of the format has it (llvm: ``docs/PDB/``).
"""

from __future__ import annotations

import struct
from uuid import UUID

BLOCK = 4096
_MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
_FREE_MAP, _BLOCK_MAP, _DIRECTORY, _FIRST = 1, 3, 4, 5
_NO_STREAM = 0xFFFF
_SYMBOLS = 5
_AMD64 = 0x8664


def pdb(guid: UUID, age: int) -> bytes:
    """A PDB for amd64."""
    streams = [b"", _info(guid, age), _types(), _debug(age), _types(), _symbols()]
    blocks = [stream.ljust(BLOCK, b"\0") for stream in streams if stream]
    numbers = iter(range(_FIRST, _FIRST + len(blocks)))
    directory = struct.pack(f"<I{len(streams)}I", len(streams), *map(len, streams))
    directory += b"".join(struct.pack("<I", next(numbers)) for stream in streams if stream)
    count = _FIRST + len(blocks)
    head = _MAGIC + struct.pack("<6I", BLOCK, _FREE_MAP, count, len(directory), 0, _BLOCK_MAP)
    fixed = [head, b"\xff" * BLOCK, b"\xff" * BLOCK, struct.pack("<I", _DIRECTORY), directory]
    return b"".join(block.ljust(BLOCK, b"\0") for block in fixed) + b"".join(blocks)


def _info(guid: UUID, age: int) -> bytes:
    names = struct.pack("<IIIIII", 0, 0, 1, 0, 0, 0)
    return struct.pack("<3I", 20000404, 1, age) + guid.bytes_le + names + struct.pack("<I", 20140508)


def _types() -> bytes:
    return struct.pack("<5IHHII6I", 20040203, 56, 0x1000, 0x1000, 0, _NO_STREAM, _NO_STREAM, 4, 0x3FFFF, *[0] * 6)


def _debug(age: int) -> bytes:
    streams = struct.pack("<6H", _NO_STREAM, 0x8E00, _NO_STREAM, 0, _SYMBOLS, 0)
    return struct.pack("<iII", -1, 19990903, age) + streams + bytes(32) + struct.pack("<HHI", 0, _AMD64, 0)


def _symbols() -> bytes:
    """One public function."""
    record = struct.pack("<HIIH", 0x110E, 2, 0x10, 1) + b"main\0".ljust(8, b"\0")
    return struct.pack("<H", len(record)) + record
