"""The work on a debug file, done in the child process: native code on bytes from outside. See ``compile.py``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cairn.symbols.compiling.attempt import attempt
from cairn.symbols.compiling.compile import Compiled
from cairn.symbols.compiling.dwarf_halves import symcaches_by_halves
from cairn.symbols.compiling.libsymbolic import FORMATS, DebugObject, open_debug_file
from cairn.symbols.compiling.name_rows import NameRows
from cairn.symbols.compiling.row_spans import covered_by, row_spans
from cairn.symbols.compiling.segments import segments_of
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.compiling.unwind_rows import covered_by_rules, unwind_rows
from cairn.symbols.compiling.write_names import write_names
from cairn.symbols.errors import DebugFileError, MalformedDebugFileError, NoDebugIdError
from cairn.symbols.formats.breakpad_text import tidy
from cairn.symbols.formats.companions import lacks_id
from cairn.symbols.formats.elf import Elf
from cairn.symbols.records import Features, Segment
from cairn.symbols.source_code.bundle_members import bundle_members, faults_of
from cairn.symbols.source_code.source_index import write_index
from cairn.symbols.symbol_file.index import Description
from cairn.symbols.symbol_file.rule_table import rule_pieces
from cairn.symbols.symbol_file.writer import SymbolFileWriter
from cairn.symbols.unwind_data.cfi_text import Row

SOURCES = "sourcebundle"
"""``symbolic``'s name of the format of source bundles."""

ANY = (*FORMATS, SOURCES)
"""All that has ids."""

LINES_ELSEWHERE = (
    "There is debug information, and it has no lines. With -gsplit-dwarf they are in .dwo files, which are not "
    "read: compile without it."
)


def compile_here(path: Path, out_dir: Path, *, side_by_side: bool = False) -> tuple[Compiled, ...]:
    """Compile every object of a debug file into ``out_dir``, in this process, and a fork of it where that pays and
    ``side_by_side`` allows it.

    Raises:
        DebugFileError: no object could be compiled; the error is the first object's.
    """
    with tempfile.TemporaryDirectory(dir=out_dir) as scratch:
        source, problems = _tidied(path, Path(scratch))
        compiled: list[Compiled] = []
        errors: list[DebugFileError] = []
        for number, debug_object in enumerate(open_debug_file(source)):
            try:
                result = _compile_object(debug_object, path, out_dir / f"{number}.symbols", side_by_side=side_by_side)
                compiled.append(replace(result, problems=(*problems, *result.problems)))
            except DebugFileError as error:
                errors.append(error)
    if errors and not compiled:
        raise errors[0]
    return tuple(compiled)


def _tidied(path: Path, scratch: Path) -> tuple[Path, tuple[str, ...]]:
    """Put a Breakpad text file in order; other files are taken as they are."""
    with path.open("rb") as file:
        if file.read(7) != b"MODULE ":
            return path, ()
    target = scratch / "tidy.sym"
    skipped = tidy(path, target)
    return target, (f"{skipped} lines of the symbol file make no sense and were skipped.",) if skipped else ()


def _compile_object(debug_object: DebugObject, path: Path, target: Path, *, side_by_side: bool) -> Compiled:
    _refuse_without_id(debug_object, path)
    problems: list[str] = []
    rows: list[Row] = attempt(lambda: unwind_rows(debug_object, path, problems), [], problems)
    none: tuple[SymCache, ...] = ()
    caches = attempt(lambda: _symcaches(debug_object, path, side_by_side=side_by_side), none, problems)
    if not caches and not rows:
        raise MalformedDebugFileError(" ".join(problems))
    if lines_are_elsewhere(debug_object, caches):
        problems.append(LINES_ELSEWHERE)
    ends: dict[int, int] = attempt(lambda: _symbol_ends(debug_object, path), {}, problems)
    segments: tuple[Segment, ...] = attempt(lambda: segments_of(debug_object, path), (), problems)
    description = _describe(debug_object, path, caches, bool(rows))._replace(segments=segments)
    _write(target, description, rows, [NameRows(cache, ends) for cache in caches], side_by_side=side_by_side)
    texts = (description.debug_id, description.code_id, description.arch, description.kind, description.format)
    return Compiled(
        target, *texts, features=description.features, name=description.name, problems=tuple(problems),
        has_code=bool(segments),
    )  # fmt: skip


