"""Zip archives of debug files: opened a file at a time, within limits, and never by the names in them.

Sentry's source bundles are zips too, but begin with bytes of their own (``source_code/``).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cairn.symbols.arriving.debug_file_ids import HEAD, begins_like_debug_file
from cairn.symbols.errors import DebugFileTooLargeError, MalformedDebugFileError

MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
"""How an archive begins, and how an empty one does."""

MAX_DIRECTORY = 8 * 1024 * 1024
"""Bytes of the archive's directory, which is in memory as a whole: ten times as many, at the worst."""

PIECE = 1024 * 1024
SMALL = 16 * 1024 * 1024
"""Bytes up to which a file may be packed as tightly as it likes."""

NAME_LIMIT = 200
"""Characters of a name that are told."""

METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}
"""Ways of packing that are known and not read, by their numbers in APPNOTE.TXT 4.4.5."""

_ENCRYPTED = 1
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError, KeyError)
"""What ``zipfile`` says of bytes that are no archive, or contradict themselves."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold: files of all kinds, debug files among them, bytes of one and of all debug files when
    they are unpacked, and how many times its packed size a large one may have."""

    files: int = 10_000
    debug_files: int = 1000
    size: int = 2 * 1024**3
    total: int = 8 * 1024**3
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A debug file out of an archive. ``path`` is where it lies now, ``name`` its own, without folders, ``place`` the
    name that it has in the archive, as it can be told."""

    path: Path
    name: str
    number: int
    place: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that may be a debug file and is not taken. ``name`` is the one it has in the archive."""

    name: str
    reason: str


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in MAGICS


class Archive:
    """An archive that is open for reading. Close it after use: it is a context manager.

    Raises:
        MalformedDebugFileError: it has no directory that can be read.
        DebugFileTooLargeError: it has too many files.
    """

    def __init__(self, path: Path, limits: ArchiveLimits | None = None) -> None:
        self._limits = limits or ArchiveLimits()
        self._total = 0
        self._count = 0
        self._file = _BoundedFile(path)
        try:
            self._archive = zipfile.ZipFile(self._file)
            self._infos = self._archive.infolist()
        except _BROKEN as error:
            self._file.close()
            raise MalformedDebugFileError(f"The zip archive is damaged or cut short: {error}.") from error
        if len(self._infos) > self._limits.files:
            self._file.close()
            raise DebugFileTooLargeError(
                f"The zip archive holds {len(self._infos)} files, more than the {self._limits.files} that are looked "
                "at. Pack the debug files alone, or in several archives."
            )

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def debug_files(self, folder: Path) -> Iterator[Unpacked | Refused]:
        """Unpack the debug files, one after another, each over the one before at the same place in ``folder``.

        What is no debug file is passed over. One that cannot be had is ``Refused``, and the others follow.
        """
        for number, info in enumerate(self._infos):
            if info.filename.endswith("/"):  # a folder; ``is_dir`` fails where there is no name
                continue
            try:
                if (found := self._taken(number, info, folder)) is not None:
                    yield found
            except MalformedDebugFileError as error:
                yield Refused(printable(info.filename), str(error))

    def unpack(self, number: int, folder: Path) -> Unpacked:
        """Unpack once more a file that ``debug_files`` gave."""
        info, target = self._infos[number], folder / "unpacked"
        with target.open("wb") as file:
            for piece in self._pieces(info, PIECE):
                file.write(piece)
        return Unpacked(target, own_name(info.filename), number, printable(info.filename))

    def _taken(self, number: int, info: zipfile.ZipInfo, folder: Path) -> Unpacked | Refused | None:
        name = printable(info.filename)
        if reason := unreadable(info):
            return Refused(name, reason)
        head = next(self._pieces(info, HEAD), b"")
        if head.startswith(MAGICS) and info.filename.lower().endswith(".zip"):
            return Refused(name, "an archive in an archive is not opened: unpack it, and pack what is in it")
        if not begins_like_debug_file(head):
            return None
        if reason := self._too_much(info):
            return Refused(name, reason)
        self._count += 1
        self._total += info.file_size
        return self.unpack(number, folder)

    def _pieces(self, info: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
        """The content of a file; its end is only reached when its checksum is right."""
        try:
            with self._archive.open(info) as member:
                while piece := member.read(size):
                    yield piece
        except _BROKEN as error:
            raise MalformedDebugFileError(f"it is damaged: {error}") from error

    def _too_much(self, info: zipfile.ZipInfo) -> str | None:
        """Why a debug file is too much to unpack. ``zipfile`` gives no more bytes than the directory says."""
        limits = self._limits
        if info.file_size > limits.size:
            return f"it has {info.file_size} bytes, more than the {limits.size} that a debug file may have"
        if info.file_size > max(SMALL, info.compress_size * limits.ratio):
            return f"it would grow to more than {limits.ratio} times its packed size"
        if self._count >= limits.debug_files:
            return f"{limits.debug_files} debug files of the archive come before it, and no more are taken"
        if self._total + info.file_size > limits.total:
            return f"with those before it, it would unpack to more than {limits.total} bytes"
        return None


def unreadable(info: zipfile.ZipInfo) -> str | None:
    """Why a file in an archive cannot be read, as far as the directory tells."""
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        how = METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"it is packed with {how}: pack it with deflate, as zip does by default"
    return None


def own_name(name: str) -> str:
    """A file's own name, without folders of any system and without what is not printable."""
    return printable(name.replace("\\", "/").rstrip("/").rpartition("/")[2]) or "file"


def printable(name: str) -> str:
    """A name out of an archive as it can be told: the end of a long one, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "_" for char in name[-NAME_LIMIT:])


class _BoundedFile(io.FileIO):
    """A file of which no large piece is read at once: ``zipfile`` would read a directory of any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        bounded = MAX_DIRECTORY + 1 if size is None or size < 0 else size
        if bounded > MAX_DIRECTORY + 1:
            raise zipfile.BadZipFile(f"its directory has more than {MAX_DIRECTORY} bytes")
        return super().read(bounded)
