"""The smallest Mach-O file that has an id."""

from __future__ import annotations

import struct
from uuid import UUID

EXECUTABLE, DSYM = 2, 10


def macho(uuid: UUID, kind: int) -> bytes:
    """A file for x86_64 with nothing but LC_UUID; ``kind`` is its ``filetype`` (``mach-o/loader.h``)."""
    command = struct.pack("<II", 0x1B, 24) + uuid.bytes
    return struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, kind, 1, len(command), 0, 0) + command
