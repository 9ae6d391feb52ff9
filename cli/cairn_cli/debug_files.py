"""`cairn upload-debug-files`: the symbols of a build, sent and compiled."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from cairn.store.errors import StoreError
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import name_in, sha1_in
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.symbol_index import SymbolEntry
from cairn.symbols.arriving.archive import MAGICS
from cairn.symbols.arriving.debug_file_ids import HEAD, begins_like_debug_file
from cairn.web.assemble import joined
from cairn_cli.debug_file_sending import progress_of, senders, upload
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn upload-debug-files build/game build/game.debug",
    "cairn upload-debug-files build/ --no-wait",
    "cairn upload-debug-files symbols.zip",
]
NONE = "there is no debug file among these"
TAKEN = "taken are ELF, Mach-O, dSYM, PE, PDB, Breakpad .sym, source bundles and zip archives of these, no object files"
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
class Outcome:
    """What became of a file: the symbol files that were made of it and what of it could not be read, or a reason. A
    companion that ``waits`` for its program has a reason too."""

    name: str
    entries: tuple[SymbolEntry, ...] = ()
    reason: str | None = None
    problems: tuple[str, ...] = ()
    waits: bool = False
    key: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it cannot be used, and will not be."""
        return self.reason is not None and not self.waits


def run(arguments: argparse.Namespace) -> int:
    """Upload and wait; returns the exit code: 1 when a file cannot be used, and will not be."""
    target = connect(arguments)
    paths = list(debug_files(arguments.paths))
    if not paths:
        raise CliError(NONE, TAKEN)
    tell = _nothing if arguments.json else _tell
    try:
        sent = upload(target, paths)
        renew(target, sent.keys)
        results = _unknown(sent.keys, tell) if arguments.no_wait else wait(target, sent.keys, tell)
    except StoreError as error:
        raise CliError(str(error)) from error
    refused = [Outcome(one.name, reason=one.reason) for one in sent.refused]
    if arguments.json:
        print_json([outcome_json(one) for one in (*results, *refused)])
    for one in refused:
        tell(console(), one)
    failed = len(refused) + sum(one.has_failed for one in results)
    if failed and not arguments.json and (files := len(results) + len(refused)) > 1:
        console().print(f"{failed} of {files} files cannot be used.")
    return 1 if failed else 0


def outcome_json(one: Outcome) -> dict[str, object]:
    """What became of a file, as JSON. ``waits`` says what a companion waits for, which is no error; ``problems`` what
    could not be read of a file that can be used. What was not sent has no ``key``."""
    error, waits = (None, one.reason) if one.waits else (one.reason, None)
    return {
        "key": one.key,
        "name": one.name,
        "debug_ids": [entry.debug_id for entry in one.entries],
        "error": error,
        "waits": waits,
        "problems": list(one.problems),
    }


def debug_files(paths: list[Path]) -> Iterator[Path]:
    """The files that ``paths`` name; of folders, the debug files and zip archives in them. Raises ``CliError`` for what
    is not there."""
    for path in paths:
        if not path.exists():
            raise CliError(f"{path} does not exist")
        yield from (p for p in sorted(path.rglob("*")) if p.is_file() and _is_wanted(p)) if path.is_dir() else (path,)


def _is_wanted(path: Path) -> bool:
    """Whether a file of a folder is to be sent, by its first bytes. Raises ``CliError`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from error
    return begins_like_debug_file(head) or head.startswith(MAGICS)


def renew(target: Target, keys: list[str]) -> None:
    """Keep those that were there already as if a crash had used them: whoever builds them needs them. Of a companion
    that was paired with its program, and of an archive, what came of it is kept."""
    uses, now = LastUses(target.settings, target.clients), time.time()
    found, members = with_members(DebugFileRecords(target.settings, target.clients), keys)
    with senders() as pool:
        for _ in pool.map(lambda record: uses.note(record.entries, now), (found | members).values()):
            pass


ByHash = dict[str, DebugFileRecord]
Tell = Callable[[Console, Outcome], None]


def _nothing(_out: Console, _outcome: Outcome) -> None:
    """Tell nothing."""


def _tell(out: Console, outcome: Outcome) -> None:
    if outcome.reason:
        mark = ("○ ", "yellow") if outcome.waits else ("✗ ", "red")
        out.print(Text.assemble(mark, f"{outcome.name}: {outcome.reason}"))
    elif not outcome.entries:
        out.print(Text.assemble(("✓ ", "green"), outcome.name))
    for entry in outcome.entries:
        has = ", ".join(word for word, there in offers(entry) if there) or "nothing by itself"
        ids = entry.debug_id or entry.code_id
        out.print(Text.assemble(("✓ ", "green"), f"{outcome.name}  {entry.arch}  {ids}  ({has})"))
    for problem in outcome.problems:
        out.print(Text.assemble(("  ! ", "yellow"), problem))


def wait(target: Target, keys: list[str], tell: Tell = _nothing) -> list[Outcome]:
    """What became of each file, once that is known; each is told at once. Raises ``CliError`` after ``WAIT``."""
    records = DebugFileRecords(target.settings, target.clients)
    deadline = time.monotonic() + WAIT
    pending, done = list(keys), dict[str, Outcome]()
    with progress_of(TextColumn("compiling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as progress:
        task = progress.add_task("", total=len(keys))
        while pending:
            for key, outcome in outcomes(records, pending):
                done[key] = outcome
                tell(progress.console, outcome)
                progress.advance(task)
            pending = [key for key in pending if key not in done]
            if pending and time.monotonic() > deadline:
                raise CliError(f"{len(pending)} files are not compiled after {WAIT} s", "see the function's log")
            if pending:
                time.sleep(0.3)
    return [done[key] for key in keys]


def outcomes(records: DebugFileRecords, keys: list[str]) -> Iterator[tuple[str, Outcome]]:
    """What became of those files that the compiler is done with; of an archive, and of a companion that was paired with
    its program, when it is done with what was made of them too."""
    found, members = with_members(records, keys)
    for key in keys:
        record = found.get(sha1_in(key))
        if record and members.keys() >= set(record.members):
            whole, name = joined(record, members), name_in(key)
            yield key, Outcome(name, whole.entries, whole.reason, whole.problems, record.waits, key)


def with_members(records: DebugFileRecords, keys: list[str]) -> tuple[ByHash, ByHash]:
    """What is known of files, and of those that were made of them, by their SHA-1s."""
    found = records.find(set(map(sha1_in, keys)))
    return found, records.find({sha1 for record in found.values() for sha1 in record.members})


def _unknown(keys: list[str], tell: Tell) -> list[Outcome]:
    """The results that nobody waits for."""
    for key in keys:
        tell(console(), Outcome(f"{key.rpartition('/')[2]}  sent"))
    return [Outcome(name_in(key), key=key) for key in keys]


def offers(entry: SymbolEntry) -> list[tuple[str, bool]]:
    """What a symbol file can serve, in words."""
    features = entry.features
    return [
        ("names", features.symbols),
        ("lines", features.debug_info),
        ("unwinding", features.unwind_info),
        ("sources", features.sources),
    ]
