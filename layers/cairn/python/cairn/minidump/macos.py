"""What Mozilla's macOS writer adds: ``__crash_info`` of the modules, and the kernel's boot arguments."""

from __future__ import annotations

from typing import Any, Final

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.records import MacCrashInfo
from cairn.minidump.source import Source
from cairn.minidump.window import Window

CRASH_INFO: Final = 0x4D7A0001
BOOT_ARGS: Final = 0x4D7A0002
MAX_RECORDS: Final = 20
MAX_TEXT: Final = 8192
"""The writer's own limit for one string."""
STRINGS: Final = ("module", "message", "signature", "backtrace", "message2")
NUMBERS: Final = ("thread", "dialog_mode", "abort_cause")
FIXED_NUMBERS: Final = 16
"""Stream type and version, two u64, come before thread, dialog mode and abort cause."""


def read_mac_crash_info(source: Source) -> tuple[MacCrashInfo, ...]:
    """Apple's ``crashreporter_annotations_t`` of every module that has something to say."""
    stream = source.stream(CRASH_INFO)
    if stream is None:
        return ()
    count, start = stream.unpack("4xII")
    if count > MAX_RECORDS:
        source.problem(f"MozMacosCrashInfo: {count} records announced, {MAX_RECORDS} is the most")
    records = []
    for size, rva in stream.rows("II", 12, min(count, MAX_RECORDS), 8):
        try:
            records.append(_record(source.file.window(rva, size), start))
        except OutOfBoundsError as error:
            source.problem(f"MozMacosCrashInfo: {error}")
    return tuple(records)


def _record(raw: Window, start: int) -> MacCrashInfo:
    """One record. Numbers up to ``start`` are there by version, then come five NUL-terminated strings."""
    head = raw.window(0, start)
    available = max(0, start - FIXED_NUMBERS) // 8
    numbers = head.unpack(f"{min(available, 3)}Q", FIXED_NUMBERS)
    texts = bytes(raw.data[start : start + 5 * MAX_TEXT]).split(b"\0", 5)[:5]
    strings = [text[:MAX_TEXT].decode(errors="replace") for text in texts]
    fields: dict[str, Any] = dict(zip(STRINGS, strings, strict=False)) | dict(zip(NUMBERS, numbers, strict=False))
    return MacCrashInfo(**fields)


def read_mac_boot_args(source: Source) -> str | None:
    """The kernel's boot arguments."""
    stream = source.stream(BOOT_ARGS)
    if stream is None:
        return None
    (rva,) = stream.unpack("4xQ")
    return source.utf16(rva)
