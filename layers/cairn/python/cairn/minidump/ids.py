"""Names by which symbols are found: CodeView records to debug ids and code ids."""

from __future__ import annotations

from typing import Final, NamedTuple

from cairn.minidump.records import Os
from cairn.minidump.source import c_string
from cairn.minidump.window import Window

PDB70: Final = 0x53445352  # RSDS
PDB20: Final = 0x3031424E  # NB10
ELF_BUILD_ID: Final = 0x4270454C  # LEpB in a little-endian file
APPLE: Final = (Os.MACOS, Os.IOS)
ELF_SYSTEMS: Final = (Os.LINUX, Os.ANDROID, Os.FUCHSIA, Os.SOLARIS)


class Image(NamedTuple):
    """What a module's entry says about the file it was loaded from."""

    os: Os
    code_file: str
    timestamp: int
    size: int

    @property
    def pe_code_id(self) -> str:
        """TimeDateStamp and SizeOfImage, by which Microsoft's symbol servers file executables."""
        return f"{self.timestamp:08x}{self.size:x}"


class Ids(NamedTuple):
    """The ids of a module, as ``Module`` has them."""

    debug_id: str | None = None
    debug_file: str | None = None
    code_id: str | None = None


def module_ids(record: Window | None, image: Image) -> Ids:
    """The ids in a CodeView ``record``.

    Without one (or with one of a kind nobody knows) a Windows module still has its code id.

    Raises:
        OutOfBoundsError: the record ends too early.
    """
    if record is not None and len(record) >= 4:
        (signature,) = record.unpack("I")
        if signature == PDB70:
            return _pdb70(record, image)
        if signature == PDB20:
            return _pdb20(record, image)
        if signature == ELF_BUILD_ID:
            return _elf(record, image)
    return without_codeview(image)


def without_codeview(image: Image) -> Ids:
    """What is known of a module whose CodeView record says nothing."""
    return Ids(code_id=image.pe_code_id if image.os is Os.WINDOWS else None)


def guid(raw: Window, offset: int = 0) -> str:
    """A GUID with hyphens, lower case; its first three numbers are in the dump's byte order."""
    first, second, third, rest = raw.unpack("IHH8s", offset)
    return f"{first:08x}-{second:04x}-{third:04x}-{rest[:2].hex()}-{rest[2:].hex()}"


def _pdb70(record: Window, image: Image) -> Ids:
    uuid = guid(record, 4)
    (age,) = record.unpack("I", 20)
    debug_file = c_string(record.data[24:])
    if image.os in APPLE:
        return Ids(_with_age(uuid, age), debug_file, uuid.replace("-", "") if _is_set(uuid) else None)
    # On Linux, Crashpad writes this record for a file without a build id, and the time stamp is zero: no code id then.
    meaningless = image.os in ELF_SYSTEMS and image.timestamp == 0
    return Ids(_with_age(uuid, age), debug_file, None if meaningless else image.pe_code_id)


def _pdb20(record: Window, image: Image) -> Ids:
    _, signature, age = record.unpack("III", 4)
    return Ids(_with_age(f"{signature:08x}", age), c_string(record.data[16:]), image.pe_code_id)


def _elf(record: Window, image: Image) -> Ids:
    build_id = bytes(record.data[4:])
    if not any(build_id):
        return Ids(debug_file=image.code_file)
    padded = Window(memoryview(build_id[:16].ljust(16, b"\0")), record.big_endian)
    return Ids(guid(padded), image.code_file, build_id.hex())


def _with_age(identifier: str, age: int) -> str | None:
    """The id in the form of ``Module.debug_id``; a zero one is none."""
    if not _is_set(identifier):
        return None
    return f"{identifier}-{age:x}" if age else identifier


def _is_set(identifier: str) -> bool:
    return bool(identifier.strip("0-"))
