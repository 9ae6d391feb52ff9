"""Modules in the stackwalk JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cairn.crash.records import LoadedModule
from cairn.crash.stackwalk_json_crash import hexadecimal
from cairn.minidump.records import UnloadedModule
from cairn.symbols.records import SymbolStatus, UsableFile

_CORRUPT = (SymbolStatus.MALFORMED, SymbolStatus.UNSUPPORTED)


def module(loaded: LoadedModule, width: int) -> dict[str, Any]:
    """A loaded module. ``filename`` and ``debug_file`` are base names; the path as the dump has it is in ``cairn``."""
    one, symbols = loaded.module, loaded.symbols
    statuses = (symbols.debug_status, symbols.unwind_status)
    found = SymbolStatus.FOUND in statuses
    return {
        "base_addr": hexadecimal(one.base, width),
        "end_addr": hexadecimal(one.end, width),
        "filename": one.name,
        "code_id": one.code_id or "",
        "debug_file": base_name(one.debug_file or ""),
        "debug_id": breakpad_id(one.debug_id),
        "version": one.version,
        "cert_subject": None,
        "loaded_symbols": found,
        "missing_symbols": not found and symbols.debug_status is not SymbolStatus.UNUSED,
        "corrupt_symbols": not found and any(status in _CORRUPT for status in statuses),
        "symbol_url": None,
        "cairn": {
            "path": one.code_file,
            "debug_status": symbols.debug_status.value,
            "unwind_status": symbols.unwind_status.value,
            "reason": symbols.reason,
            "names_from": _location(symbols.files, lambda file: file.names),
            "unwinding_from": _location(symbols.files, lambda file: file.unwinding),
            "files": [file.location for file in symbols.files],
        },
    }


def _location(files: Iterable[UsableFile], use: Callable[[UsableFile], SymbolStatus | None]) -> str | None:
    """Where the file lies that served for something."""
    return next((file.location for file in files if use(file) is SymbolStatus.FOUND), None)


def unloaded_module(gone: UnloadedModule, width: int) -> dict[str, Any]:
    """A module that was unloaded before the crash."""
    return {
        "base_addr": hexadecimal(gone.base, width),
        "end_addr": hexadecimal(gone.base + gone.size, width),
        "filename": gone.code_file,
        "code_id": gone.code_id,
        "cert_subject": None,
    }


def base_name(path: str) -> str:
    """The last part of ``path``, whichever slash it uses."""
    return path.replace("\\", "/").rpartition("/")[2]


def breakpad_id(debug_id: str | None) -> str:
    """A debug id as Breakpad has it: GUID in upper case without hyphens, then the age. Zeros where there is none."""
    guid, age = (debug_id or "")[:36], (debug_id or "")[37:]
    return guid.replace("-", "").upper().rjust(32, "0") + (age or "0")
