"""`cairn symbols list` and `show`: the debug files that there are."""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from rich.filesize import decimal
from rich.text import Text

from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import name_in, sha1_in
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex, keys_of, normal_id
from cairn.store.symbols.waiting import WaitingCrashes
from cairn.web.dif import dif_of
from cairn.web.dsyms import matches, newest_first
from cairn_cli.debug_files import offers
from cairn_cli.errors import CliError
from cairn_cli.output import console, moment, print_json, print_table
from cairn_cli.target import Target

SHA1 = re.compile(r"[0-9a-f]{40}")
GUID_DIGITS = 32
MOST_WAITING = 1000
"""Crashes that are counted for an id."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A debug file that was uploaded, by its SHA-1: what it serves, or in ``record`` why it serves nothing."""

    sha1: str
    entries: tuple[SymbolEntry, ...]
    record: DebugFileRecord | None = None

    @property
    def name(self) -> str:
        """The name it was uploaded by, if that is known."""
        key = self.entries[0].debug_file_key if self.entries else self.record.key if self.record else ""
        return name_in(key)


def list_files(target: Target, arguments: argparse.Namespace) -> int:
    """Print debug files that match; returns the exit code."""
    if arguments.failed:
        return _list_failed(target, arguments)
    entries = SymbolIndex(target.settings, target.clients).list()
    found = newest_first([entry for entry in entries if matches(entry, arguments.query.lower())])
    shown = found[: arguments.limit]
    if arguments.json:
        print_json([dif_of(entry, entry.debug_file_size) for entry in shown])
        return 0
    rows = [
        (e.name, f"{e.format} {e.kind}", e.arch, id_of(e), offered(e), moment(e.created), sha1_of(e)) for e in shown
    ]
    print_table(("NAME", "FORMAT", "ARCH", "DEBUG ID", "OFFERS", "UPLOADED (UTC)", "SHA-1"), rows)
    if len(found) > len(shown):
        console().print(f"\n{len(found) - len(shown)} more: --limit, or --query to choose")
    return 0


def _list_failed(target: Target, arguments: argparse.Namespace) -> int:
    found = [file for file in failed_files(target) if arguments.query.lower() in file.name.lower()][: arguments.limit]
    if arguments.json:
        print_json([stored_json(file) for file in found])
        return 0
    rows = [(f.name, moment(f.record.created), f.sha1, f.record.reason or "") for f in found if f.record]
    print_table(("NAME", "UPLOADED (UTC)", "SHA-1", "WHY IT CANNOT BE USED"), rows)
    return 0


def failed_files(target: Target) -> list[StoredFile]:
    """The debug files that were uploaded and cannot be used, the newest first."""
    keys = SymbolIndex(target.settings, target.clients).failed()
    records = DebugFileRecords(target.settings, target.clients).find(map(sha1_in, keys))
    failed = sorted((r for r in records.values() if r.reason), key=lambda record: -record.created)
    return [StoredFile(record.sha1, (), record) for record in failed]


def show_files(target: Target, arguments: argparse.Namespace) -> int:
    """Print all there is of an id; returns the exit code."""
    found = files_of(target, arguments.id)
    if not found:
        raise CliError(f"no debug file with the id {arguments.id} was uploaded", waiting_hint(target, arguments.id))
    if arguments.json:
        print_json([stored_json(file) for file in found])
        return 0
    for file in found:
        for line in told(file, target.settings.bucket):
            console().print(line)
    return 0


def files_of(target: Target, text: str) -> list[StoredFile]:
    """The debug files that an id or a SHA-1 names."""
    by_sha1: dict[str, list[SymbolEntry]] = defaultdict(list)
    for entry in SymbolIndex(target.settings, target.clients).list():
        if names(text, entry):
            by_sha1[sha1_of(entry)].append(entry)
    sha1s = [*by_sha1, *([text.lower()] if SHA1.fullmatch(text.lower()) else [])]
    records = DebugFileRecords(target.settings, target.clients).find(sha1s)
    return [StoredFile(sha1, tuple(by_sha1.get(sha1, ())), records.get(sha1)) for sha1 in {**by_sha1, **records}]


def names(text: str, entry: SymbolEntry) -> bool:
    """Whether a text is an id of an entry, in any spelling; of a debug id the age may be left out."""
    wanted = normal_id(text)
    if set(keys_of((text, text))) & set(keys_of((entry.debug_id, entry.code_id))):
        return True
    begins = len(wanted) >= GUID_DIGITS and normal_id(entry.debug_id or "").startswith(wanted)
    return begins or (bool(wanted) and wanted in (sha1_of(entry), normal_id(entry.code_id or "")))


def waiting_hint(target: Target, text: str) -> str:
    """How many crashes wait for an id."""
    ids = (text, text)
    waiters = WaitingCrashes(target.settings, target.clients).waiting_for(ids, time.time(), MOST_WAITING)
    if not waiters:
        return "`cairn symbols list` shows those there are"
    who = "one crash waits" if len(waiters) == 1 else f"{len(waiters)} crashes wait"
    return f"{who} for it: `cairn symbols missing` says what to send"


def told(file: StoredFile, bucket: str) -> Iterator[Text]:
    """What there is to say of a debug file."""
    if file.record and file.record.waits:
        yield Text.assemble(("○ ", "yellow"), (file.name, "bold"), f"  cannot be used yet: {file.record.reason}")
    elif file.record and file.record.reason:
        yield Text.assemble(("✗ ", "red"), (file.name, "bold"), f"  cannot be used: {file.record.reason}")
    elif file.record and file.record.members:
        count = len(file.record.members)
        held = "  one debug file came of it" if count == 1 else f"  {count} debug files came of it"
        yield Text.assemble(("● ", "green"), (file.name, "bold"), held)
    for entry in file.entries:
        yield Text.assemble(("● ", "green"), (entry.name, "bold"), f"  {entry.format} {entry.kind}, {entry.arch}")
        yield from map(row, rows_of(entry, bucket).items())
    for problem in file.record.problems if file.record else ():
        yield Text.assemble(("    ! ", "yellow"), problem)
    yield row(("SHA-1", file.sha1))


def rows_of(entry: SymbolEntry, bucket: str) -> dict[str, str]:
    """The facts of an entry by their names."""
    size = decimal(entry.debug_file_size) if entry.debug_file_size else "size unknown"
    return {
        "debug id": entry.debug_id or "none",
        "code id": entry.code_id or "none",
        "offers": offered(entry) or "nothing",
        "uploaded": f"{moment(entry.created)} UTC",
        "file": f"s3://{bucket}/{entry.debug_file_key}, {size}",
        "compiled": f"s3://{bucket}/{entry.key}, {decimal(entry.size)}, version {entry.version}",
    }


def row(fact: tuple[str, str]) -> Text:
    """A fact and its name."""
    return Text.assemble((f"    {fact[0]:<10}", "dim"), fact[1])


def stored_json(file: StoredFile) -> dict[str, object]:
    """A debug file as JSON."""
    return {
        "sha1": file.sha1,
        "name": file.name,
        "reason": file.record.reason if file.record else None,
        "problems": file.record.problems if file.record else (),
        "entries": [entry.to_json() for entry in file.entries],
    }


def id_of(entry: SymbolEntry) -> str:
    """The id by which a file is told from others."""
    return entry.debug_id or entry.code_id or ""


def sha1_of(entry: SymbolEntry) -> str:
    """The SHA-1 of the debug file that an entry is of."""
    return sha1_in(entry.debug_file_key)


def offered(entry: SymbolEntry) -> str:
    """What an entry can serve, in words."""
    return ", ".join(word for word, there in offers(entry) if there)
