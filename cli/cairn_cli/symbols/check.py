"""`cairn symbols check`: the ids of files on this machine, and what Cairn knows of them."""

from __future__ import annotations

import argparse
import hashlib
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cairn.store.projects import Projects
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.missing_modules import missing_modules
from cairn.store.symbols.waiting import WaitingCrashes
from cairn.symbols.arriving.archive import Refused, is_archive
from cairn.symbols.arriving.debug_file_ids import read_all_ids, read_ids
from cairn.symbols.compiling.compile import Ids, identify, is_source_bundle
from cairn.symbols.errors import DebugFileError
from cairn_cli.debug_file_sending import arriving
from cairn_cli.debug_files import NONE, TAKEN, debug_files
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json, print_table
from cairn_cli.symbols.files import MOST_WAITING
from cairn_cli.target import Target


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, or one architecture of it. ``state`` is ``uploaded``, ``unusable`` (``reason`` says why), ``waits`` for
    its program, ``wanted`` by ``crashes``, or ``new``: neither uploaded nor waited for. ``archive`` is the zip that it
    is in."""

    path: str
    debug_id: str | None
    code_id: str | None
    state: str
    crashes: int = 0
    reason: str | None = None
    archive: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read: its ids, or why it has none, and its SHA-1. ``archive`` is the zip that it is in."""

    path: str
    ids: list[Ids] | Exception
    sha1: str
    is_bundle: bool = False
    archive: str | None = None


def check(target: Target, arguments: argparse.Namespace) -> int:
    """Print what there is to say of the files; returns the exit code."""
    found = list(read_all(list(debug_files(arguments.paths)), arguments.paths))
    records = DebugFileRecords(target.settings, target.clients).find({one.sha1 for one in found if one.sha1})
    waiting = WaitingCrashes(target.settings, target.clients)
    checked = [one for read in found for one in checked_file(read, records.get(read.sha1), waiting)]
    if not checked:
        raise CliError(NONE, TAKEN)
    if any(one.state == "new" for one in checked):
        wanted = wanted_builds(target)
        checked = [with_other_build(one, wanted) for one in checked]
    checked.sort(key=lambda one: one.state != "unusable")
    _print(checked, arguments.json)
    return 0


def read_all(paths: Sequence[Path], named: Sequence[Path]) -> Iterator[Read]:
    """Read files, and those in archives. One that is no debug file is only told when it is ``named``."""
    archives, bundles = ({path for path in paths if is_such(path)} for is_such in (is_archive, is_source_bundle))
    plain = [path for path in paths if path not in archives | bundles]
    others = [path for path in paths if path in bundles]
    for path, ids in (*read_all_ids(plain), *zip(others, identify(others), strict=True)):
        if ids:
            yield Read(str(path), ids, sha1_of(path), path in bundles)
        elif path in named:
            yield Read(str(path), DebugFileError("no debug file"), "")
    for path in paths:
        if path in archives:
            yield from read_archive(path)


def read_archive(path: Path) -> Iterator[Read]:
    """Read the files in an archive, as they would be uploaded."""
    with tempfile.TemporaryDirectory() as folder:
        for found in arriving([path], Path(folder)):
            if isinstance(found, Refused):
                shown = str(path) if found.name == path.name else f"{path}/{found.name}"
                yield Read(shown, DebugFileError(found.reason), "", archive=str(path))
                continue
            is_bundle = is_source_bundle(found.path)
            ids = read_ids(found.path, is_bundle=is_bundle)
            yield Read(f"{path}/{found.name}", ids, sha1_of(found.path), is_bundle, str(path))


def checked_file(read: Read, record: DebugFileRecord | None, waiting: WaitingCrashes) -> Iterator[Checked]:
    """What there is to say of each object of a file."""
    if isinstance(read.ids, Exception):
        yield Checked(read.path, None, None, "unusable", reason=str(read.ids), archive=read.archive)
        return
    for ids in read.ids:
        if record is not None:
            state, crashes = "waits" if record.waits else "unusable" if record.reason else "uploaded", 0
        else:
            crashes = len(waiting.waiting_for(ids, time.time(), MOST_WAITING, sources=read.is_bundle))
            state = "wanted" if crashes else "new"
        yield Checked(read.path, *ids, state, crashes, record.reason if record else None, read.archive)


def wanted_builds(target: Target) -> dict[str, str]:
    """The ids that crashes wait for most, by the names of the files that would help."""
    waiting = WaitingCrashes(target.settings, target.clients)
    projects = Projects(target.settings, target.clients).list()
    crashes = [crash for project in projects for crash in waiting.wanted(project.id, MOST_WAITING)]
    builds: dict[str, str] = {}
    for missing in missing_modules(crashes):
        for name in missing.files:
            builds.setdefault(name, missing.module.debug_id or missing.module.code_id or "")
    return builds


def with_other_build(one: Checked, wanted: Mapping[str, str]) -> Checked:
    """The same, of a new file with the build of it that crashes wait for."""
    build = wanted.get(Path(one.path).name) if one.state == "new" else None
    return replace(one, reason=f"of another build than crashes wait for: {build}") if build else one


def sha1_of(path: Path) -> str:
    """The SHA-1 by which Cairn knows a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()


def _print(checked: list[Checked], as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in checked])
        return
    rows = [(_state(one), one.path, one.debug_id or "", one.code_id or "", one.reason or "") for one in checked]
    print_table(("STATE", "FILE", "DEBUG ID", "CODE ID", ""), rows)
    wanted = dict.fromkeys(one.archive or one.path for one in checked if one.state == "wanted")
    if wanted:
        console().print("\nCrashes wait for these. To send them:\n")
        console().print(f"  cairn upload-debug-files {shlex.join(wanted)}")
    elif any(one.state == "new" for one in checked):
        console().print(
            "\nNo crash waits for what is new. `cairn symbols missing` shows the ids that crashes wait for."
        )


def _state(one: Checked) -> str:
    if one.state != "wanted":
        return one.state
    return f"wanted by {one.crashes}{'+' if one.crashes >= MOST_WAITING else ''}"
