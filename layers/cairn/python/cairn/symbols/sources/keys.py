"""What of a dump's names and ids may stand in a path, in the forms that layouts use.

A dump can hold any bytes. An id that is not one, or a name that is more than one part of a path, is none here, and a
server is not asked by it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cairn.symbols.sources.records import ModuleFormat, SourceModule

NAME_LIMIT = 255
"""Bytes of a file's name; no file system that symbol servers run on takes more."""

_DEBUG_ID = re.compile(r"([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-f]{8})(?:-([0-9a-f]{1,8}))?")
_BUILD_ID = re.compile(r"(?:[0-9a-f]{2}){2,64}")
_PE_ID = re.compile(r"([0-9a-f]{8})([0-9a-f]{1,8})")


@dataclass(frozen=True, slots=True)
class PeId:
    """TimeDateStamp, eight digits, and SizeOfImage, as few as there are; both in lower hex."""

    timestamp: str
    size: str


@dataclass(frozen=True, slots=True)
class DebugId:
    """GUID (or the 32-bit signature of an old PDB) and age, in lower hex without hyphens."""

    guid: str
    age: str

    @property
    def breakpad(self) -> str:
        """In Breakpad's form: the age always follows."""
        return f"{self.guid.upper()}{self.age}"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a module can be asked for by; ``None`` is what it does not have or what cannot be trusted."""

    code_name: str | None
    debug_name: str | None
    debug_id: DebugId | None
    build_id: str | None
    pe_id: PeId | None


def keys_of_module(module: SourceModule) -> Keys:
    """The names and ids of a module that are what they should be."""
    code_id = (module.code_id or "").lower()
    is_elf, is_pe = module.format is ModuleFormat.ELF, module.format is ModuleFormat.PE
    pe_id = _PE_ID.fullmatch(code_id) if is_pe else None
    return Keys(
        code_name=file_name(module.code_file),
        debug_name=file_name(module.debug_file or (None if is_pe else module.code_file)),
        debug_id=debug_id(module.debug_id),
        build_id=code_id if is_elf and _BUILD_ID.fullmatch(code_id) and code_id.strip("0") else None,
        pe_id=PeId(pe_id[1], pe_id[2]) if pe_id and pe_id[0].strip("0") else None,
    )


def debug_id(text: str | None) -> DebugId | None:
    """The parts of a debug id in Sentry's form, ``<GUID>`` or ``<GUID>-<age>``; none for zeros."""
    parts = _DEBUG_ID.fullmatch((text or "").lower())
    if parts is None or not parts[1].strip("0-"):
        return None
    return DebugId(parts[1].replace("-", ""), f"{int(parts[2] or '0', 16):x}")


def file_name(path: str | None) -> str | None:
    """The last part of a path with any slashes; none where that cannot be the name of a file."""
    name = (path or "").replace("\\", "/").rpartition("/")[2]
    if not name or name in (".", "..") or len(name.encode(errors="replace")) > NAME_LIMIT:
        return None
    return None if any(unicodedata.category(char) in ("Cc", "Cs") for char in name) else name
