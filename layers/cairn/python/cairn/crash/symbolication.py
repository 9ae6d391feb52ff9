"""The symbols of one dump: from its modules to the symbol files that serve them.

One symbol file may give names and another unwind information. Everything is looked up when first asked for, and the
answer is kept, also when it is that there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from cairn.crash.function_name import trim
from cairn.crash.records import LoadedModule, NamedFrame
from cairn.minidump.records import Module
from cairn.symbols.choose import best_for_code, best_for_names, best_for_unwinding, what_lacks
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.records import Features, Location, ModuleSymbols, SymbolStatus, UsableFile
from cairn.symbols.rules import CfiRule, WinRule
from cairn.unwind.frames import Frame

if TYPE_CHECKING:  # a walk without symbols does not pay for reading them
    from cairn.symbols.symbol_file.program_code import ProgramCode
    from cairn.symbols.symbol_file.reader import SymbolFile


NO_ID = "the dump has no id for this module, so that no file can be matched with it: link it with -Wl,--build-id"
"""Why nothing is found for an ELF program without a build id: Crashpad writes zeros in place of one, where Breakpad
writes a hash of the program's code."""


class Found(NamedTuple):
    """The symbol files for a module, or the status that stands for their absence and why."""

    files: tuple[SymbolFile, ...] = ()
    status: SymbolStatus = SymbolStatus.MISSING
    reason: str | None = None


class SymbolFinder(Protocol):
    """Where symbol files come from: folders on this machine, or the index of a deployment."""

    def expect(self, ids: Iterable[tuple[str | None, str | None]]) -> None:
        """Told once, before all else: the debug ids and code ids of the dump's modules, to ask for them in a batch."""

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        """The symbol files that carry one of the ids."""


