"""Images of Windows programs, built in code: three sections, and a table of functions."""

from __future__ import annotations

import struct
from collections.abc import Sequence

AMD64, ARM64 = 0x8664, 0xAA64
TEXT, PDATA, XDATA = 0x1000, 0x10000, 0x20000
"""Addresses of the sections: code, table of functions, unwind data."""

HEADERS = 0x400


def image(machine: int, *, text: bytes = b"", pdata: bytes = b"", xdata: bytes = b"") -> bytes:
    """A program with these sections, relative to its base at the addresses above."""
    parts = [(b".text", TEXT, text), (b".pdata", PDATA, pdata), (b".xdata", XDATA, xdata)]
    headers, offset = b"", HEADERS
    for name, address, content in parts:
        headers += struct.pack("<8sIIII16x", name, len(content), address, len(content), offset)
        offset += len(content)
    directories = bytearray(128)
    struct.pack_into("<II", directories, 8 * 3, PDATA, len(pdata))
    optional = struct.pack("<H106xI", 0x20B, 16) + directories
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, len(parts), 0x5F000000, 0, 0, len(optional), 0x22)
    head = struct.pack("<2s58xI", b"MZ", 64) + coff + optional + headers
    return head.ljust(HEADERS, b"\0") + b"".join(content for _, _, content in parts)


def amd64_info(
    codes: Sequence[tuple[int, ...]], *, version: int = 1, flags: int = 0, frame: int = 0, tail: bytes = b""
) -> bytes:
    """An ``UNWIND_INFO``: ``codes`` are offset, operation, its info, and further slots; last step first."""
    slots = [slot for offset, code, info, *more in codes for slot in (offset | code << 8 | info << 12, *more)]
    prologue = max((offset for offset, *_ in codes), default=0)
    padded = slots + [0] * (len(slots) % 2)
    head = struct.pack("<BBBB", version | flags << 3, prologue & 0xFF, len(slots), frame)
    return head + struct.pack(f"<{len(padded)}H", *padded) + tail


def amd64_program(
    code: bytes, codes: Sequence[tuple[int, ...]], *, version: int = 1, frame: int = 0, size: int | None = None
) -> bytes:
    """A program of one function with this code and these unwind codes."""
    pdata = struct.pack("<III", TEXT, TEXT + (size or len(code)), XDATA)
    return image(AMD64, text=code, pdata=pdata, xdata=amd64_info(codes, version=version, frame=frame))


def arm64_program(*words: int, codes: bytes = b"", size: int = 0x40, head: int = 0) -> bytes:
    """A program of one function with this ``.xdata`` record: bits of the first word above the version, further words
    (an extension, epilogue scopes), then the codes."""
    codes = codes.ljust((len(codes) + 3) & ~3, b"\xe4")
    counted = head if head >> 22 or words else head | len(codes) // 4 << 27
    xdata = struct.pack(f"<{1 + len(words)}I", size // 4 | counted, *words) + codes
    return image(ARM64, text=bytes(size), pdata=struct.pack("<II", TEXT, XDATA), xdata=xdata)
