"""What is in a source bundle: its directory and manifest, read once, in the child process.

``manifest.json`` says which member is which file (symbolic: symbolic-debuginfo/src/sourcebundle). All of it comes from
outside. Each member is judged by itself, and what is wrong with it is kept in place of it.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cairn.symbols.errors import DebugFileTooLargeError, MalformedDebugFileError
from cairn.symbols.source_code.source_index import FAULTS, MAX_FILES, Member, Packing

MANIFEST = "manifest.json"
MAX_MANIFEST = 128 * 1024 * 1024
"""Bytes: some 300 a file."""

MAX_MEMBER = 16 * 1024 * 1024
"""Bytes of a source file, unpacked: the largest single sources there are have 9 MB (SQLite's)."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\3\4"
_ENCRYPTED = 0x1
_PACKINGS = (Packing.STORED, Packing.DEFLATED)
"""What ``symbolic`` writes. The other methods of zip let a few bytes ask for gigabytes of memory."""

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, KeyError, struct.error)
"""What ``zipfile`` and ``json`` say of bytes that are no archive, are encrypted, or contradict themselves."""


def bundle_members(path: Path) -> dict[str, Member]:
    """The source files in a bundle, by the path that a compiler writes.

    Raises:
        MalformedDebugFileError: there is no directory or no manifest that can be read.
        DebugFileTooLargeError: there are more files than are indexed.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            files = _listed(json.loads(_manifest(archive)))
            members = {member.filename: member for member in archive.infolist()}
            if len(files) > MAX_FILES:
                raise DebugFileTooLargeError(f"The source bundle has more than {MAX_FILES} files. Split it.")
            size = path.stat().st_size
            return {path: _judged(file, size, members.get(name)) for path, name in files.items()}
    except _BROKEN as error:
        raise MalformedDebugFileError(f"The source bundle cannot be read: {error!r}") from error


def faults_of(members: Mapping[str, Member]) -> Iterator[str]:
    """For a person, how many files of a bundle cannot be had, for each reason."""
    counts = Counter(member.packing for member in members.values() if member.packing in FAULTS)
    for packing, count in sorted(counts.items()):
        example = next(path for path, member in members.items() if member.packing is packing)
        yield f"{count} of {len(members)} source files cannot be shown, {example[:200]} for one: {FAULTS[packing]}."


def _manifest(archive: zipfile.ZipFile) -> bytes:
    info = archive.getinfo(MANIFEST)
    if info.compress_type not in _PACKINGS or info.file_size > MAX_MANIFEST:
        raise ValueError(f"{MANIFEST} is packed in another way, or larger than {MAX_MANIFEST} bytes")
    with archive.open(info) as member:
        content = member.read(MAX_MANIFEST + 1)
    if len(content) > MAX_MANIFEST:
        raise ValueError(f"{MANIFEST} is larger than it says")
    return content


def _listed(manifest: Any) -> dict[str, str]:
    """Members of the archive by the path that a compiler would write."""
    files = manifest.get("files") if isinstance(manifest, dict) else None
    listed = files.items() if isinstance(files, dict) else ()
    paths = {name: file.get("path") for name, file in listed if isinstance(file, dict) and file.get("type") == "source"}
    return {path: name for name, path in paths.items() if isinstance(path, str)}


def _judged(file: BinaryIO, size: int, info: zipfile.ZipInfo | None) -> Member:
    """The member, or what is wrong with it."""
    if info is None:
        return _fault(Packing.ABSENT)
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKINGS:
        return _fault(Packing.UNREADABLE)
    if max(info.file_size, info.compress_size) > MAX_MEMBER:
        return _fault(Packing.TOO_LARGE)
    if info.compress_size > info.file_size + info.file_size // 8 + 64:  # deflate adds 5 bytes to 16 KB at worst
        return _fault(Packing.CONTRADICTS)
    return _placed(file, size, info)


def _placed(file: BinaryIO, size: int, info: zipfile.ZipInfo) -> Member:
    if not 0 <= info.header_offset <= size - _LOCAL_HEADER.size:
        return _fault(Packing.OUTSIDE)
    file.seek(info.header_offset)
    magic, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if magic != _LOCAL_MAGIC:
        return _fault(Packing.NO_HEADER)
    start = info.header_offset + _LOCAL_HEADER.size + name + extra
    if start + info.compress_size > size:
        return _fault(Packing.OUTSIDE)
    return Member(start, info.compress_size, info.file_size, info.CRC, Packing(info.compress_type))


def _fault(what: Packing) -> Member:
    return Member(0, 0, 0, 0, what)
