"""Breakpad's own streams."""

from __future__ import annotations

from typing import Final

from cairn.minidump.records import Assertion, BreakpadInfo
from cairn.minidump.source import Source, decode_utf16

BREAKPAD_INFO: Final = 0x47670001
ASSERTION_INFO: Final = 0x47670002
DUMP_THREAD_VALID: Final = 1
REQUESTING_THREAD_VALID: Final = 2
TEXT_SIZE: Final = 256
KINDS: Final = {1: "invalid_parameter", 2: "pure_virtual_call"}


def read_breakpad_info(source: Source) -> BreakpadInfo | None:
    """Which thread wrote the dump and which asked for it, where the validity bits say so."""
    stream = source.stream(BREAKPAD_INFO)
    if stream is None:
        return None
    validity, dump_thread, requesting_thread = stream.unpack("III")
    return BreakpadInfo(
        dump_thread if validity & DUMP_THREAD_VALID else None,
        requesting_thread if validity & REQUESTING_THREAD_VALID else None,
    )


def read_assertion(source: Source) -> Assertion | None:
    """A failed check of the C runtime: expression, function and file of 128 code units each, line and kind."""
    stream = source.stream(ASSERTION_INFO)
    if stream is None:
        return None
    expression, function, file = (decode_utf16(stream.window(index * TEXT_SIZE, TEXT_SIZE)) for index in range(3))
    line, kind = stream.unpack("II", 3 * TEXT_SIZE)
    return Assertion(KINDS.get(kind, f"unknown {kind}"), expression, function, file, line)
