"""Loaded and unloaded modules."""

from __future__ import annotations

from typing import Any, Final

from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.ids import Ids, Image, module_ids, without_codeview
from cairn.minidump.lists import counted_rows, sized_rows
from cairn.minidump.records import Module, Os, UnloadedModule
from cairn.minidump.source import Source

MODULE_LIST: Final = 4
UNLOADED_MODULE_LIST: Final = 14
MAX_MODULES: Final = 65_536
"""Breakpad stops at 2,048; Android maps more than 500 files, and tools that load plug-ins go on from there."""
MAX_CODEVIEW: Final = 32 << 10
ENTRY_SIZE: Final = 108
ENTRY: Final = "QIIII6I28xII24x"
VERSION_INFO: Final = (0xFEEF04BD, 0x0001_0000)


def read_modules(source: Source, os: Os) -> tuple[Module, ...]:
    """The module list in its own order: the first module is the program."""
    rows = counted_rows(source, MODULE_LIST, ENTRY, ENTRY_SIZE, MAX_MODULES)
    return tuple(_module(source, os, row) for row in rows)


def _module(source: Source, os: Os, row: tuple[Any, ...]) -> Module:
    base, size, checksum, timestamp, name_rva, *version_info, cv_size, cv_rva = row
    name = source.utf16(name_rva) or ""
    ids = _ids(source, Image(os, name, timestamp, size), cv_size, cv_rva)
    version = module_version(os, version_info)
    return Module(base, size, name, ids.code_id, ids.debug_file, ids.debug_id, version, timestamp, checksum)


def _ids(source: Source, image: Image, cv_size: int, cv_rva: int) -> Ids:
    if not cv_size:
        return without_codeview(image)
    try:
        if cv_size > MAX_CODEVIEW:
            raise OutOfBoundsError(f"{cv_size} bytes are more than a CodeView record may have")
        record = source.file.window(cv_rva, cv_size)
        source.charge(cv_size)
        return module_ids(record, image)
    except OutOfBoundsError as error:
        source.problem(f"ids of module {image.code_file[-200:]}: {error}")
        return without_codeview(image)


def module_version(os: Os, info: list[int]) -> str | None:
    """``1.2.3.4`` of the VS_FIXEDFILEINFO's first six numbers.

    Windows and Apple: the file version's four 16-bit halves. ELF: its two numbers and the product version's two, as
    rust's Linux writer fills them. ``None`` where the structure is not filled in.
    """
    signature, structure, file_high, file_low, product_high, product_low = info
    if (signature, structure) != VERSION_INFO:
        return None
    if os in (Os.WINDOWS, Os.MACOS, Os.IOS):
        return f"{file_high >> 16}.{file_high & 0xFFFF}.{file_low >> 16}.{file_low & 0xFFFF}"
    return f"{file_high}.{file_low}.{product_high}.{product_low}"


def read_unloaded_modules(source: Source) -> tuple[UnloadedModule, ...]:
    """Modules that Windows remembers: they have a code id but no debug id."""
    rows = sized_rows(source, UNLOADED_MODULE_LIST, "QIIII", "I", MAX_MODULES)
    return tuple(
        UnloadedModule(base, size, source.utf16(name) or "", f"{timestamp:08x}{size:x}")
        for base, size, _, timestamp, name in rows
    )
