"""What is in a zip archive: each debug file with its ids, so that one of them can be unpacked when it is needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from cairn.symbols.arriving.archive import Archive, Refused, Unpacked
from cairn.symbols.arriving.debug_file_ids import elf_debug_id, read_ids
from cairn.symbols.compiling.compile import Ids, is_source_bundle
from cairn.symbols.errors import DebugFileError
from cairn.symbols.formats.companions import Companions, add_build_id, checksum, lacks_id

NAME_BYTES = 200
"""Bytes of a name that a file of this machine gets."""


@dataclass(frozen=True, slots=True)
class Member:
    """A debug file, or source bundle, in the archive at ``archive``, the ``number``-th of it, at ``place``. ``name`` is
    its own, ``key`` tells its content from others. ``build_id`` is what a companion without one gets of its program, in
    hex."""

    archive: Path
    number: int
    place: str
    name: str
    key: str
    ids: tuple[Ids, ...] = ()
    is_bundle: bool = False
    build_id: str | None = None

    @property
    def shown(self) -> Path:
        """A path for a person: there is no such file."""
        return Path(f"{self.archive}/{self.place.lstrip('/')}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an archive. ``problems`` says, for a person, which files of it cannot be used, and why."""

    members: tuple[Member, ...]
    problems: tuple[str, ...]


def look_into(path: Path, scratch: Path) -> Contents:
    """Unpack one file of an archive after another into ``scratch``, and note what it is.

    Raises ``DebugFileError`` for an archive that cannot be opened.
    """
    members: list[Member] = []
    problems: list[str] = []
    companions, links = Companions(), dict[int, int]()
    with Archive(path) as archive:
        for found in archive.debug_files(scratch):
            if isinstance(found, Refused):
                problems.append(f"{found.name}: {found.reason}")
                continue
            companions.note(found.path)
            if lacks_id(found.path):
                links[len(members)] = checksum(found.path)
            try:
                members.append(_looked_at(found, path))
            except DebugFileError as error:
                problems.append(f"{found.place}: {error}")
    for place, crc in links.items():
        members += [_paired(members[place], text_id) for text_id in companions.ids_of(crc)]
    return Contents(tuple(members), tuple(problems))


def unpack(member: Member, folder: Path) -> Path:
    """Unpack one file, and tell where it is in ``folder``. Raises ``DebugFileError`` or ``OSError``."""
    with Archive(member.archive) as archive:
        unpacked = archive.unpack(member.number, folder).path
    if member.build_id:
        add_build_id(unpacked, bytes.fromhex(member.build_id))
    return unpacked


def _looked_at(found: Unpacked, archive: Path) -> Member:
    """A file that lies unpacked. Raises ``DebugFileError`` for one that is damaged."""
    with found.path.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()
    is_bundle = is_source_bundle(found.path)
    ids = read_ids(found.path, is_bundle=is_bundle)
    if isinstance(ids, Exception):
        raise ids
    return Member(archive, found.number, found.place, _file_name(found.name), key, tuple(ids), is_bundle)


def _paired(companion: Member, build_id: bytes) -> Member:
    """A companion without a build id as one that has its program's."""
    text = build_id.hex()
    return replace(companion, key=f"{companion.key}-{text}", ids=((elf_debug_id(text), text),), build_id=text)


def _file_name(name: str) -> str:
    """A name out of an archive as a file of this machine can have it."""
    short = name.encode()[:NAME_BYTES].decode(errors="ignore")
    return short if short.strip(".") else "file"
