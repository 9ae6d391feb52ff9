"""The unwind rules of a debug file, from what each format has: its own data, or what ``symbolic`` makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from cairn.symbols.compiling.attempt import attempt
from cairn.symbols.compiling.libsymbolic import DebugObject, open_debug_file
from cairn.symbols.formats.breakpad_text import read_lines
from cairn.symbols.formats.elf import Elf
from cairn.symbols.symbol_file.coverage import END_OF_ADDRESSES, Stretch
from cairn.symbols.unwind_data.arm_exidx import exidx_rows
from cairn.symbols.unwind_data.cfi_text import Row, overlay, parse_stack_lines
from cairn.symbols.unwind_data.dwarf_expressions import expression_rows
from cairn.symbols.unwind_data.macho_unwind import macho_unwind_rows
from cairn.symbols.unwind_data.pe_unwind import pe_unwind_rows
from cairn.symbols.unwind_data.signed_returns import copy_without_signs


def unwind_rows(debug_object: DebugObject, path: Path, problems: list[str]) -> list[Row]:
    """Return the rows of an object of the file at ``path``, by rising address. ``problems`` gets what was not read.

    Raises:
        DebugFileError: nothing could.
    """
    if debug_object.format == "breakpad":
        with path.open("rb") as file:
            return parse_stack_lines(read_lines(file))
    if debug_object.format == "pe":
        return pe_unwind_rows(path, problems)
    if debug_object.format == "elf":
        return _elf_rows(debug_object, path, problems)
    dwarf = _parsed_cfi(debug_object)
    if debug_object.format == "macho" and debug_object.debug_id:
        uuid = debug_object.debug_id.replace("-", "")[:32]
        return attempt(lambda: macho_unwind_rows(path, uuid, dwarf), dwarf, problems)
    return dwarf


def _elf_rows(debug_object: DebugObject, path: Path, problems: list[str]) -> list[Row]:
    with path.open("rb") as file:
        elf = Elf(file)
        if elf.is_arm:
            dwarf: list[Row] = attempt(lambda: _parsed_cfi(debug_object), [], problems)
            index: list[Row] = attempt(lambda: exidx_rows(elf, problems), [], problems)
            return overlay(dwarf, index)
        expressions: list[Row] = attempt(lambda: expression_rows(elf), [], problems)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "program"
        if copy_without_signs(path, copy):
            (debug_object,) = open_debug_file(copy)
        return overlay(expressions, _parsed_cfi(debug_object))


def _parsed_cfi(debug_object: DebugObject) -> list[Row]:
    return parse_stack_lines(debug_object.cfi_text().split(b"\n"))


def covered_by_rules(rows: list[Row]) -> Iterator[Stretch]:
    """Yield the stretches of addresses that have a rule."""
    begin = None
    for row in rows:
        if row.rule is not None and begin is None:
            begin = row.start
        elif row.rule is None and begin is not None:
            yield begin, row.start
            begin = None
    if begin is not None:
        yield begin, END_OF_ADDRESSES
