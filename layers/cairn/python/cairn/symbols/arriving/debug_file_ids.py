"""The ids of debug files, read from their first bytes where that is enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cairn.symbols.compiling.compile import SOURCE_BUNDLE, Ids, identify
from cairn.symbols.compiling.isolation import Limits
from cairn.symbols.errors import DebugFileError
from cairn.symbols.formats.breakpad_text import read_lines
from cairn.symbols.formats.elf import MAGIC, Elf

_BREAKPAD = b"MODULE "
_OTHERS = (
    b"MZ", b"Microsoft C/C++", b"BSJB", b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf",
)  # fmt: skip
"""How PE, PDB, portable PDB and Mach-O files begin: their ids are read by the native reader, in a child process."""

HEAD = 18
"""Bytes that tell what a file is."""

_OBJECT_TYPE = 1
"""ELF's ET_REL and Mach-O's MH_OBJECT: what a linker has yet to link (System V gABI, "ELF Header"; loader.h)."""

_MACHO = {b"\xfe\xed\xfa\xce": "big", b"\xfe\xed\xfa\xcf": "big",
          b"\xce\xfa\xed\xfe": "little", b"\xcf\xfa\xed\xfe": "little"}  # fmt: skip

_FAT = b"\xca\xfe\xba\xbe"
_MOST_ARCHITECTURES = b"\0\0\0\x1e"
"""A Java class begins as a fat Mach-O does, with its version where the count of architectures would be."""

_SYM_MODULE = re.compile(rb"MODULE [^ ]+ [^ ]+ ([0-9a-fA-F]{32})([0-9a-fA-F]{0,8}) ")
_SYM_CODE_ID = re.compile(rb"INFO CODE_ID ([0-9a-fA-F]+)")


def read_all_ids(paths: Iterable[Path], limits: Limits | None = None) -> Iterator[tuple[Path, list[Ids] | Exception]]:
    """Yield debug id and code id of every object of the debug files among ``paths``, or why one cannot be read."""
    others: list[Path] = []
    for path in paths:
        try:
            found = _cheap_ids(path)
        except (DebugFileError, OSError) as error:
            yield path, error
            continue
        if found is None:
            others.append(path)
        else:
            yield path, found
    yield from zip(others, identify(others, limits), strict=True)


def read_ids(path: Path, *, is_bundle: bool) -> list[Ids] | Exception:
    """Read the ids of one debug file or source bundle, or tell why it cannot be read."""
    return identify([path])[0] if is_bundle else next(read_all_ids([path]))[1]


def begins_like_debug_file(head: bytes) -> bool:
    """Whether the first ``HEAD`` bytes of a file are those of a debug file, or of a source bundle. Object files, of
    which a build folder is full, are none: no module of a crash is one."""
    is_java = head.startswith(_FAT) and head[4:8] > _MOST_ARCHITECTURES
    begins = head.startswith((_BREAKPAD, MAGIC, SOURCE_BUNDLE, *_OTHERS))
    return begins and not is_java and not is_object_file(head)


def is_object_file(head: bytes) -> bool:
    """Whether the first ``HEAD`` bytes of a file are those of an object file: ``.o``, ``.dwo``."""
    if head.startswith(MAGIC):
        return int.from_bytes(head[16:18], "big" if head[5:6] == b"\2" else "little") == _OBJECT_TYPE
    order = _MACHO.get(head[:4])
    return order is not None and int.from_bytes(head[12:16], order) == _OBJECT_TYPE  # type: ignore[arg-type]


def _cheap_ids(path: Path) -> list[Ids] | None:
    """Read the ids from the first bytes; nothing where it is no debug file, ``None`` where that takes more."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if head.startswith(_BREAKPAD):
            file.seek(0)
            return _breakpad_ids(read_lines(file))
        if head.startswith(MAGIC) and not is_object_file(head):
            build_id = Elf(file).build_id()
            return [(elf_debug_id(build_id), build_id)] if build_id else None
    return None if head.startswith(_OTHERS) and begins_like_debug_file(head) else []


def elf_debug_id(build_id: str) -> str:
    """Return the debug id of a build id: its first 16 bytes, read as a little-endian GUID."""
    raw = bytes.fromhex(build_id)[:16].ljust(16, b"\0")
    return _guid(raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:])


def _breakpad_ids(lines: Iterator[bytes]) -> list[Ids]:
    module = _SYM_MODULE.match(next(lines, b""))
    if module is None:
        return []
    age = int(module[2] or b"0", 16)
    debug_id = _guid(bytes.fromhex(module[1].decode())) + (f"-{age:x}" if age else "")
    code_id = _SYM_CODE_ID.match(next(lines, b""))
    return [(debug_id, code_id[1].decode().lower() if code_id else None)]


def _guid(raw: bytes) -> str:
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
