"""What a crash waits for: the modules whose symbols would make its event better."""

from __future__ import annotations

from collections.abc import Iterable

from cairn.crash.event_images import arch_name, image_type
from cairn.crash.in_app import is_in_app
from cairn.crash.records import LoadedModule
from cairn.minidump.records import SystemInfo
from cairn.store.symbols.symbol_index import keys_of
from cairn.store.symbols.waiting import WantedModule
from cairn.symbols.records import Features, SymbolStatus


def wanted_modules(modules: Iterable[LoadedModule], system: SystemInfo) -> tuple[WantedModule, ...]:
    """The modules of a crash on ``system`` that a frame touches, that have an id, and that lack names, lines or unwind
    information; those that are no system's come first.

    A module counts also when one file for it is there: the lines of a Windows program are in its PDB and its unwind
    information is in the program, and each may come first. System libraries count too: their unwind information is
    what a stack below them needs. Of modules without an id only the user's own count, which can be linked with one.
    """
    known = list(modules)
    return tuple(wanted_module(loaded, system) for loaded in (*lacking_modules(known), *own_without_id(known)))


def lacking_modules(modules: Iterable[LoadedModule]) -> list[LoadedModule]:
    """The same modules with all that is known of them."""
    lacking = [loaded for loaded in modules if loaded.touched and lacks_something(loaded) and has_id(loaded)]
    return sorted(lacking, key=lambda loaded: not is_in_app(loaded.module.code_file, None))


def own_without_id(modules: Iterable[LoadedModule]) -> list[LoadedModule]:
    """The modules of one's own that a frame touches and that no file can be found for."""
    own = (loaded for loaded in modules if loaded.touched and is_in_app(loaded.module.code_file, None))
    return [loaded for loaded in own if lacks_something(loaded) and not has_id(loaded)]


def lacks_something(loaded: LoadedModule) -> bool:
    """Whether another file could add to what there is for a module."""
    features = loaded.symbols.features
    return loaded.symbols.debug_status is not SymbolStatus.UNUSED and not (features.debug_info and features.unwind_info)


def has_id(loaded: LoadedModule) -> bool:
    """Whether a file could be found for a module."""
    return bool(keys_of((loaded.module.debug_id, loaded.module.code_id)))


def wanted_module(loaded: LoadedModule, system: SystemInfo) -> WantedModule:
    """A module as it is waited for. Its names are those of its files, without folders."""
    module, symbols = loaded.module, loaded.symbols
    return WantedModule(
        name=base_name(module.code_file) or base_name(module.debug_file) or "?",
        debug_id=module.debug_id,
        code_id=module.code_id,
        status=symbols.debug_status,
        reason=symbols.reason,
        debug_file=base_name(module.debug_file) or None,
        type=image_type(system.os),
        arch=arch_name(system.arch),
        os=system.os.value or None,
        in_app=is_in_app(module.code_file, None),
        lacks=what_lacks(symbols.features),
    )


def what_lacks(features: Features) -> tuple[str, ...]:
    """What there is not yet of a module."""
    there = {"names": features.symbols, "lines": features.debug_info, "unwinding": features.unwind_info}
    return tuple(name for name, is_there in there.items() if not is_there)


def base_name(path: str | None) -> str:
    """The last part of a path of any system."""
    return (path or "").replace("\\", "/").rpartition("/")[2]
