"""Which of several symbol files of one module serves names, which unwinding, and which code. One may do all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cairn.symbols.symbol_file.reader import SymbolFile

NAMED = 3
"""Files that a reason names."""

_NATIVE = ("elf", "macho", "pe", "pdb")


def best_for_names(files: Sequence[SymbolFile]) -> SymbolFile | None:
    """Return the file with the most to say about names; ``None`` when no file has any.

    Lines go before mere names, and a native file before Breakpad text, which has lost languages and mangled names.
    """
    named = [file for file in files if file.features.symbols]
    return max(named, key=lambda file: (file.features.debug_info, _is_native(file)), default=None)


def best_for_unwinding(files: Sequence[SymbolFile]) -> SymbolFile | None:
    """Return the file with unwind rules; ``None`` when there is none.

    A native file goes before Breakpad text, where nothing marks the outermost frame; and the program itself before its
    debug companion, which at best has a part of the rules.
    """
    unwinding = [file for file in files if file.has_unwind_info]
    return max(unwinding, key=lambda file: (_is_native(file), file.description.kind != "dbg"), default=None)


def best_for_code(files: Sequence[SymbolFile]) -> SymbolFile | None:
    """Return a file that was compiled from one with the program's code; ``None`` when there is none."""
    return next((file for file in files if file.code), None)


def what_lacks(files: Sequence[SymbolFile]) -> str | None:
    """Return what none of the files that are there has, for a person; ``None`` where they have all there is."""
    if files and all(file.description.format == "portablepdb" for file in files):
        return "only a portable PDB was uploaded: it is about managed code, and a minidump has native frames"
    has = {
        "names": any(file.features.symbols for file in files),
        "lines": any(file.features.debug_info for file in files),
        "unwind information": any(file.has_unwind_info for file in files),
    }
    lacks = [what for what, there in has.items() if not there]
    if not files or not lacks:
        return None
    known = ", ".join(sorted({file.origin.rpartition("/")[2] for file in files})[:NAMED])
    has_no = f"{'has' if len(files) == 1 else 'have'} no {' and no '.join(lacks)}"
    return f"{known} {has_no}: look for another file of the build"


def _is_native(file: SymbolFile) -> bool:
    return file.description.format in _NATIVE
