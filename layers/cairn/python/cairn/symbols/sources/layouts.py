"""Where symbol servers keep the files of a module: ids to paths.

==================  ==============================================================================================
layout              source
==================  ==============================================================================================
symstore            Microsoft's SymStore: ``name/<key>/name``, a cabinet when the last letter is ``_``. The keys of
                    ELF and Mach-O are those of the SSQP key conventions
symstore_index2     the same below a folder of the name's first two letters (a file ``index2.txt`` in the store's root)
ssqp                dotnet/symstore: ``docs/specs/SSQP_Key_Conventions.md``: names in lower case
breakpad            Breakpad: ``src/processor/simple_symbol_supplier.cc``: ``debug file/<id>/name.sym``
debuginfod          elfutils: ``debuginfod(8)``, "Webapi": ``buildid/<build id>/debuginfo`` and ``…/executable``
unified             Symbolicator: ``docs/advanced/symbol-server-compatibility.md``: ``id[:2]/id[2:]/<kind>``
==================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from cairn.symbols.sources.keys import Keys, keys_of_module
from cairn.symbols.sources.records import FileType, Layout, ModuleFormat, Source, SourceModule

_UNIFIED_NAMES = {
    FileType.PE: "executable",
    FileType.ELF_CODE: "executable",
    FileType.MACH_CODE: "executable",
    FileType.PDB: "debuginfo",
    FileType.ELF_DEBUG: "debuginfo",
    FileType.MACH_DEBUG: "debuginfo",
    FileType.BREAKPAD: "breakpad",
}


def locations(module: SourceModule, file_type: FileType, source: Source) -> tuple[str, ...]:
    """The URLs at which ``source`` may have this file, in the order in which to ask; none when it has no such files or
    the module has no name or id to ask by."""
    if file_type not in source.file_types:
        return ()
    found = paths(module, file_type, source.layout)
    if source.url.startswith("s3://"):
        return tuple(f"{source.url}/{path}" for path in found)
    return tuple(f"{source.url}/{quote(path)}" for path in found)


def paths(module: SourceModule, file_type: FileType, layout: Layout) -> tuple[str, ...]:
    """The same as paths below the root of a server with this layout, as files are called there: nothing is escaped."""
    return tuple(dict.fromkeys(_LAYOUTS[layout](keys_of_module(module), file_type, module.format)))


def stored_name(module: SourceModule, file_type: FileType) -> str:
    """What a file that was found is called when it is kept."""
    keys = keys_of_module(module)
    match file_type:
        case FileType.PDB:
            return keys.debug_name or "module.pdb"
        case FileType.BREAKPAD:
            return _sym_name(keys.debug_name or keys.code_name or "module")
        case FileType.ELF_DEBUG:
            return f"{keys.code_name or 'module'}.debug"
        case _:
            return keys.code_name or "module"


def _symstore(keys: Keys, file_type: FileType, _: ModuleFormat) -> Iterator[str]:
    code, debug, uuid = keys.code_name, keys.debug_name, keys.debug_id and keys.debug_id.guid
    match file_type:
        case FileType.PE if code and keys.pe_id:
            yield from _or_packed(f"{code}/{keys.pe_id.timestamp.upper()}{keys.pe_id.size}/{code}")
        case FileType.PDB if debug and keys.debug_id:
            yield from _or_packed(f"{debug}/{keys.debug_id.breakpad}/{debug}")
        case FileType.ELF_CODE if code and keys.build_id:
            yield f"{code}/elf-buildid-{keys.build_id}/{code}"
        case FileType.ELF_DEBUG if keys.build_id:
            yield f"_.debug/elf-buildid-sym-{keys.build_id}/_.debug"
        case FileType.MACH_CODE if code and uuid:
            yield f"{code}/mach-uuid-{uuid}/{code}"
        case FileType.MACH_DEBUG if uuid:
            yield f"_.dwarf/mach-uuid-sym-{uuid}/_.dwarf"


def _symstore_index2(keys: Keys, file_type: FileType, form: ModuleFormat) -> Iterator[str]:
    for path in _symstore(keys, file_type, form):
        folder = path[:1] if path[1:2] in ("/", ".") else path[:2]
        yield f"{folder}/{path}"


def _ssqp(keys: Keys, file_type: FileType, form: ModuleFormat) -> Iterator[str]:
    """As the conventions say, where only the time stamp of a PE file is in upper case; and all in lower case, as they
    said before."""
    for path in _symstore(keys, file_type, form):
        name, key, file = path.lower().split("/")
        if file_type is FileType.PE:
            yield f"{name}/{key[:8].upper()}{key[8:]}/{file}"
        yield f"{name}/{key}/{file}"


def _breakpad(keys: Keys, file_type: FileType, _: ModuleFormat) -> Iterator[str]:
    name = keys.debug_name or keys.code_name
    if file_type is FileType.BREAKPAD and name and keys.debug_id:
        yield f"{name}/{keys.debug_id.breakpad}/{_sym_name(name)}"


def _debuginfod(keys: Keys, file_type: FileType, _: ModuleFormat) -> Iterator[str]:
    kind = {FileType.ELF_CODE: "executable", FileType.ELF_DEBUG: "debuginfo"}.get(file_type)
    if kind and keys.build_id:
        yield f"buildid/{keys.build_id}/{kind}"


def _unified(keys: Keys, file_type: FileType, form: ModuleFormat) -> Iterator[str]:
    uuid = keys.debug_id
    match form:
        case ModuleFormat.ELF:
            name = keys.build_id
        case ModuleFormat.MACHO:
            name = uuid.guid if uuid else None
        case _:
            name = uuid.breakpad.lower() if uuid else None
    if name:
        yield f"{name[:2]}/{name[2:]}/{_UNIFIED_NAMES[file_type]}"


def _or_packed(path: str) -> Iterator[str]:
    yield path
    yield f"{path[:-1]}_"


def _sym_name(name: str) -> str:
    """``game.pdb`` is ``game.sym``; other names keep their endings."""
    return f"{name[:-4] if name.lower().endswith('.pdb') else name}.sym"


_LAYOUTS: dict[Layout, Callable[[Keys, FileType, ModuleFormat], Iterator[str]]] = {
    Layout.SYMSTORE: _symstore,
    Layout.SYMSTORE_INDEX2: _symstore_index2,
    Layout.SSQP: _ssqp,
    Layout.BREAKPAD: _breakpad,
    Layout.DEBUGINFOD: _debuginfod,
    Layout.UNIFIED: _unified,
}
