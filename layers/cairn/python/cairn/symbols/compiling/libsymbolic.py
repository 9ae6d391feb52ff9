"""The one door to ``symbolic``, the native reader of debug files.

It is native code on bytes from outside: call it in a child process only (``isolation.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from symbolic.debuginfo import Archive
from symbolic.exceptions import SymbolicError

from cairn.symbols.errors import MalformedDebugFileError, UnsupportedFormatError

FORMATS = ("elf", "macho", "pe", "pdb", "portablepdb", "breakpad")
"""File formats that are kept, by ``symbolic``'s names. All hold symbols of native programs but portable PDBs, of which
it makes a symcache without functions: .NET's builds have them among the others, and debuggers ask for them."""

_T = TypeVar("_T")
_NIL_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class DebugObject:
    """One object of a debug file; a fat Mach-O has several.

    ``debug_id`` and ``code_id`` are written as in ``Module``, and ``None`` where the file has none. ``arch`` is
    ``symbolic``'s name (``x86``, ``x86_64``, ``arm64``, ``arm64e``, ``armv7`` …), ``kind`` is ``exe``, ``lib``,
    ``dbg`` …, ``features`` some of ``symtab debug unwind sources``.
    """

    debug_id: str | None
    code_id: str | None
    arch: str
    kind: str
    format: str
    features: frozenset[str]
    _handle: Any

    def symcache(self) -> bytes:
        """Functions, lines and inline chains in the symcache format.

        Raises:
            MalformedDebugFileError: the debug information makes no sense.
        """
        return _translated(lambda: bytes(self._handle.make_symcache().open_stream().read()))

    def cfi_text(self) -> bytes:
        """Unwind information as ``STACK CFI`` and ``STACK WIN`` lines, in no order.

        Raises:
            MalformedDebugFileError: the unwind information makes no sense.
        """
        # The stream has no preamble, and a PE's begins with a MODULE line: CfiCache.open would refuse it.
        return _translated(lambda: bytes(self._handle.make_cficache().open_stream().read()))


def open_debug_file(path: Path, formats: tuple[str, ...] = FORMATS) -> tuple[DebugObject, ...]:
    """Open a debug file and list its objects.

    Raises:
        UnsupportedFormatError: not one of ``formats``.
        MalformedDebugFileError: a known format, but unreadable.
    """
    # By path: Archive.from_bytes would keep no reference to its buffer.
    handles = _translated(lambda: list(_objects(Archive.open(str(path)))))
    if not handles:
        raise MalformedDebugFileError("The file holds no object that can be read.")
    for handle in handles:
        if handle.file_format not in formats:
            raise UnsupportedFormatError(f"Files of the format {handle.file_format} hold no native symbols.")
    return tuple(_describe(handle) for handle in handles)


def _objects(archive: Any) -> Iterator[Any]:
    for number in range(archive.object_count):
        yield archive._get_object(number)  # iter_objects() would hide the LookupError of an unreadable one


def _describe(handle: Any) -> DebugObject:
    debug_id = handle.debug_id.lower()
    return DebugObject(
        debug_id=None if debug_id.startswith(_NIL_ID) else debug_id,
        code_id=(handle.code_id or "").lower() or None,
        arch=handle.arch,
        kind=handle.kind,
        format=handle.file_format,
        features=handle.features,
        _handle=handle,
    )


def _translated(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except SymbolicError as error:
        message = " ".join(str(error.message).split())
        if message == "unsupported object file format":
            raise UnsupportedFormatError(
                "The file is neither ELF, Mach-O, PE, PDB, portable PDB nor a Breakpad symbol file."
            ) from error
        raise MalformedDebugFileError(f"The file is damaged or cut short: {message}.") from error
    except LookupError as error:
        raise MalformedDebugFileError("The file is damaged: one of its objects cannot be read.") from error
