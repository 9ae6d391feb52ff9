"""`cairn reprocess`: crashes symbolicated again, from the uploads that are kept."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cairn.pipeline.reprocess import Chosen, Selection
from cairn.store.errors import StoreError
from cairn.store.notifications import requeue_message
from cairn.store.queues import Queue
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.target import Target, add_target_option, connect
from cairn_cli.times import moment_of

EXAMPLES = [
    "cairn reprocess 6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44",
    "cairn reprocess --project 1 --since 2d",
    "cairn reprocess --project 1 --since 2026-11-01 --until 2026-11-08T12:00 --yes",
]

BATCH = 100
"""Messages that are sent before the queue is looked at again."""

MOST_WAITING = 500
"""Messages that may wait on the queue: new crashes are to wait behind no more than these."""

BREATH = 1.0
"""Seconds between two looks at a queue that is full."""

SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The crashes, and whether to ask first."""
    parser.add_argument("events", nargs="*", metavar="EVENT_ID", help="events, with or without hyphens")
    parser.add_argument("--project", type=int, help="all crashes of this project that --since and --until include")
    when = "2026-11-24, 2026-11-24T10:30 (UTC), or so long ago: 12h, 3d"
    parser.add_argument("--since", type=moment_of, metavar="TIME", help=f"received at this time or later: {when}")
    parser.add_argument("--until", type=moment_of, metavar="TIME", help="received before this time (default: now)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_target_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Choose, ask and send; returns the exit code: 1 when a crash that was named cannot be done again."""
    check(arguments)
    target = connect(arguments)
    try:
        chosen = choose(target, arguments)
        if arguments.project is not None and chosen.keys and not (arguments.yes or agreed(len(chosen.keys))):
            return 1
        send(target, chosen.keys)
    except StoreError as error:
        raise CliError(str(error), "run it again: doing a crash twice does no harm") from error
    if arguments.json:
        print_json({"sent": len(chosen.keys), "gone": chosen.gone, "unknown": chosen.unknown})
    else:
        tell(chosen)
    return 1 if arguments.events and (chosen.gone or chosen.unknown) else 0


def check(arguments: argparse.Namespace) -> None:
    """Raise ``CliError`` unless either events are named or a project and a time."""
    if bool(arguments.events) == (arguments.project is not None):
        raise CliError("name either events, or a project with --project", "`cairn reprocess --help` has examples")
    if arguments.project is not None and arguments.since is None:
        raise CliError("--project needs --since", "`--since 30d` is all whose dumps are kept")


def choose(target: Target, arguments: argparse.Namespace) -> Chosen:
    """What is to be done again."""
    selection = Selection(target.settings, target.clients)
    if arguments.events:
        return selection.of_events(arguments.events)
    return selection.of_time(arguments.project, arguments.since, arguments.until or time.time())


def agreed(number: int) -> bool:
    """Whether the person says yes. Raises ``CliError`` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise CliError(f"this would symbolicate {number:,} crashes again", "say --yes to do it")
    return input(f"Symbolicate {number:,} crashes again? [y/N] ").strip().lower() in ("y", "yes")


def send(target: Target, keys: Sequence[str]) -> None:
    """Put the uploads on the crash queue, as fast as it empties, with a bar on a terminal."""
    queue = Queue(target.clients, target.outputs["CrashQueue"])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(), disable=not console().is_terminal, transient=True) as progress:
        task = progress.add_task("sent", total=len(keys))
        for start in range(0, len(keys), BATCH):
            while queue.depth().waiting > MOST_WAITING:
                time.sleep(BREATH)
            few = keys[start : start + BATCH]
            queue.send_all([requeue_message(key) for key in few])
            progress.advance(task, len(few))


def crashes(number: int) -> str:
    """A number of crashes, and that they are."""
    return "1 crash is" if number == 1 else f"{number:,} crashes are"


def tell(chosen: Chosen) -> None:
    """Print what was done, for a person."""
    out = console()
    out.print(f"{crashes(len(chosen.keys))} symbolicated again")
    for event_ids, what in ((chosen.gone, "dump is gone: dumps are kept 30 days"), (chosen.unknown, "no such event")):
        for event_id in event_ids[:SHOWN]:
            out.print(f"  {event_id}  {what}")
        if len(event_ids) > SHOWN:
            out.print(f"  … and {len(event_ids) - SHOWN:,} more; --json shows all")
