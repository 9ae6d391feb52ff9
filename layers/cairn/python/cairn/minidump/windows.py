"""Streams that Windows writes beside threads and modules.

The package ``minidump`` knows the entries of handles and thread information; it is given one bounded entry at a time,
and only when a dump has such a stream, since importing its parsers takes some 50 ms. ``docs/decisions/002`` says why
the rest is read here.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Final

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.lists import sized_rows
from cairn.minidump.memory import Memory
from cairn.minidump.records import Arch, Handle, MappedRange, MiscInfo
from cairn.minidump.source import Source, decode_utf16

HANDLE_DATA: Final = 12
MISC_INFO: Final = 15
MEMORY_INFO_LIST: Final = 16
THREAD_INFO_LIST: Final = 17
MAX_HANDLES: Final = 65_536
MAX_THREAD_INFOS: Final = 16_384
MAX_RANGES: Final = 262_144

HAS_PROCESS_ID: Final = 0x1
HAS_TIMES: Final = 0x2
HAS_BUILD: Final = 0x100
BUILD_STRING: Final = (232, 520)
"""Offset and size of the build string, which MiscInfo has since version 4."""

MEM_COMMIT: Final = 0x1000
PAGE_GUARD: Final = 0x100
PROTECTION: Final = {
    0x01: "---",
    0x02: "r--",
    0x04: "rw-",
    0x08: "rw-",  # copy on write
    0x10: "--x",
    0x20: "r-x",
    0x40: "rwx",
    0x80: "rwx",  # copy on write
}
LAST_ERROR_POINTERS: Final = 13
"""LastErrorValue lies this many pointers into the TEB."""


def last_error(memory: Memory, teb: int, arch: Arch) -> int | None:
    """The thread's ``GetLastError()``, if its TEB is in the dump."""
    if not teb:
        return None
    return memory.read_int(teb + LAST_ERROR_POINTERS * arch.pointer_size, 4)


def read_misc_info(source: Source) -> MiscInfo | None:
    """MiscInfo in any of its versions: each only adds to the one before, and flags say what is filled in."""
    stream = source.stream(MISC_INFO)
    if stream is None:
        return None
    size, flags, process_id, created, user, kernel = stream.unpack("6I")
    offset, length = BUILD_STRING
    has_build = flags & HAS_BUILD and min(size, len(stream)) >= offset + length
    build = decode_utf16(stream.window(offset, length)) if has_build else None
    misc = MiscInfo(process_id if flags & HAS_PROCESS_ID else None, build=build)
    return misc._replace(created=created, user_time=user, kernel_time=kernel) if flags & HAS_TIMES else misc


def read_memory_info(source: Source) -> tuple[MappedRange, ...]:
    """The address space with its permissions. A guard page counts as inaccessible: the first touch faults."""
    rows = sized_rows(source, MEMORY_INFO_LIST, "Q16xQII8x", "Q", MAX_RANGES)
    return tuple(
        [
            MappedRange(base, base + size, _permissions(state, protect), None, state == MEM_COMMIT)
            for base, size, state, protect in rows
        ]
    )


@lru_cache(maxsize=256)
def _permissions(state: int, protect: int) -> str:
    if state != MEM_COMMIT or protect & PAGE_GUARD:
        return "---"
    return PROTECTION.get(protect & 0xFF, "---")


def read_handles(source: Source) -> tuple[Handle, ...]:
    """Open handles. Their object information is not read."""
    rows = _package_rows(source, HANDLE_DATA, 32, MAX_HANDLES)
    if not rows:
        return ()
    from minidump.streams.HandleDataStream import MINIDUMP_HANDLE_DESCRIPTOR

    entries = (MINIDUMP_HANDLE_DESCRIPTOR.parse(io.BytesIO(row)) for row in rows)
    return tuple(
        Handle(entry.Handle, source.utf16(entry.TypeNameRva), source.utf16(entry.ObjectNameRva)) for entry in entries
    )


def read_start_addresses(source: Source) -> dict[int, int]:
    """Where each thread began, by thread id (ThreadInfoList)."""
    rows = _package_rows(source, THREAD_INFO_LIST, 64, MAX_THREAD_INFOS)
    if not rows:
        return {}
    from minidump.streams.ThreadInfoListStream import MINIDUMP_THREAD_INFO

    entries = [MINIDUMP_THREAD_INFO.parse(io.BytesIO(row)) for row in rows]
    return {entry.ThreadId: entry.StartAddress for entry in entries if entry.StartAddress}


def _package_rows(source: Source, kind: int, size: int, limit: int) -> list[Any]:
    """The first ``size`` bytes of each entry, for the package's parsers.

    Raises:
        OutOfBoundsError: the dump is big-endian, which those parsers do not read (and Windows never wrote).
    """
    if kind in source.streams and source.file.big_endian:
        raise OutOfBoundsError("not read in a big-endian dump")
    return [raw for (raw,) in sized_rows(source, kind, f"{size}s", "I", limit)]
