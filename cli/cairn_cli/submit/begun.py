"""Uploads that were begun and not finished, so that a later run goes on with them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT_SECONDS = 2 * 86400
"""A Cairn keeps an unfinished upload for about a day."""


class Begun:
    """One file for each upload, named by what is sent and where to; it holds the upload's id."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()

    def recall(self, name: str) -> str | None:
        """The id of the upload that was begun by this name."""
        try:
            return str(json.loads((self._folder / name).read_text())["id"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, name: str, upload_id: str) -> None:
        """Note an upload, and forget those that nobody keeps any more."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        new = self._folder / f"{name}.{os.getpid()}"
        new.write_text(json.dumps({"id": upload_id}))
        new.replace(self._folder / name)

    def forget(self, name: str) -> None:
        """Let a finished upload go."""
        (self._folder / name).unlink(missing_ok=True)


def default_folder() -> Path:
    """``$XDG_CACHE_HOME/cairn/submit``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cairn" / "submit"


def name_of(door: str, announcement: Mapping[str, Any], paths: list[Path]) -> str:
    """What tells an upload from others: where it goes, what is said of it, and its files as they are now."""
    files = [[str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    return hashlib.sha256(json.dumps([door, announcement, files], sort_keys=True).encode()).hexdigest()[:32]
