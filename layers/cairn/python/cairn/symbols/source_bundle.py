"""Source files out of a bundle: Sentry's zip behind eight bytes, as ``sentry-cli`` makes it, read by range.

``manifest.json`` says which member is which file (symbolic: symbolic-debuginfo/src/sourcebundle). All in a bundle comes
from outside: directory, members and everything read together are bounded.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from cairn.symbols.blob import Blob
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.paths import clean_path

WHOLE_FILE = 3 * 1024 * 1024
"""Bytes up to which a bundle is read whole: cheaper than a second request."""

TAIL = 1024 * 1024
"""Bytes read from the end of a larger one, where the directory is."""

SLACK = 1024
"""Bytes read behind a member: its header may be longer than the directory says."""

MAX_DIRECTORY = 8 * 1024 * 1024
MAX_MANIFEST = 32 * 1024 * 1024
MAX_MEMBER = 4 * 1024 * 1024
"""Bytes of a source file, unpacked."""
MAX_READ = 24 * 1024 * 1024
"""Bytes read of a bundle for one crash, the directory included."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What ``symbolic`` writes. The other methods let a few bytes ask for gigabytes of memory."""

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, KeyError, RecursionError)
"""What ``zipfile`` and ``json`` say of bytes that are no archive, are encrypted, or contradict themselves."""


class SourceBundle:
    """The source files of one module.

    Raises:
        SymbolFileError: on construction, when the bytes are no bundle or too much of one.
    """

    def __init__(self, blob: Blob) -> None:
        self._file = _RangedFile(blob, MAX_DIRECTORY)
        try:
            self._archive = zipfile.ZipFile(self._file)
            self._members = _members(json.loads(self._unpacked("manifest.json", MAX_MANIFEST)))
        except _BROKEN as error:
            raise SymbolFileError(f"The source bundle cannot be read: {error!r}") from error

    def lines(self, paths: Iterable[str]) -> Mapping[str, list[str]]:
        """The lines of those files that are in the bundle, by the path asked for. What is damaged or too large is left
        out."""
        contents = self.contents(paths)
        return {path: content.decode("utf-8", "replace").splitlines() for path, content in contents.items()}

    def contents(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """The bytes of the same files."""
        names = {path: name for path in paths if (name := self._members.get(_spelling(path)))}
        self._file.allow(MAX_READ)
        found: dict[str, bytes] = {}
        try:
            self._file.fetch([self._span(name) for name in names.values()])
            for path, name in names.items():
                found[path] = self._unpacked(name, MAX_MEMBER)
        except _BROKEN:
            return found
        finally:
            self._file.forget()
        return found

    def _span(self, name: str) -> tuple[int, int]:
        info = self._archive.getinfo(name)
        return info.header_offset, info.header_offset + info.compress_size + len(info.filename) + SLACK

    def _unpacked(self, name: str, limit: int) -> bytes:
        info = self._archive.getinfo(name)
        if info.compress_type not in PACKED or info.file_size > limit:
            raise ValueError(f"{name} is packed in another way, or larger than {limit} bytes")
        with self._archive.open(info) as member:
            content = member.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"{name} is larger than it says")
        return content


def _members(manifest: Any) -> dict[str, str]:
    """Members of the archive by the path that a compiler would write."""
    files = manifest["files"].items() if isinstance(manifest, dict) and isinstance(manifest.get("files"), dict) else ()
    paths = {name: file.get("path") for name, file in files if isinstance(file, dict) and file.get("type") == "source"}
    return {_spelling(path): name for name, path in paths.items() if isinstance(path, str)}


def _spelling(path: str) -> str:
    """One spelling for all that name the same file."""
    return clean_path(path).replace("\\", "/")


class _RangedFile(io.RawIOBase):
    """A blob as a file, which keeps what it has read. Raises ``OSError`` beyond what it may read."""

    def __init__(self, blob: Blob, limit: int) -> None:
        self._blob = blob
        self._left = limit
        self._position = 0
        self._kept: list[tuple[int, bytes]] = []
        start = 0 if blob.size <= WHOLE_FILE else blob.size - TAIL
        self.fetch([(start, blob.size)])
        self._opening = list(self._kept)

    def allow(self, more: int) -> None:
        """Let it read so many bytes from now on."""
        self._left = more

    def forget(self) -> None:
        """Keep no more than what opening took."""
        self._kept = list(self._opening)

    def fetch(self, spans: Iterable[tuple[int, int]]) -> None:
        """Read spans side by side, those near each other in one go, without what is there already."""
        missing = [(start, min(end, self._blob.size)) for start, end in sorted(spans) if self._find(start, end) is None]
        merged: list[tuple[int, int]] = []
        for start, end in missing:
            if merged and start - merged[-1][1] <= self._blob.merge_gap:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self._left -= sum(end - start for start, end in merged)
        if self._left < 0:
            raise OSError("more of the bundle would have to be read than a crash is worth")
        answers = self._blob.read(merged) if merged else []
        self._kept += [(start, data) for (start, _), data in zip(merged, answers, strict=True)]

    def _find(self, start: int, end: int) -> bytes | None:
        end = min(end, self._blob.size)
        for begin, data in self._kept:
            if begin <= start and end <= begin + len(data):
                return data[start - begin : end - begin]
        return None

    def readinto(self, buffer: Any) -> int:
        start = self._position
        end = max(start, min(start + len(buffer), self._blob.size))
        data = self._find(start, end)
        if data is None:
            self.fetch([(start, end)])
            data = self._find(start, end) or b""
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._blob.size}[whence]
        if base + offset < 0:
            raise ValueError(f"there is nothing at {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
