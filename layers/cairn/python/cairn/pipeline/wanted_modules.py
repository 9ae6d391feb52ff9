"""What a crash waits for: the modules whose symbols would make its event better."""

from __future__ import annotations

from collections.abc import Iterable

from cairn.crash.in_app import is_in_app
from cairn.crash.records import LoadedModule
from cairn.store.symbol_index import keys_of
from cairn.store.waiting import WantedModule
from cairn.symbols.records import SymbolStatus


def wanted_modules(modules: Iterable[LoadedModule]) -> tuple[WantedModule, ...]:
    """The modules that a frame touches, that have an id, and that lack names, lines or unwind information; those that
    are no system's come first.

    A module counts also when one file for it is there: the lines of a Windows program are in its PDB and its unwind
    information is in the program, and each may come first. System libraries count too: their unwind information is
    what a stack below them needs.
    """
    lacking = [loaded for loaded in modules if loaded.touched and lacks_something(loaded) and has_id(loaded)]
    ordered = sorted(lacking, key=lambda loaded: not is_in_app(loaded.module.code_file, None))
    return tuple(map(wanted_module, ordered))


def lacks_something(loaded: LoadedModule) -> bool:
    """Whether another file could add to what there is for a module."""
    features = loaded.symbols.features
    return loaded.symbols.debug_status is not SymbolStatus.UNUSED and not (features.debug_info and features.unwind_info)


def has_id(loaded: LoadedModule) -> bool:
    """Whether a file could be found for a module."""
    return bool(keys_of((loaded.module.debug_id, loaded.module.code_id)))


def wanted_module(loaded: LoadedModule) -> WantedModule:
    """A module as it is waited for. Its name is that of its file, without folders."""
    module = loaded.module
    name = (module.code_file or module.debug_file or "?").replace("\\", "/").rpartition("/")[2]
    return WantedModule(name, module.debug_id, module.code_id, loaded.symbols.debug_status, loaded.symbols.reason)
