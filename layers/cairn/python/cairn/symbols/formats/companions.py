"""Debug companions of programs without a build id: paired with their programs, and given their id.

Such a program is known by a hash of its code, which ``objcopy --only-keep-debug`` takes out of the companion. What
still ties the two is the checksum of the companion in the program's ``.gnu_debuglink`` (GDB's manual, 18.2 "Debugging
Information in Separate Files").
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import MAGIC, MAX_NOTES, Elf

PIECE = 1024 * 1024

_NAME = b".note.gnu.build-id\0"
_SHT_NOTE = 7
_OFFSET, _SIZE = 4, 5
"""Where a section's header has its place in the file, and its bytes."""

_NOTE = (4, 16, 3, b"GNU\0")
"""Bytes of the name and of the id, NT_GNU_BUILD_ID, and the name (System V gABI, "Note Section")."""

NOTE_SIZE = 32

_MOST_SECTIONS = 0xFEFF
"""Sections that a file's header can count: beyond that the number is elsewhere."""


class Companions:
    """The programs seen so far that name a companion and have no build id."""

    def __init__(self) -> None:
        self._ids: dict[int, list[bytes]] = {}

    def note(self, path: Path) -> None:
        """Remember which companion a file names, if it is such a program."""
        if link := named_companion(path):
            checksum, text_id = link
            ids = self._ids.setdefault(checksum, [])
            ids += [text_id] if text_id not in ids else []

    def ids_of(self, checksum: int) -> tuple[bytes, ...]:
        """The ids of the programs that were noted and name a companion with this checksum: those of which only a
        constant differs have the same."""
        return tuple(self._ids.get(checksum, ()))

    def with_ids(self, path: Path, folder: Path) -> Iterator[Path]:
        """The companion at ``path`` with the id of each of its programs, one after another at the same place in
        ``folder``; none when no program that was noted names it, or its header cannot count one section more."""
        target = folder / "companion"
        for text_id in self.ids_of(checksum(path)) if self._ids else ():
            shutil.copyfile(path, target)
            if add_build_id(target, text_id):
                yield target


def named_companion(path: Path) -> tuple[int, bytes] | None:
    """The checksum of the companion that a program without a build id names, and the program's own id; ``None`` for any
    other file. An id of zeros is none."""
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            return None
        try:
            elf = Elf(file)
            link, text_id = (None, None) if elf.build_id() else (elf.debug_link(), elf.text_id())
        except MalformedDebugFileError:
            return None
    return (link, text_id) if link is not None and text_id is not None and any(text_id) else None


def lacks_id(path: Path) -> bool:
    """Whether a file is a debug companion without a build id."""
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            return False
        try:
            elf = Elf(file)
            return elf.is_companion() and elf.build_id() is None
        except MalformedDebugFileError:
            return False


def checksum(path: Path) -> int:
    """The CRC-32 of a file, as ``objcopy --add-gnu-debuglink`` has it."""
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            crc = zlib.crc32(piece, crc)
    return crc


def give_build_id(path: Path, build_id: bytes) -> bool:
    """Give a companion a build id of 16 bytes, in place of one that was added before; else as ``add_build_id``."""
    with path.open("r+b") as file:
        try:
            note = Elf(file).section(_NAME[:-1])
        except MalformedDebugFileError:
            return False
        if note is not None and len(note[1]) == NOTE_SIZE:
            file.seek(note[0] + NOTE_SIZE - len(build_id))
            file.write(build_id)
            return True
    return note is None and add_build_id(path, build_id)


def add_build_id(path: Path, build_id: bytes) -> bool:
    """Add a section with a build id of 16 bytes to an ELF file, behind all that is there; ``False``, and nothing added,
    where its header cannot count one more, or leads beyond the file. The same file always becomes the same."""
    with path.open("r+b") as file:
        layout = _Layout(file.read(64))
        if not layout.takes_a_section:
            return False
        file.seek(layout.table)
        sections = bytearray(file.read(layout.entry.size * layout.count))
        end = file.seek(0, 2)
        names = layout.section(sections, layout.names)
        if names[_OFFSET] + names[_SIZE] > end or names[_SIZE] > MAX_NOTES or end > layout.largest:
            return False
        file.seek(names[_OFFSET])
        texts = file.read(names[_SIZE])
        start = (file.seek(0, 2) + 7) & ~7
        note = struct.pack(f"{layout.order}III4s", *_NOTE) + build_id
        new_texts = (texts + _NAME).ljust((len(texts + _NAME) + 7) & ~7, b"\0")
        names[_OFFSET], names[_SIZE] = start + len(note), len(new_texts)
        layout.entry.pack_into(sections, layout.entry.size * layout.names, *names)
        added = layout.entry.pack(len(texts), _SHT_NOTE, 0, 0, start, len(note), 0, 0, 4, 0)
        file.write(bytes(start - file.tell()) + note + new_texts + sections + added)
        file.seek(layout.table_at)
        file.write(struct.pack(layout.order + layout.table_form, start + len(note) + len(new_texts)))
        file.seek(layout.count_at)
        file.write(struct.pack(f"{layout.order}H", layout.count + 1))
    return True


class _Layout:
    """Where an ELF header has its table of sections."""

    def __init__(self, head: bytes) -> None:
        wide = head[4] == 2
        self.order = "<" if head[5] == 1 else ">"
        self.entry = struct.Struct(self.order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
        self.largest = 1 << (62 if wide else 31)
        self.table_at, self.table_form, self.count_at = (40, "Q", 60) if wide else (32, "I", 48)
        (self.table,) = struct.unpack_from(self.order + self.table_form, head, self.table_at)
        size, self.count, self.names = struct.unpack_from(f"{self.order}HHH", head, self.count_at - 2)
        self.takes_a_section = size == self.entry.size and self.names < self.count <= _MOST_SECTIONS

    def section(self, sections: bytearray, number: int) -> list[int]:
        """The header of a section."""
        return list(self.entry.unpack_from(sections, self.entry.size * number))
