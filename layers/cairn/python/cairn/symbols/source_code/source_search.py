"""The source lines of one crash, looked for in the bundles of its modules within one allowance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.spans import Allowance
from cairn.symbols.source_code.source_bundle import SPENT, BundleLines, SourceBundle

BUNDLES = 3
"""Bundles that are looked into for a module, the first ones given: a debug id has one, unless it was bundled again."""

OPENED = 16
"""Bundles that are looked into for a crash: the threads that crash go through some modules of their program's own."""

Wanted: TypeAlias = Mapping[str, Mapping[str, Collection[int]]]
"""Numbers of lines by debug id of the module and path of the file."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that may be opened. ``name`` is for a person. ``open`` raises ``SymbolFileError`` when it cannot be
    used, and ``OSError`` when it is gone; so does reading from it."""

    name: str
    open: Callable[[], SourceBundle]


@dataclass(frozen=True, slots=True)
class ModuleLines:
    """What was found for one module: lines by path and number, the number of the candidate that has them, from 0; and
    for a person, what cannot be read and why."""

    lines: Mapping[str, Mapping[int, str]]
    problems: tuple[str, ...] = ()
    candidate: int | None = None


def search(candidates: Mapping[str, Sequence[Candidate]], wanted: Wanted) -> dict[str, ModuleLines]:
    """The ``wanted`` lines, by debug id: of each module those of the first candidate that has any. The modules that
    come first are served first, as far as an ``Allowance`` goes."""
    one_crash = _Search(Allowance())
    return {debug_id: one_crash.module(candidates.get(debug_id, ()), files) for debug_id, files in wanted.items()}


class _Search:
    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._left = OPENED

    def module(self, candidates: Sequence[Candidate], files: Mapping[str, Collection[int]]) -> ModuleLines:
        problems: list[str] = []
        for number, candidate in enumerate(candidates[:BUNDLES]):
            found = self._look(candidate, files)
            problems += [f"{candidate.name}: {problem}" for problem in found.problems]
            if found.lines:
                return ModuleLines(found.lines, tuple(problems), number)
        return ModuleLines({}, tuple(problems))

    def _look(self, candidate: Candidate, files: Mapping[str, Collection[int]]) -> BundleLines:
        if self._allowance.is_late or not self._left:
            return BundleLines({}, (SPENT,))
        self._left -= 1
        try:
            return candidate.open().lines(files, self._allowance)
        except SymbolFileError as error:
            return BundleLines({}, (str(error),))
        except OSError:  # it has gone since it was listed: as if it had not been
            return BundleLines({})
