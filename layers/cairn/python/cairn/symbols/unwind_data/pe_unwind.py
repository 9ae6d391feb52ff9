"""Unwind rules of a Windows program, read from its own unwind data.

``symbolic`` 13.9 gives one rule a function on amd64, wrong in its first and last instructions, and none of use on
arm64.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import AMD64, ARM64, Pe
from cairn.symbols.unwind_data import pe_amd64, pe_arm64
from cairn.symbols.unwind_data.cfi_text import Row
from cairn.symbols.unwind_data.frame_rules import Function, rows_of

_READERS: dict[int, Callable[[Pe], Iterator[Function]]] = {AMD64: pe_amd64.functions, ARM64: pe_arm64.functions}


def pe_unwind_rows(path: Path, problems: list[str]) -> list[Row]:
    """Read the rows of the program at ``path``; what is left out is told in ``problems``.

    Empty for a processor without unwind data, as 32-bit x86 is.

    Raises:
        MalformedDebugFileError: headers or the table of functions make no sense.
    """
    with path.open("rb") as file, _mapped(file.fileno()) as data:
        pe = Pe(data)
        reader = _READERS.get(pe.machine)
        rows, broken = rows_of(reader(pe)) if reader else ([], 0)
    if broken:
        problems.append(f"{broken} functions have unwind data that makes no sense, and no rules.")
    return rows


def _mapped(file: int) -> mmap.mmap:
    try:
        return mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise MalformedDebugFileError("The file is empty.") from None