def _write(
    target: Path, description: Description, rows: list[Row], parts: Sequence[NameRows], *, side_by_side: bool
) -> None:
    """Write the symbol file. ``parts`` are the names, of each symcache that there is."""
    covered = list(covered_by_rules(rows))
    with SymbolFileWriter(target) as writer:
        if parts:
            spans = row_spans(parts)
            write_names(writer, parts, spans, target.with_suffix(".upper"), side_by_side=side_by_side)
            covered += covered_by(parts, spans)
        writer.add_rules(rule_pieces(rows))
        writer.finish(description, covered)


def _refuse_without_id(debug_object: DebugObject, path: Path) -> None:
    if debug_object.debug_id is not None or debug_object.code_id is not None:
        return
    if debug_object.kind == "rel":
        raise NoDebugIdError(
            "An object file (.o, .dwo) is no module of a crash. Upload the program or library that it is linked into."
        )
    if lacks_id(path):
        raise NoDebugIdError(
            "The debug companion has no build id, and only the .gnu_debuglink of its program tells whose it is. "
            "Upload the program too, or link with -Wl,--build-id."
        )
    raise NoDebugIdError(
        "The file has neither a debug id nor a code id, so no crash can be matched with it. "
        "Link it with --build-id (ELF) or /DEBUG (Windows)."
    )


def lines_are_elsewhere(debug_object: DebugObject, caches: Sequence[SymCache]) -> bool:
    """Whether a program has but the skeleton of its debug information."""
    has_skeleton = debug_object.format == "elf" and "debug" in debug_object.features
    return has_skeleton and any(cache.range_count for cache in caches) and not any(cache.file_count for cache in caches)


def _symcaches(debug_object: DebugObject, path: Path, *, side_by_side: bool) -> tuple[SymCache, ...]:
    """The symcache of an object, or of each half of its units."""
    halves = symcaches_by_halves(path) if side_by_side and debug_object.format == "elf" else None
    return tuple(map(SymCache, halves or (debug_object.symcache(),)))


def _describe(debug_object: DebugObject, path: Path, caches: Sequence[SymCache], has_rules: bool) -> Description:
    features = Features(
        symbols=any(cache.range_count for cache in caches),
        debug_info=any(cache.file_count for cache in caches),
        unwind_info=has_rules,
        sources="sources" in debug_object.features,
    )
    return Description(
        debug_object.debug_id, debug_object.code_id, debug_object.arch, debug_object.kind, debug_object.format,
        path.name, features,
    )  # fmt: skip


def _symbol_ends(debug_object: DebugObject, path: Path) -> dict[int, int]:
    if debug_object.format != "elf":
        return {}
    with path.open("rb") as file:
        return Elf(file).symbol_ends()


def compile_sources_here(path: Path, out_dir: Path) -> Compiled:
    """Write the index of the source bundle at ``path`` into ``out_dir``.

    Raises:
        DebugFileError: the bundle cannot be read, or names no module.
    """
    bundle = open_debug_file(path, (SOURCES,))[0]
    if bundle.debug_id is None:
        raise NoDebugIdError("The source bundle names no debug id, so it belongs to no module.")
    members, target = bundle_members(path), out_dir / "0.sources"
    write_index(target, path.stat().st_size, members)
    features, problems = Features(sources=bool(members)), tuple(faults_of(members))
    ids = (bundle.debug_id, bundle.code_id)
    return Compiled(target, *ids, bundle.arch, "src", SOURCES, features, path.name, problems)


def identify_here(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return for every debug file ``{"ids": […]}``, debug id and code id of its objects, or the error."""
    answers: list[dict[str, Any]] = []
    for path in paths:
        try:
            answers.append({"ids": [(found.debug_id, found.code_id) for found in open_debug_file(path, ANY)]})
        except DebugFileError as error:
            answers.append({"error": error.code, "message": str(error)})
    return answers
