"""Whether a file that a server sent is the one that was wanted: a server may have anything at an address."""

from __future__ import annotations

from pathlib import Path

from cairn.symbols.arriving.debug_file_ids import read_all_ids
from cairn.symbols.compiling.compile import Ids
from cairn.symbols.compiling.isolation import Limits
from cairn.symbols.sources.records import FetchError, FetchStatus, SourceModule

SECONDS = 60
"""For reading the ids of one file, in the child process where that takes native code."""


def check_ids(path: Path, module: SourceModule) -> None:
    """Take a file for good that carries an id of the module. Raises ``FetchError``: ``malformed``, ``wrong_id``."""
    ((_, found),) = read_all_ids([path], Limits(seconds=SECONDS))
    if isinstance(found, Exception):
        raise FetchError(FetchStatus.MALFORMED, f"the server's file cannot be read: {found}")
    if not found:
        raise FetchError(FetchStatus.MALFORMED, "what the server has there is no debug file")
    if not any(fits(ids, module) for ids in found):
        has = ", ".join(sorted({debug_id or code_id or "none" for debug_id, code_id in found}))
        raise FetchError(FetchStatus.WRONG_ID, f"the server's file has another id: {has[:200]}")


def fits(ids: Ids, module: SourceModule) -> bool:
    """Whether ids are the module's. Two debug ids that differ rule a file out, whatever its code id says."""
    debug_id, code_id = map(_normal, ids)
    wanted_debug_id, wanted_code_id = _normal(module.debug_id), _normal(module.code_id)
    if debug_id and wanted_debug_id:
        return debug_id == wanted_debug_id
    return code_id is not None and code_id == wanted_code_id


def _normal(text: str | None) -> str | None:
    return text.lower() if text else None
