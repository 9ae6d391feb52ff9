"""What stopped the process."""

from __future__ import annotations

from typing import Final

from cairn.minidump.contexts import read_context
from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.records import Arch, Context, ExceptionRecord
from cairn.minidump.source import Source

EXCEPTION: Final = 6
MAX_PARAMETERS: Final = 15
MAX_CONTEXT: Final = 64 << 10
"""Windows' xsave contexts had at most 1,663 bytes where seen; Breakpad accepts 16 KiB of xsave area."""


def context_at(source: Source, arch: Arch, size: int, rva: int, owner: str) -> Context | None:
    """The context that a location points to. A broken one is a problem of ``owner``."""
    if not size:
        return None
    try:
        return read_context(source.file.window(rva, min(size, MAX_CONTEXT)), arch)
    except OutOfBoundsError as error:
        source.problem(f"registers of {owner}: {error}")
        return None


def read_exception(source: Source, arch: Arch) -> ExceptionRecord | None:
    """The Exception stream. ``parameters`` are as many as the record says, at most fifteen."""
    stream = source.stream(EXCEPTION)
    if stream is None:
        return None
    thread_id, code, flags, nested, address, count = stream.unpack("I4xIIQQI")
    values = stream.unpack("15Q", 40)
    if count > MAX_PARAMETERS:
        source.problem(f"Exception: {count} parameters announced, {MAX_PARAMETERS} is the most")
    size, rva = stream.unpack("II", 160)
    context = context_at(source, arch, size, rva, "the exception")
    return ExceptionRecord(thread_id, code, flags, address, values[: min(count, MAX_PARAMETERS)], nested, context)
