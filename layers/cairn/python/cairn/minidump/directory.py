"""Header and stream directory."""

from __future__ import annotations

from typing import Final, NamedTuple

from minidump.constants import MINIDUMP_STREAM_TYPE

from cairn.minidump.distant import Data
from cairn.minidump.errors import (
    NotAMinidumpError,
    OutOfBoundsError,
    TruncatedDirectoryError,
    TruncatedHeaderError,
    UnknownVersionError,
)
from cairn.minidump.records import Stream
from cairn.minidump.source import Source
from cairn.minidump.window import Window

HEADER_SIZE: Final = 32
ENTRY_SIZE: Final = 12
VERSION: Final = 0xA793
MAX_STREAMS: Final = 1024
"""Breakpad stops at 128; real dumps have up to 30."""

EXTENSION_STREAMS: Final = {
    23: "IptTrace",
    0x47670001: "BreakpadInfo",
    0x47670002: "AssertionInfo",
    0x47670003: "LinuxCpuInfo",
    0x47670004: "LinuxProcStatus",
    0x47670005: "LinuxLsbRelease",
    0x47670006: "LinuxCmdLine",
    0x47670007: "LinuxEnviron",
    0x47670008: "LinuxAuxv",
    0x47670009: "LinuxMaps",
    0x4767000A: "LinuxDsoDebug",
    0x43500001: "CrashpadInfo",
    0x4D7A0001: "MozMacosCrashInfo",
    0x4D7A0002: "MozMacosBootargs",
    0x4D7A0003: "MozLinuxLimits",
    0x4D7A0004: "MozSoftErrors",
    0x4B6B0002: "StabilityReport",
}
"""Streams that Windows does not define."""

STREAM_NAMES: Final[dict[int, str]] = {
    member.value: member.name.removesuffix("Stream") for member in MINIDUMP_STREAM_TYPE
} | EXTENSION_STREAMS


class Header(NamedTuple):
    """The 32 bytes that a minidump begins with."""

    stream_count: int
    directory_rva: int
    timestamp: int
    flags: int
    big_endian: bool


def read_header(data: Data) -> Header:
    """The header of the dump ``data``.

    Raises:
        TruncatedHeaderError, NotAMinidumpError, UnknownVersionError: as their names say.
    """
    magic = bytes(data[:4])
    if len(magic) < 4:
        raise TruncatedHeaderError(
            f"The file has {len(data)} bytes and is no minidump; check that the upload was complete."
        )
    if magic not in (b"MDMP", b"PMDM"):
        raise NotAMinidumpError(f"The file begins with {magic!r}, a minidump with MDMP; send the .dmp file itself.")
    try:
        fields = Window(data, magic == b"PMDM").unpack("IIIIIIQ")
    except OutOfBoundsError:
        raise TruncatedHeaderError(
            f"The file ends after {len(data)} of the header's {HEADER_SIZE} bytes; check that the upload was complete."
        ) from None
    _, version, count, rva, _, timestamp, flags = fields
    if version & 0xFFFF != VERSION:
        raise UnknownVersionError(
            f"The header says version {version & 0xFFFF:#x}, not {VERSION:#x}; the file is damaged."
        )
    return Header(count, rva, timestamp, flags, magic == b"PMDM")


def read_directory(data: Data, header: Header) -> tuple[Source, tuple[Stream, ...]]:
    """The dump, ready for reading its streams, and all entries of its directory that are in use.

    Raises:
        TruncatedDirectoryError: no entry lies in the file.
    """
    file = Window(data, header.big_endian)
    room = max(0, len(data) - header.directory_rva) // ENTRY_SIZE
    if header.stream_count and not room:
        raise TruncatedDirectoryError(
            f"The stream directory at {header.directory_rva:#x} lies behind the end of the file ({len(data)} bytes); "
            "check that the upload was complete."
        )
    taken = min(header.stream_count, room, MAX_STREAMS)
    rows = file.rows("III", header.directory_rva, taken, ENTRY_SIZE)
    entries = tuple(Stream(kind, stream_name(kind), size, rva) for kind, size, rva in rows if kind)
    problems = _directory_problems(entries, header.stream_count - taken, len(data))
    return Source(file, {entry.type: entry for entry in entries}, problems), entries


def stream_name(kind: int) -> str:
    """The name of a stream type, or its number in hex."""
    return STREAM_NAMES.get(kind, f"{kind:#x}")


def _directory_problems(entries: tuple[Stream, ...], missing: int, file_size: int) -> list[str]:
    problems = [f"directory: {missing} entries are not in the file or too many"] if missing else []
    seen: set[int] = set()
    for entry in entries:
        if entry.type in seen:
            problems.append(f"{entry.name}: found more than once, the last one counts")
        seen.add(entry.type)
        if entry.rva + entry.size > file_size:
            there = max(0, file_size - entry.rva)
            problems.append(f"{entry.name}: cut off, {there} of {entry.size} bytes are in the file")
    return problems