@runtime_checkable
class DistantFinder(SymbolFinder, Protocol):
    """A finder whose symbol files come over a network."""

    def side_by_side(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run all ``tasks``, so that their waiting overlaps. Each works on a symbol file of its own."""


class _Loaded(NamedTuple):
    found: Found
    names: SymbolFile | None
    unwind: SymbolFile | None
    code: SymbolFile | None
    given_up: tuple[UsableFile, ...] = ()

    @property
    def files(self) -> tuple[UsableFile, ...]:
        """All files that there were, those that served first."""
        files = tuple(map(self.told, self.found.files)) + self.given_up
        return tuple(sorted(files, key=lambda file: (file.names is None, file.unwinding is None)))

    def told(
        self, file: SymbolFile, status: SymbolStatus = SymbolStatus.FOUND, reason: str | None = None
    ) -> UsableFile:
        """What a file serves, and with which success."""
        has = file.features._replace(unwind_info=file.has_unwind_info)
        names, unwinding = (status if file is chosen else None for chosen in (self.names, self.unwind))
        return UsableFile(file.origin, has, names, unwinding, reason)


class Symbolicator:
    """Unwind rules and names for the modules of one dump (``unwind.frames.BatchedRules`` and ``FunctionStarts``).

    A symbol file that turns out to be damaged in a look-up is given up, and the next best one of the module is asked.
    """

    def __init__(self, finder: SymbolFinder) -> None:
        self._finder = finder
        self._loaded: dict[Module, _Loaded] = {}
        self._side_by_side = finder.side_by_side if isinstance(finder, DistantFinder) else None

    def prefetch(self, places: Collection[tuple[Module, int]]) -> None:
        """Open the symbol files that ``places`` need and fetch their rules, those of all modules at the same time."""
        if self._side_by_side is None or not places:
            return
        self._open({module for module, _ in places if module not in self._loaded})
        wanted: dict[SymbolFile, list[int]] = {}
        for module, offset in places:
            if (file := self._loaded[module].unwind) is not None:
                wanted.setdefault(file, []).append(offset)
        self._fetch([partial(file.prepare_rules, offsets) for file, offsets in wanted.items()])

    def _open(self, modules: Collection[Module]) -> None:
        """Look for the symbol files of ``modules``, of each pair of ids once."""
        by_ids = {(module.debug_id, module.code_id): module for module in modules}
        self._fetch([partial(self._load, module) for module in by_ids.values()])
        for module in modules:
            self._load(module)

    def _fetch(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run tasks side by side. What is damaged shows again, and is dealt with, where the answer is needed."""
        if self._side_by_side and tasks:
            self._side_by_side([partial(_try, task) for task in tasks])

    def rule_at(self, module: Module, offset: int) -> CfiRule | WinRule | None:
        """The unwind rule at ``offset`` in ``module``."""
        while (file := self._load(module).unwind) is not None:
            try:
                return file.rule_at(offset)
            except SymbolFileError as error:
                self._give_up(module, file, error)
        return None

    def has_unwind_info(self, module: Module) -> bool:
        """Whether there is any unwind information for ``module``."""
        return self._load(module).unwind is not None

    def has_function(self, module: Module, offset: int) -> bool | None:
        """Whether a function covers ``offset``; ``None`` when nothing is known about ``module``."""
        file = self._load(module).names
        return file.has_function(offset) if file else None

    def function_start(self, module: Module, offset: int) -> int | None:
        """The offset of the first instruction of the function that covers ``offset``, if it is known."""
        calls = self._calls(module, (offset,)).get(offset)
        return calls[-1].entry if calls else None

    def code(self, module: Module) -> ProgramCode | None:
        """The file of ``module`` with its code, if that is to be had."""
        file = self._load(module).code
        return file.code if file else None

    def name(self, stacks: Sequence[tuple[Frame, ...]]) -> list[tuple[NamedFrame, ...]]:
        """The frames of all stacks with their names, each module asked once for all its frames."""
        calls = self._locate({frame for frames in stacks for frame in map(_place, frames) if frame})
        return [
            tuple(NamedFrame(frame, calls.get(_place(frame), ()), self._hint(frame)) for frame in frames)
            for frames in stacks
        ]

    def status(self, modules: Iterable[Module], touched: frozenset[Module]) -> tuple[LoadedModule, ...]:
        """What became of each module's symbols. Those that no frame touches are not looked up: ``unused``."""
        return tuple(LoadedModule(m, self._symbols(m, m in touched), m in touched) for m in modules)

    def _load(self, module: Module) -> _Loaded:
        if (loaded := self._loaded.get(module)) is None:
            loaded = self._loaded[module] = _chosen(self._finder.find(module.debug_id, module.code_id))
        return loaded

    def _give_up(self, module: Module, file: SymbolFile, error: SymbolFileError) -> None:
        """Go on without ``file``."""
        loaded = self._load(module)
        others = tuple(other for other in loaded.found.files if other is not file)
        given_up = (*loaded.given_up, loaded.told(file, SymbolStatus.MALFORMED, str(error)))
        self._loaded[module] = _chosen(Found(others, SymbolStatus.MALFORMED, str(error)), given_up)

    def _locate(self, places: set[tuple[Module, int]]) -> dict[tuple[Module, int] | None, tuple[Location, ...]]:
        offsets: dict[Module, list[int]] = {}
        for module, offset in places:
            offsets.setdefault(module, []).append(offset)
        self._fetch([partial(file.locate, wanted) for file, wanted in self._by_names(offsets).items()])
        found: dict[tuple[Module, int] | None, tuple[Location, ...]] = {}
        for module, wanted in offsets.items():
            found |= {(module, offset): calls for offset, calls in self._calls(module, sorted(wanted)).items()}
        return found

    def _by_names(self, offsets: Mapping[Module, list[int]]) -> dict[SymbolFile, list[int]]:
        """Offsets by the file that names them: two modules may have one."""
        files: dict[SymbolFile, list[int]] = {}
        for module, wanted in offsets.items():
            if (file := self._load(module).names) is not None:
                files.setdefault(file, []).extend(wanted)
        return files

    def _calls(self, module: Module, offsets: Sequence[int]) -> Mapping[int, tuple[Location, ...]]:
        while (names := self._load(module).names) is not None:
            try:
                return names.locate(offsets)
            except SymbolFileError as error:
                self._give_up(module, names, error)
        return {}

    def _hint(self, frame: Frame) -> str | None:
        if frame.module is None or (names := self._load(frame.module).names) is None:
            return None
        nearest = names.nearest(frame.lookup_address - frame.module.base)
        distance = frame.pc - frame.module.base - nearest.entry if nearest and nearest.entry is not None else -1
        return f"{trim(nearest.function)}+{distance:#x}" if nearest and distance >= 0 else None

    def _symbols(self, module: Module, touched: bool) -> ModuleSymbols:
        if not touched and module not in self._loaded:
            return ModuleSymbols(SymbolStatus.UNUSED, SymbolStatus.UNUSED)
        loaded = self._load(module)
        absent = SymbolStatus.MISSING if loaded.found.status is SymbolStatus.FOUND else loaded.found.status
        return ModuleSymbols(
            SymbolStatus.FOUND if loaded.names else absent,
            SymbolStatus.FOUND if loaded.unwind else absent,
            _features(loaded),
            loaded.found.reason or what_lacks(loaded.found.files),
            loaded.files,
        )


def _chosen(found: Found, given_up: tuple[UsableFile, ...] = ()) -> _Loaded:
    """The best of the files for each purpose."""
    files = found.files
    return _Loaded(found, best_for_names(files), best_for_unwinding(files), best_for_code(files), given_up)


def _try(task: Callable[[], object]) -> None:
    with suppress(SymbolFileError):
        task()


def _place(frame: Frame) -> tuple[Module, int] | None:
    return (frame.module, frame.lookup_address - frame.module.base) if frame.module else None


def _features(loaded: _Loaded) -> Features:
    names = loaded.names.features if loaded.names else Features()
    return Features(names.symbols, names.debug_info, loaded.unwind is not None, names.sources)
