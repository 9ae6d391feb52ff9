"""Debug files for debuggers, by the ids in them: the paths of debuginfod and of Microsoft's symbol servers.

Sources: debuginfod(8) of elfutils; for the others the key conventions of SSQP (github.com/dotnet/symstore,
docs/specs/SSQP_Key_Conventions.md), which are what WinDbg asks for and, for ELF and Mach-O, what .NET's tools do.
Names of files do not matter, only ids and what kind of file is asked for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.symbol_index import ModuleIds, SymbolEntry, SymbolIndex
from cairn.web.errors import NotFoundError

HEX = re.compile(r"[0-9a-fA-F]+")

Choice = Callable[[SymbolEntry], int]
"""How well a file is what is asked for; 0 when it is not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is asked for: its ids, the formats it may have, and which of several it is."""

    ids: ModuleIds
    formats: frozenset[str]
    choice: Choice


@dataclass(frozen=True, slots=True)
class SymbolServer:
    """What the routes need."""

    index: SymbolIndex
    debug_files: DebugFiles
    uses: LastUses

    def debuginfod(self, build_id: str, part: str, *, head: bool = False) -> str:
        """Where ``/buildid/<build id>/<part>`` can be fetched from, with ``head`` by the method HEAD. Raises
        ``NotFoundError``."""
        choice = {"debuginfo": debug_information, "executable": program}.get(part)
        if choice is None:
            raise NotFoundError("debuginfo, executable and source/<path> can be had of a build id")
        return self._address(Wanted((None, build_id), frozenset({"elf"}), choice), head)

    def symstore(self, file_id: str, file: str, *, head: bool = False) -> str:
        """Where ``/<name>/<file id>/<file>`` can be fetched from, with ``head`` by the method HEAD. Raises
        ``NotFoundError``."""
        return self._address(wanted_of(file_id, file), head)

    def _address(self, wanted: Wanted, head: bool) -> str:
        entries = self.index.find([wanted.ids])[wanted.ids]
        found = best(wanted, entries)
        if found is None:
            raise NotFoundError(why_not(wanted, entries))
        self.uses.note([found], time.time())
        return self.debug_files.link(found.debug_file_key, head=head)


def wanted_of(file_id: str, file: str) -> Wanted:
    """The file that the last two parts of a symbol server's path ask for. Raises ``NotFoundError``."""
    kind, _, value = file_id.rpartition("-")
    wanted = BY_PREFIX.get(kind.lower(), by_name if not kind else no_file)(value, file.lower())
    if wanted is None or not HEX.fullmatch(value):
        raise NotFoundError("there is no such file: a path of this symbol server is <name>/<id>/<file>")
    return wanted


def by_name(value: str, file: str) -> Wanted:
    """A Windows file by its last letters: a PDB by its id, a program by time stamp and size; or Breakpad's ``.sym``."""
    if file.endswith(".pdb"):
        portable = re.fullmatch(r"([0-9a-f]{32})ffffffff", value, re.IGNORECASE)  # has no age
        return Wanted((portable[1] if portable else value, None), frozenset({"pdb", "portablepdb"}), anything)
    if file.endswith(".sym"):
        return Wanted((value, None), frozenset({"breakpad"}), anything)
    return Wanted((None, value), frozenset({"pe"}), anything)


def no_file(_value: str, _file: str) -> None:
    """Nothing, for a kind of id that is not known."""


def anything(_entry: SymbolEntry) -> int:
    """Any file will do."""
    return 1


def program(entry: SymbolEntry) -> int:
    """A program or library. Apple's are told by their kind, and so is what an older Cairn indexed."""
    by_kind = entry.format != "elf" or entry.has_code is None
    return int(entry.kind != "dbg" if by_kind else bool(entry.has_code))


def debug_information(entry: SymbolEntry) -> int:
    """The companion with debug information before a program with its own, and that before a companion with names."""
    companion = not program(entry)
    return 2 * entry.features.debug_info + companion


BY_PREFIX: dict[str, Callable[[str, str], Wanted | None]] = {
    "elf-buildid": lambda value, _: Wanted((None, value), frozenset({"elf"}), program),
    "elf-buildid-sym": lambda value, _: Wanted((None, value), frozenset({"elf"}), debug_information),
    "mach-uuid": lambda value, _: Wanted((value, None), frozenset({"macho"}), program),
    "mach-uuid-sym": lambda value, _: Wanted((value, None), frozenset({"macho"}), debug_information),
}
"""What an id is of that says so itself."""


def best(wanted: Wanted, entries: Iterable[SymbolEntry]) -> SymbolEntry | None:
    """The file that is wanted, the latest of several that are as good."""
    able = [entry for entry in entries if entry.format in wanted.formats and wanted.choice(entry)]
    return max(able, key=lambda entry: (wanted.choice(entry), entry.created), default=None)


def why_not(wanted: Wanted, entries: Iterable[SymbolEntry]) -> str:
    """What there is in place of the file that is wanted, for a person."""
    others = sorted({f"{entry.name} ({entry.format}, {entry.kind})" for entry in entries})
    name = next(filter(None, wanted.ids))
    if not others:
        return f"no debug file with the id {name[:80]} was uploaded"
    return f"of the id {name[:80]} there is only {', '.join(others)[:500]}"
