"""Debug file to symbol files: what callers use. The work is done in a child process (``compiler.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cairn.symbols.compiling.isolation import Limits, run_isolated
from cairn.symbols.errors import DEBUG_FILE_ERRORS, DebugFileError
from cairn.symbols.records import Features

Ids = tuple[str | None, str | None]
"""Debug id and code id of an object."""

SOURCE_BUNDLE = b"SYSB"

_BATCH = 100
"""Files that one child identifies."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A symbol file that was written: one for each object of a debug file.

    The ids, ``arch``, ``kind``, ``format`` and ``name`` mean what they mean in ``symbol_file.index.Description``; and
    ``features`` what was found. ``problems`` says, for a person, what of the debug file could not be read. ``has_code``
    tells a program from its debug companion, which ``kind`` does not: a program that is linked statically is ``dbg``.
    """

    path: Path
    debug_id: str | None
    code_id: str | None
    arch: str
    kind: str
    format: str
    features: Features
    name: str
    problems: tuple[str, ...] = ()
    has_code: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path), "features": self.features._asdict()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Compiled:
        return cls(**values | {
            "path": Path(values["path"]),
            "features": Features(**values["features"]),
            "problems": tuple(values["problems"]),
        })  # fmt: skip


def compile_debug_file(path: Path, out_dir: Path, limits: Limits | None = None) -> tuple[Compiled, ...]:
    """Compile every object of a debug file (ELF, Mach-O, PE, PDB, portable PDB, Breakpad ``.sym``) into ``out_dir``.

    The reader runs in a child process, so that a file that kills it is an answer too.

    Raises:
        DebugFileError: nothing could be compiled; the class and the text say why.
    """
    answer = run_isolated("compile", [str(path.resolve()), str(out_dir.resolve())], limits or Limits())
    return tuple(Compiled.from_json(compiled) for compiled in answer)


def is_source_bundle(path: Path) -> bool:
    """Whether a file is one of Sentry's source bundles: a zip behind ``SYSB`` and a version, eight bytes in all."""
    with path.open("rb") as file:
        return file.read(4) == SOURCE_BUNDLE


def compile_source_bundle(path: Path, out_dir: Path, limits: Limits | None = None) -> Compiled:
    """Write the index of a source bundle into ``out_dir``, and tell which module's sources it holds. ``problems`` says
    which files cannot be had.

    Raises:
        DebugFileError: the bundle cannot be read, or names no module.
    """
    arguments = [str(path.resolve()), str(out_dir.resolve())]
    return Compiled.from_json(run_isolated("compile_sources", arguments, limits or Limits()))


def identify(paths: Sequence[Path], limits: Limits | None = None) -> list[list[Ids] | DebugFileError]:
    """Return debug id and code id of every object of each debug file, or why a file cannot be read."""
    answers: list[list[Ids] | DebugFileError] = []
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        try:
            answers += _identify_batch(batch, limits or Limits())
        except DebugFileError as error:  # the child died: find out of which file
            answers += [error] if len(batch) == 1 else [identify([path], limits)[0] for path in batch]
    return answers


def _identify_batch(paths: Sequence[Path], limits: Limits) -> list[list[Ids] | DebugFileError]:
    answers = run_isolated("identify", [str(path.resolve()) for path in paths], limits)
    return [
        DEBUG_FILE_ERRORS[answer["error"]](answer["message"])
        if "error" in answer
        else [(debug_id, code_id) for debug_id, code_id in answer["ids"]]
        for answer in answers
    ]
