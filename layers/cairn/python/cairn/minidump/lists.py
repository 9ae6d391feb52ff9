"""The two kinds of lists that streams hold."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from cairn.minidump.source import Source


def counted_rows(source: Source, kind: int, layout: str, size: int, limit: int) -> Iterator[tuple[Any, ...]]:
    """Entries of ``size`` bytes behind a u32 count: threads, modules, memory, thread names.

    Breakpad's macOS writer aligns the entries to eight bytes. Only arithmetic tells: where the declared size of the
    stream is that of the list and four bytes more, four bytes are skipped
    (``test_lists.py::test_padded_lists_are_recognised_by_arithmetic``).
    """
    stream = source.stream(kind)
    if stream is None:
        return iter(())
    (count,) = stream.unpack("I")
    padded = source.streams[kind].size == 8 + count * size
    offset = 8 if padded else 4
    taken = _entries_there(source, kind, count, min((len(stream) - offset) // size, limit))
    return stream.rows(layout, offset, taken, size)


def sized_rows(source: Source, kind: int, layout: str, count_layout: str, limit: int) -> Iterator[tuple[Any, ...]]:
    """Entries of a list that names the sizes of its header and entries: memory info, unloaded modules, handles …

    ``count_layout`` is ``I`` or ``Q``. Larger entries than those we know are stepped over by their declared size.
    """
    stream = source.stream(kind)
    if stream is None:
        return iter(())
    header, entry, count = stream.unpack("II" + count_layout)
    fitting = (len(stream) - header) // entry if entry >= struct.calcsize("<" + layout) else 0
    taken = _entries_there(source, kind, count, min(fitting, limit))
    return stream.rows(layout, header, taken, entry)


def _entries_there(source: Source, kind: int, count: int, most: int) -> int:
    taken = max(0, min(count, most))
    if taken < count:
        source.problem(f"{source.streams[kind].name}: {count} entries announced, {taken} read")
    return taken
