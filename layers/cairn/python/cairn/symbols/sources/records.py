"""What symbol servers are asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layout(StrEnum):
    """How a server names its files; ``layouts.py`` says it in full."""

    SYMSTORE = "symstore"
    SYMSTORE_INDEX2 = "symstore_index2"
    SSQP = "ssqp"
    BREAKPAD = "breakpad"
    DEBUGINFOD = "debuginfod"
    UNIFIED = "unified"


class FileType(StrEnum):
    """Kinds of files that servers have; the words are those of Sentry's filter ``filetypes``."""

    PE = "pe"
    PDB = "pdb"
    ELF_CODE = "elf_code"
    ELF_DEBUG = "elf_debug"
    MACH_CODE = "mach_code"
    MACH_DEBUG = "mach_debug"
    BREAKPAD = "breakpad"


class Role(StrEnum):
    """What a file is wanted for: ``debug`` gives names and lines, ``code`` is the program and tells how to unwind."""

    DEBUG = "debug"
    CODE = "code"


class ModuleFormat(StrEnum):
    """What kind of file a module was loaded from; the words are Sentry's ``type`` of an image."""

    PE = "pe"
    ELF = "elf"
    MACHO = "macho"


FILE_TYPES: dict[tuple[ModuleFormat, Role], tuple[FileType, ...]] = {
    (ModuleFormat.PE, Role.DEBUG): (FileType.PDB, FileType.BREAKPAD),
    (ModuleFormat.PE, Role.CODE): (FileType.PE,),
    (ModuleFormat.ELF, Role.DEBUG): (FileType.ELF_DEBUG, FileType.BREAKPAD),
    (ModuleFormat.ELF, Role.CODE): (FileType.ELF_CODE,),
    (ModuleFormat.MACHO, Role.DEBUG): (FileType.MACH_DEBUG, FileType.BREAKPAD),
    (ModuleFormat.MACHO, Role.CODE): (FileType.MACH_CODE,),
}
"""Which files play a role for a module, the better one first. Breakpad's text plays both."""


class CredentialKind(StrEnum):
    """How a server is shown who asks: user and password, a bearer token, or one header of its own."""

    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to a private server, but for the secret itself, which is kept apart. ``name`` is the user, or the
    header's; ``None`` for a bearer token. ``changed`` (Unix seconds) tells them from those before."""

    kind: CredentialKind
    name: str | None
    changed: float


@dataclass(frozen=True, slots=True)
class Source:
    """A symbol server. ``url`` is ``https://…``, ``http://…`` or ``s3://bucket/prefix`` without a slash at its end, and
    ``file_types`` what it has. ``built_in`` are those of Cairn's own list, which are known by their ``name``. Private
    ones want ``credentials``."""

    name: str
    url: str
    layout: Layout
    file_types: tuple[FileType, ...] = tuple(FileType)
    built_in: bool = False
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A module as servers are asked for it. Names and ids are as a dump has them: nothing in them is trusted."""

    format: ModuleFormat
    code_file: str | None
    debug_file: str | None
    code_id: str | None
    debug_id: str | None


class FetchStatus(StrEnum):
    """What became of one file on one server."""

    FOUND = "found"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    WRONG_ID = "wrong_id"
    FAILED = "failed"  # no answer, or one that makes no sense now
    REFUSED = "refused"  # an address that Cairn does not ask


class FetchError(Exception):
    """There is no file to be had here: ``status`` says what kind of reason, the text is for a person."""

    def __init__(self, status: FetchStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
