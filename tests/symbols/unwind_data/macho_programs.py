"""Apple programs made by hand: code, compact unwind data, and where functions begin."""

from __future__ import annotations

import struct
from collections.abc import Sequence

AMD64, ARM64 = 0x0100_0007, 0x0100_000C
UUID = "00112233445566778899aabbccddeeff"
BASE, TEXT, TABLE, LINKED = 0x1_0000_0000, 0x1000, 0x3000, 0x4000
_LC_SEGMENT_64, _LC_SYMTAB, _LC_UUID, _LC_FUNCTION_STARTS = 0x19, 0x2, 0x1B, 0x26


def table(entries: Sequence[tuple[int, int]], end: int, compressed: bool = True) -> bytes:
    """``__unwind_info`` with one page: pairs of an address and an encoding, and where the last function ends."""
    first = entries[0][0]
    head = struct.pack("<7I", 1, 28, 0, 28, 0, 28, 2)
    index = struct.pack("<6I", first, 52, 0, end, 0, 0)
    if not compressed:
        words = b"".join(struct.pack("<II", *entry) for entry in entries)
        return head + index + struct.pack("<IHH", 2, 8, len(entries)) + words
    encodings = sorted({encoding for _, encoding in entries})
    packed = [start - first | encodings.index(encoding) << 24 for start, encoding in entries]
    page = struct.pack("<IHHHH", 3, 12, len(entries), 12 + 4 * len(entries), len(encodings))
    return head + index + page + struct.pack(f"<{len(packed) + len(encodings)}I", *packed, *encodings)


def program(
    text: bytes, unwind: bytes, processor: int = AMD64, starts: Sequence[int] = (), symbols: Sequence[int] = ()
) -> bytes:
    """A program with ``text`` at ``TEXT``; ``starts`` go into the linker's list of functions, ``symbols`` into the
    symbol table."""
    listed = _steps(starts) + b"\0"
    named = b"".join(struct.pack("<IBBHQ", 0, 0x0F, 1, 0, BASE + address) for address in symbols)
    sections = (_section(b"__text", TEXT, len(text)), _section(b"__unwind_info", TABLE, len(unwind)))
    commands = [
        struct.pack("<II16s", _LC_UUID, 24, bytes.fromhex(UUID)),
        struct.pack("<II16s4Q4I", _LC_SEGMENT_64, 72 + 160, b"__TEXT", BASE, LINKED, 0, LINKED, 5, 5, 2, 0)
        + b"".join(sections),
        struct.pack("<4I", _LC_FUNCTION_STARTS, 16, LINKED, len(listed)),
        struct.pack("<6I", _LC_SYMTAB, 24, LINKED + len(listed), len(symbols), 0, 0),
    ]
    body = b"".join(commands if starts else commands[:2] + commands[3:])
    head = struct.pack("<8I", 0xFEEDFACF, processor, 0, 2, len(commands), len(body), 0, 0)
    laid = (head + body).ljust(TEXT, b"\0") + text
    return (laid.ljust(TABLE, b"\0") + unwind).ljust(LINKED, b"\0") + listed + named


def _section(name: bytes, address: int, size: int) -> bytes:
    return struct.pack("<16s16sQQ8I", name, b"__TEXT", BASE + address, size, address, *(0,) * 7)


def _steps(starts: Sequence[int]) -> bytes:
    """Distances from one to the next in LEB128."""
    data, before = bytearray(), 0
    for start in starts:
        step, before = start - before, start
        while step > 0x7F:
            data.append(step & 0x7F | 0x80)
            step >>= 7
        data.append(step)
    return bytes(data)
