"""`cairn upload-debug-files`: the symbols of a build, sent and compiled."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from cairn.store.debug_files import DebugFiles
from cairn.store.errors import StoreError
from cairn.store.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.arriving.archive import MAGICS, Refused
from cairn.symbols.arriving.arrivals import Arrivals, Arrived
from cairn.symbols.arriving.debug_file_ids import HEAD, begins_like_debug_file
from cairn.symbols.errors import DebugFileError
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn upload-debug-files build/game build/game.debug",
    "cairn upload-debug-files build/ --no-wait",
    "cairn upload-debug-files symbols.zip",
]
WAIT = 900
"""Seconds that a debug file may take to be compiled: the longest that a function runs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, and whether to wait until they can be used."""
    what = "debug files, or folders or zip archives of them"
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help=what)
    parser.add_argument("--no-wait", action="store_true", help="do not wait until they are compiled")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_target_option(parser)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was sent, by its keys, and what of archives was not."""

    keys: list[str]
    refused: list[Refused]


def run(arguments: argparse.Namespace) -> int:
    """Upload and wait; returns the exit code: 1 when a file cannot be used."""
    target = connect(arguments)
    paths = list(debug_files(arguments.paths))
    if not paths:
        raise CliError("there is no debug file among these", "`cairn upload-debug-files --help` says what is taken")
    try:
        sent = upload(target, paths)
        results = [] if arguments.no_wait else wait(target, sent.keys)
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json(
            [{"key": key, "debug_ids": [e.debug_id for e in found], "error": why} for key, found, why in results]
            + [{"key": None, "name": one.name, "debug_ids": [], "error": one.reason} for one in sent.refused]
        )
    else:
        for key, entries, reason in results:
            _tell(key.rpartition("/")[2], entries, reason)
        for one in sent.refused:
            _tell(one.name, (), one.reason)
    return 1 if sent.refused or any(reason for _, _, reason in results) else 0


def debug_files(paths: list[Path]) -> Iterator[Path]:
    """The files that ``paths`` name; of folders, the debug files and zip archives in them. Raises ``CliError`` for what
    is not there."""
    for path in paths:
        if not path.exists():
            raise CliError(f"{path} does not exist")
        yield from (p for p in sorted(path.rglob("*")) if p.is_file() and _is_wanted(p)) if path.is_dir() else (path,)


def _is_wanted(path: Path) -> bool:
    """Whether a file of a folder is to be sent, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return begins_like_debug_file(head) or head.startswith(MAGICS)


def upload(target: Target, paths: list[Path]) -> Uploaded:
    """Send the files, and those in archives, with a bar on a terminal."""
    files = DebugFiles(target.settings, target.clients)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    keys: list[str] = []
    refused: list[Refused] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, console=console(), disable=not console().is_terminal) as progress,
    ):
        for found in arriving(paths, Path(folder)):
            if isinstance(found, Refused):
                refused.append(found)
                continue
            task = progress.add_task(found.name, total=found.path.stat().st_size)
            keys.append(files.put(found.path, found.name, partial(progress.advance, task)))
    return Uploaded(list(dict.fromkeys(keys)), refused)


def arriving(paths: list[Path], folder: Path) -> Iterator[Arrived | Refused]:
    """The debug files of ``paths``, one after another, with those in archives."""
    arrivals = Arrivals(folder)
    for path in paths:
        try:
            yield from arrivals.of(path)
        except DebugFileError as error:
            yield Refused(path.name, str(error))
    yield from arrivals.late()


def wait(target: Target, keys: list[str]) -> list[tuple[str, tuple[SymbolEntry, ...], str | None]]:
    """For each key its symbol files, or why it has none, once that is known. Raises ``CliError`` after ``WAIT``."""
    index = SymbolIndex(target.settings, target.clients)
    deadline = time.monotonic() + WAIT
    pending, done = list(keys), {}
    while pending:
        entries = index.list()
        for key in list(pending):
            found = tuple(entry for entry in entries if entry.debug_file_key == key)
            failure = None if found else index.failure(key)
            if found or failure:
                done[key] = (key, found, failure.reason if failure else None)
                pending.remove(key)
        if pending and time.monotonic() > deadline:
            raise CliError(f"{len(pending)} files are not compiled after {WAIT} s", "see the function's log")
        if pending:
            time.sleep(0.3)
    return [done[key] for key in keys]


def _tell(name: str, entries: tuple[SymbolEntry, ...], reason: str | None) -> None:
    out = console()
    if reason:
        out.print(Text.assemble(("✗ ", "red"), f"{name}: {reason}"))
    for entry in entries:
        has = [word for word, there in offers(entry) if there]
        out.print(Text.assemble(("✓ ", "green"), f"{name}  {entry.arch}  {entry.debug_id}  ({', '.join(has)})"))


def offers(entry: SymbolEntry) -> list[tuple[str, bool]]:
    """What a symbol file can serve, in words."""
    features = entry.features
    return [
        ("names", features.symbols),
        ("lines", features.debug_info),
        ("unwinding", features.unwind_info),
        ("sources", features.sources),
    ]
