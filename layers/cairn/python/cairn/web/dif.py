"""A debug information file as Sentry's API shows it (sentry: src/sentry/api/serializers/models/debug_file.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cairn.store.symbols.debug_files import sha1_in
from cairn.store.symbols.symbol_index import SymbolEntry
from cairn.symbols.records import Features

CONTENT_TYPES = {
    "elf": "application/x-elf-binary",
    "macho": "application/x-mach-binary",
    "pe": "application/x-dosexec",
    "pdb": "application/x-ms-pdb",
    "portablepdb": "application/x-portable-pdb",
    "breakpad": "text/x-breakpad",
    "sourcebundle": "application/x-sentry-bundle+zip",
}


def dif_of(entry: SymbolEntry, size: int | None = None) -> dict[str, Any]:
    """The JSON of a debug file. ``id`` is the SHA-1 of its content, and ``size`` the file's, where known."""
    sha1 = sha1_in(entry.debug_file_key)
    return {
        "id": sha1,
        "uuid": (entry.debug_id or "")[:36] or None,
        "debugId": entry.debug_id,
        "codeId": entry.code_id,
        "cpuName": entry.arch,
        "objectName": entry.name,
        "symbolType": entry.format,
        "headers": {"Content-Type": CONTENT_TYPES.get(entry.format, "application/octet-stream")},
        "size": size,
        "sha1": sha1,
        "dateCreated": datetime.fromtimestamp(entry.created, UTC).isoformat().replace("+00:00", "Z"),
        "data": {"type": entry.kind, "features": feature_names(entry.features)},
    }


def feature_names(features: Features) -> list[str]:
    """Sentry's words for what a debug file offers."""
    offered = {
        "symtab": features.symbols,
        "debug": features.debug_info,
        "unwind": features.unwind_info,
        "sources": features.sources,
    }
    return [name for name, there in offered.items() if there]
