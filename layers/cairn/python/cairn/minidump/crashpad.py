"""Crashpad's stream: ids and annotations. Layouts: Crashpad's ``minidump/minidump_extensions.h``."""

from __future__ import annotations

import struct
from typing import Any, Final

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.ids import guid
from cairn.minidump.records import CrashpadInfo, CrashpadModule
from cairn.minidump.source import Source
from cairn.minidump.window import Window

CRASHPAD_INFO: Final = 0x43500001
STRING_ANNOTATION: Final = 1
MAX_ENTRIES: Final = 65_536
"""Annotations in one list, and modules that have some."""
ENTRY_COST: Final = 64
"""Work of one entry, since many modules may point to the same list."""


def read_crashpad_info(source: Source) -> CrashpadInfo | None:
    """The CrashpadInfo stream with the annotations of the process and of every module."""
    stream = source.stream(CRASHPAD_INFO)
    if stream is None:
        return None
    simple_size, simple_rva, modules_size, modules_rva = stream.unpack("IIII", 36)
    return CrashpadInfo(
        guid(stream, 4),
        guid(stream, 20),
        _dictionary(source, simple_size, simple_rva),
        _modules(source, modules_size, modules_rva),
    )


def _modules(source: Source, size: int, rva: int) -> tuple[CrashpadModule, ...]:
    modules = []
    for index, module_size, module_rva in _entries(source, size, rva, "III"):
        try:
            modules.append(_module(source, index, source.file.window(module_rva, module_size)))
        except OutOfBoundsError as error:
            source.problem(f"Crashpad annotations of module {index}: {error}")
    return tuple(modules)


def _module(source: Source, index: int, info: Window) -> CrashpadModule:
    list_size, list_rva, simple_size, simple_rva, objects_size, objects_rva = info.unpack("4x6I")
    texts = (source.utf8(rva) for (rva,) in _entries(source, list_size, list_rva, "I"))
    return CrashpadModule(
        index,
        _dictionary(source, simple_size, simple_rva),
        tuple(text for text in texts if text is not None),
        _objects(source, objects_size, objects_rva),
    )


def _dictionary(source: Source, size: int, rva: int) -> dict[str, str]:
    pairs = ((source.utf8(key), source.utf8(value)) for key, value in _entries(source, size, rva, "II"))
    return {key: value for key, value in pairs if key is not None and value is not None}


def _objects(source: Source, size: int, rva: int) -> dict[str, str]:
    """Annotation objects of the string type; the other types mean something to their program only."""
    objects = {}
    for name_rva, kind, value_rva in _entries(source, size, rva, "IH2xI"):
        name = source.utf8(name_rva)
        value = source.utf8(value_rva) if kind == STRING_ANNOTATION else None
        if name is not None and value is not None:
            objects[name] = value
    return objects


def _entries(source: Source, size: int, rva: int, layout: str) -> list[tuple[Any, ...]]:
    """A list of Crashpad: u32 count, then entries. A location of zeros is an empty list."""
    if not size or not rva:
        return []
    window = source.file.window(rva, size)
    (count,) = window.unpack("I")
    width = struct.calcsize("<" + layout)
    taken = min(count, (size - 4) // width, MAX_ENTRIES)
    source.charge(ENTRY_COST * taken)
    if taken < count:
        source.problem(f"CrashpadInfo: {count} entries announced at {rva:#x}, {taken} read")
    return list(window.rows(layout, 4, taken, width))
