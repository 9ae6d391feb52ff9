"""`cairn events dump`: the stored minidump of a crash, as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cairn.crash.event import Event
from cairn.store.crashes.event_files import EventFile, EventFiles
from cairn.store.crashes.events import EventRecord
from cairn.store.crashes.notes import Notes, with_notes
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.target import Target

WHY_NOT = {
    "removed": ("its dump was removed, as the project wants", "`cairn privacy show` says which dumps are kept"),
    "waiting": ("its secrets are just being taken out", "a large dump takes some minutes: try again then"),
    None: ("it came without a dump", "`cairn events show` prints what the client said"),
}
GONE = ("its dump is past its retention", "`keep_crashes_days` says how long dumps are kept: docs/deploying.md")


def save_dump(target: Target, record: EventRecord, arguments: argparse.Namespace) -> int:
    """Write the dump of an event to a file; returns the exit code. Raises ``CliError`` when there is none."""
    files = EventFiles(target.settings, target.clients)
    found = files.of(record.project_id, record.event_id) or ()
    dump = next((one for one in found if one.is_dump), None)
    state = state_of(target, record)
    if dump is None:
        raise missing(record, state)
    path = arguments.output or Path(f"{record.event_id}.dmp")
    try:
        fetch(files, dump, path)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}", "choose another file with -o") from error
    if arguments.json:
        print_json({"event_id": record.event_id, "file": str(path), "bytes": dump.file.size, "state": state})
    else:
        console().print(f"{path}  {dump.file.size:,} bytes, {state}")
    return 0


def state_of(target: Target, record: EventRecord) -> str | None:
    """What became of the dump, ``None`` when there was none."""
    notes = Notes(target.settings, target.clients).of(record.project_id, record.event_id)
    known = with_notes(Event.from_json(record.body), notes).cairn.dump
    return known.state if known else None


def missing(record: EventRecord, state: str | None) -> CliError:
    """Why there is no dump of an event."""
    what, hint = WHY_NOT.get(state, GONE)
    return CliError(f"the event {record.event_id} has no dump: {what}", hint)


def fetch(files: EventFiles, dump: EventFile, path: Path) -> None:
    """Write a dump to ``path``, with a bar on a terminal. A file is there whole or not at all; what is none, such as
    ``/dev/stdout``, is written to as it is."""
    is_special = path.exists() and not path.is_file()
    partial = path if is_special else path.with_name(f"{path.name}.part")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with Progress(*columns, console=console(), disable=not console().is_terminal, transient=True) as progress:
            task = progress.add_task(path.name, total=dump.file.size)
            if not files.download(dump, partial, lambda number: progress.advance(task, number)):
                raise CliError("the dump went away just now")
        if not is_special:
            partial.replace(path)
    finally:
        if not is_special:
            partial.unlink(missing_ok=True)
