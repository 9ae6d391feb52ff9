"""`cairn symbols check`: the ids of files on this machine, and what Cairn knows of them."""

from __future__ import annotations

import argparse
import hashlib
import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cairn.store.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.waiting import WaitingCrashes
from cairn.symbols.arriving.archive import is_archive
from cairn.symbols.arriving.debug_file_ids import read_all_ids
from cairn.symbols.compiling.compile import Ids
from cairn_cli.debug_files import debug_files
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json, print_table
from cairn_cli.symbols.files import MOST_WAITING
from cairn_cli.target import Target


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, or one architecture of it. ``state`` is ``uploaded``, ``unusable`` (``reason`` says why), ``wanted`` by
    ``crashes``, or ``new``: neither uploaded nor waited for."""

    path: str
    debug_id: str | None
    code_id: str | None
    state: str
    crashes: int = 0
    reason: str | None = None


def check(target: Target, arguments: argparse.Namespace) -> int:
    """Print what there is to say of the files; returns the exit code."""
    found = list(read_all_ids(debug_files(arguments.paths)))
    checked = [
        Checked(str(path), None, None, "unusable", reason=str(ids) if isinstance(ids, Exception) else no_file(path))
        for path, ids in found
        if isinstance(ids, Exception) or (not ids and path in arguments.paths)
    ]
    known = {path: ids for path, ids in found if not isinstance(ids, Exception) and ids}
    sha1s = {path: sha1_of(path) for path in known}
    records = DebugFileRecords(target.settings, target.clients).find(sha1s.values())
    waiting = WaitingCrashes(target.settings, target.clients)
    checked += [checked_one(path, one, records.get(sha1s[path]), waiting) for path in known for one in known[path]]
    if not checked:
        raise CliError("there is no debug file among these", "`cairn upload-debug-files --help` says what is taken")
    _print(checked, arguments.json)
    return 0


def no_file(path: Path) -> str:
    """Why a file has no ids that was named."""
    return "an archive: `cairn upload-debug-files` opens it" if is_archive(path) else "no debug file"


def checked_one(path: Path, ids: Ids, record: DebugFileRecord | None, waiting: WaitingCrashes) -> Checked:
    """What there is to say of one object of a file."""
    if record is not None:
        return Checked(str(path), *ids, "unusable" if record.reason else "uploaded", reason=record.reason)
    crashes = len(waiting.waiting_for(ids, time.time(), MOST_WAITING))
    return Checked(str(path), *ids, "wanted" if crashes else "new", crashes)


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
    wanted = dict.fromkeys(one.path for one in checked if one.state == "wanted")
    if wanted:
        console().print("\nCrashes wait for these. To send them:\n")
        console().print(f"  cairn upload-debug-files {shlex.join(wanted)}")


def _state(one: Checked) -> str:
    if one.state != "wanted":
        return one.state
    return f"wanted by {one.crashes}{'+' if one.crashes >= MOST_WAITING else ''}"
