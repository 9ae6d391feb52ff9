"""What is known of debug files on this machine, so that those that did not change are not read again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what compiles is imported only where something is compiled
    from cairn.symbols.compiling.compile import Ids

MAX_FILES = 20_000
"""Files that are remembered, those seen last."""

SETTLED = 2_000_000_000
"""Nanoseconds after a change from which on the times of a file tell its content: before, another change may have the
same time stamp."""


class KnownFiles:
    """Ids and content hashes of files by path, size and times, kept in the JSON file ``path``.

    Losing the file, or what another process wrote to it at the same time, costs time only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = False
        self._files: dict[str, dict[str, Any]] = {}
        with suppress(OSError, ValueError):
            found = json.loads(path.read_bytes())
            self._files = found if isinstance(found, dict) else {}

    def ids(self, path: Path) -> list[Ids] | None:
        """The ids in a file, if it is as it was when they were put here."""
        known = self._get(path)
        return None if known is None else [(debug_id, code_id) for debug_id, code_id in known["ids"]]

    def put_ids(self, path: Path, ids: Sequence[Ids]) -> None:
        """Remember the ids in a file."""
        self._put(path, {"ids": ids})

    def learn(self, found: Iterable[tuple[Path, list[Ids] | Exception]], problems: list[str]) -> dict[Path, list[Ids]]:
        """Remember the ids that were read of files, and answer them; why others could not be read is added to
        ``problems``."""
        read: dict[Path, list[Ids]] = {}
        for path, ids in found:
            if isinstance(ids, Exception):
                problems.append(f"{path}: {ids}")
            else:
                read[path] = ids
                self.put_ids(path, ids)
        self.save()
        return read

    def content_hash(self, path: Path) -> str:
        """The SHA-256 of a file. Raises ``OSError`` when it cannot be read."""
        known = self._get(path)
        if known is not None and "sha256" in known:
            return str(known["sha256"])
        import hashlib

        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if known is not None:
            self._put(path, {"ids": known["ids"], "sha256": sha256})
        return sha256

    def save(self) -> None:
        """Write what is new; nothing happens where that cannot be."""
        if not self._changed:
            return
        self._changed = False
        kept = dict(islice(self._files.items(), max(0, len(self._files) - MAX_FILES), None))
        scratch = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(kept, separators=(",", ":")))
            scratch.replace(self._path)

    def _get(self, path: Path) -> dict[str, Any] | None:
        known = self._files.get(os.path.abspath(path))  # noqa: PTH100 - resolving links would cost a call for each part
        return known if isinstance(known, dict) and known.get("state") == _state(path) else None

    def _put(self, path: Path, known: dict[str, Any]) -> None:
        state = _state(path)
        if state and time.time_ns() - max(state[1:3]) > SETTLED:
            name = os.path.abspath(path)  # noqa: PTH100
            self._files.pop(name, None)
            self._files[name] = {"state": state, **known}
            self._changed = True


def _state(path: Path) -> list[int]:
    """Size, times of change of content and of anything else, and number: what differs when another content is there."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
