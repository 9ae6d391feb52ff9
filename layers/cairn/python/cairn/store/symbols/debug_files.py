"""Debug files as they were uploaded, kept by their content."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.parts import Content, Progress
from cairn.store.settings import Settings

PREFIX = "debug-files/"
NAME_LIMIT = 200
"""Bytes of a file's name in a key; S3 takes 1,024 a key."""
LINK_SECONDS = 300

LARGEST_FILE = 2 * 1024**3
"""Bytes of a debug file, or an archive of them: Sentry's own limit."""

PROPER_KEY = re.compile(rf"{PREFIX}([0-9a-f]{{40}})/[^/]+")


class DebugFiles:
    """Debug files under ``debug-files/<sha1 of the content>/<file name>``. SHA-1 is what Sentry's upload protocol names
    files by; it finds what is there already and guards nothing."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket)

    def put(self, path: Path, name: str, progress: Progress | None = None) -> str:
        """Store a file, and answer its key. ``name`` is the file's own, without folders. ``progress`` is called with
        bytes as they go out, from several threads; all at once when the file is there already."""
        size = path.stat().st_size
        with path.open("rb") as file:
            sha1 = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
            key = debug_file_key(sha1, name)
            if self._objects.size(key) is None:
                self._objects.put_new_stream(key, file, size, progress=progress)
            elif progress:
                progress(size)
        return key

    def put_stream(self, sha1: str, name: str, content: Content, size: int) -> bool:
        """Store ``size`` bytes of a seekable stream whose SHA-1 this is; ``False`` when the file is there already.
        Nothing is stored when reading the stream fails."""
        key = debug_file_key(sha1, name)
        if self._objects.size(key) is not None:
            return False
        return self._objects.put_new_stream(key, content, size)

    def link(self, key: str, *, head: bool = False) -> str:
        """A URL that gives the debug file to whoever has it, for ``LINK_SECONDS``; with ``head`` by the method HEAD."""
        return self._objects.link(key, LINK_SECONDS, head=head)

    def size(self, key: str) -> int | None:
        """Bytes of a debug file; ``None`` when it is not there (any more)."""
        return self._objects.size(key)

    def remove(self, key: str) -> None:
        """Remove a debug file's object, be it there or not."""
        self._objects.delete(key)

    def download(self, key: str, path: Path) -> bool:
        """Write a debug file to ``path``; ``False`` when it is not there (any more). Raises ``UnreadableError``
        (``object_too_large``) for one above ``LARGEST_FILE``, without reading it."""
        return self._objects.download(key, path, limit=LARGEST_FILE)


def debug_file_key(sha1: str, name: str) -> str:
    """The key of a debug file. Folders in the name are dropped and a long name is cut."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    short = base.encode()[:NAME_LIMIT].decode(errors="ignore")
    return f"{PREFIX}{sha1}/{short or 'file'}"


def is_stray(key: str) -> bool:
    """Whether someone put a file into the folder by hand, where its key does not tell its content."""
    return PROPER_KEY.fullmatch(key) is None


def sha1_in(key: str) -> str:
    """The SHA-1 by which the debug file of a key is known: that of its content, and of a stray that of its key."""
    found = PROPER_KEY.match(key)
    return found[1] if found else hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()


def name_in(key: str) -> str:
    """The file's own name in the key of a debug file, without folders."""
    return key.rpartition("/")[2]


def too_large(size: int) -> str:
    """Why a file of ``size`` bytes is not taken, for a person."""
    return (
        f"It has {size} bytes, more than the {LARGEST_FILE} (2 GiB) that a debug file may have, and is not read. Split "
        "the debug information, or strip what no crash needs."
    )
