"""`cairn stackwalk`: the whole work on one dump, offline."""

from __future__ import annotations

import argparse
import json
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cairn.crash.process import process
from cairn.crash.records import Crash
from cairn.crash.stackwalk_json import stackwalk_json
from cairn.minidump.errors import MinidumpError
from cairn.symbols.errors import DebugFileError
from cairn_cli.errors import CliError
from cairn_cli.local_symbols import DistantFolderFinder, FolderFinder

if TYPE_CHECKING:
    from cairn.crash.event import Event

EXAMPLES = [
    "cairn stackwalk crash.dmp",
    "cairn stackwalk crash.dmp --symbols build/ --symbols symbols.zip",
    "cairn stackwalk crash.dmp --json | jq .crash_info",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The dump, its symbols, and the form of the output."""
    parser.add_argument("dump", type=Path, help="the minidump")
    parser.add_argument(
        "--symbols",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="debug files, or folders or zip archives of them; repeat for more (ELF, Mach-O, dSYM, PE, PDB, "
        "Breakpad .sym, source bundles)",
    )
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where compiled symbols are kept")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--crashed-only", action="store_true", help="only the thread that crashed")
    form.add_argument("--json", action="store_true", help="JSON as rust-minidump's minidump-stackwalk prints it")
    form.add_argument("--explain-reads", action="store_true", help="what reading the symbols would cost from S3")
    form.add_argument("--event", action="store_true", help="the event that Cairn stores, as JSON")


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/cairn/symbols``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cairn" / "symbols"


def run(arguments: argparse.Namespace) -> int:
    """Walk the dump and print it; returns the exit code."""
    finder = (DistantFolderFinder if arguments.explain_reads else FolderFinder)(arguments.symbols, arguments.cache)
    crash = _walk(arguments, finder)
    if arguments.json:
        print(json.dumps(stackwalk_json(crash, finder.problems), separators=(",", ":")))
        return 0
    if arguments.explain_reads:
        from cairn_cli.reads import explain, reads_of

        print(*explain(reads_of(finder.opened)), sep="\n")
        return 0
    from cairn.crash.build_event import Received, build_event
    from cairn.crash.grouping import grouped

    event = build_event(crash, Received(event_id="0" * 32, project=None, received=crash.dump.timestamp))
    event = grouped(_with_sources(event, arguments))
    if arguments.event:
        print(event.to_json().decode())
        return 0
    from cairn_cli.report import print_report

    print_report(event, all_threads=not arguments.crashed_only)
    return 0


def _walk(arguments: argparse.Namespace, finder: FolderFinder) -> Crash:
    for path in (arguments.dump, *arguments.symbols):
        if not path.exists():
            raise CliError(f"{path} does not exist")
    try:
        return process(_contents(arguments.dump), finder)
    except MinidumpError as error:
        raise CliError(f"{arguments.dump}: {error}") from error
    except DebugFileError as error:
        raise CliError(str(error)) from error


def _with_sources(event: Event, arguments: argparse.Namespace) -> Event:
    """The event with lines out of the source bundles among the symbols."""
    if not arguments.symbols:
        return event
    from cairn.crash.source_context import with_sources
    from cairn_cli.local_sources import FolderSources

    finder = FolderSources(arguments.symbols, arguments.cache)
    event = with_sources(event, finder).event
    problems = (*event.cairn.problems, *finder.problems)
    return event.model_copy(update={"cairn": event.cairn.model_copy(update={"problems": problems})})


def _contents(path: Path) -> memoryview:
    """The file, mapped: the crash that is made from it keeps views into it."""
    with path.open("rb") as file:
        empty = os.fstat(file.fileno()).st_size == 0
        return memoryview(b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
