"""`cairn reprocess`: crashes symbolicated again, from the uploads that are kept."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cairn.pipeline.symbolicating.reprocess import Chosen, Selection, Why
from cairn.store.errors import StoreError
from cairn.store.notifications import requeue_message
from cairn.store.queues import Queue
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.project_option import HELP, chosen_project
from cairn_cli.target import Target, add_target_option, connect
from cairn_cli.times import moment_of

EXAMPLES = [
    "cairn reprocess 6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44",
    "cairn reprocess --issue 3c2f9d4b5a1e86f07c4d2e9b8a7f6051 --dry-run",
    "cairn reprocess --project game --since 2d",
    "cairn reprocess --project game --since 2026-11-01 --until 2026-11-08T12:00 --yes",
]

BATCH = 100
"""Messages that are sent before the queue is looked at again."""

MOST_WAITING = 500
"""Messages that may wait on the queue: new crashes are to wait behind no more than these."""

BREATH = 1.0
"""Seconds between two looks at a queue that is full."""

SHOWN = 20

WHY_GONE = {
    Why.RETENTION: "the dump is gone: its retention is over (30 days, unless the deployment says otherwise)",
    Why.POLICY: "the dump is gone: the project keeps no more of them (`cairn privacy show`)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The crashes, and whether to ask first."""
    parser.add_argument("events", nargs="*", metavar="EVENT_ID", help="events, with or without hyphens")
    parser.add_argument("--issue", metavar="ID", help="all crashes of this issue: `cairn events show` prints it")
    parser.add_argument(
        "--project", help=f"{HELP}: all its crashes that --since and --until include; or that of the issue (default: 1)"
    )
    when = "2026-11-24, 2026-11-24T10:30 (UTC), or so long ago: 12h, 3d"
    parser.add_argument("--since", type=moment_of, metavar="TIME", help=f"received at this time or later: {when}")
    parser.add_argument("--until", type=moment_of, metavar="TIME", help="received before this time (default: now)")
    parser.add_argument("--dry-run", action="store_true", help="count, and do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_target_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Choose, ask and send; returns the exit code: 1 when not all that was asked for can be done again."""
    check(arguments)
    target = connect(arguments)
    try:
        chosen = choose(target, arguments)
        if not arguments.dry_run:
            if not (arguments.events or arguments.yes or not chosen.keys or agreed(len(chosen.keys))):
                return 1
            send(target, chosen.keys)
    except StoreError as error:
        raise CliError(str(error), "run it again: doing a crash twice does no harm") from error
    if arguments.json:
        print_json(summary(chosen, dry_run=arguments.dry_run))
    else:
        tell(chosen, "would be" if arguments.dry_run else "")
    return 1 if chosen.gone or chosen.unknown else 0


def check(arguments: argparse.Namespace) -> None:
    """Raise ``CliError`` unless either events are named, or an issue, or a project and a time."""
    of_project = arguments.project is not None and not arguments.issue
    if [bool(arguments.events), bool(arguments.issue), of_project].count(True) != 1 or (
        arguments.events and arguments.project is not None
    ):
        raise CliError(
            "name either events, or an issue with --issue, or a project with --project",
            "`cairn reprocess --help` has examples",
        )
    if of_project and arguments.since is None:
        raise CliError("--project needs --since", "`--since 30d` is all whose dumps are kept")


def choose(target: Target, arguments: argparse.Namespace) -> Chosen:
    """What is to be done again. Raises ``CliError`` for an issue that has no events in that time."""
    named = "1" if arguments.project is None else arguments.project
    project = None if arguments.events else chosen_project(target, named)
    with bar() as progress:
        task = progress.add_task("looked at", total=len(arguments.events) or None)
        selection = Selection(target.settings, target.clients, lambda number: progress.advance(task, number))
        if project is None:
            return selection.of_events(arguments.events)
        since, until = arguments.since or 0.0, arguments.until or time.time()
        if not arguments.issue:
            return selection.of_time(project.id, since, until)
        chosen = selection.of_issue(project.id, arguments.issue, since, until)
    if not (chosen.keys or chosen.gone):
        raise CliError(
            f"project {project.slug} has no events of the issue {arguments.issue} in that time",
            "`cairn events show EVENT_ID` prints an event's issue; --project names another project",
        )
    return chosen


def bar() -> Progress:
    """A bar that counts crashes, on a terminal; it goes away when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console(), disable=not console().is_terminal, transient=True)


def agreed(number: int) -> bool:
    """Whether the person says yes. Raises ``CliError`` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise CliError(f"this would symbolicate {number:,} crashes again", "say --yes to do it")
    return input(f"Symbolicate {number:,} crashes again? [y/N] ").strip().lower() in ("y", "yes")


def send(target: Target, keys: Sequence[str]) -> None:
    """Put the uploads on the crash queue, as fast as it empties, with a bar on a terminal."""
    queue = Queue(target.clients, target.outputs["CrashQueue"])
    with bar() as progress:
        task = progress.add_task("sent", total=len(keys))
        for start in range(0, len(keys), BATCH):
            while queue.depth().waiting > MOST_WAITING:
                time.sleep(BREATH)
            few = keys[start : start + BATCH]
            queue.send_all([requeue_message(key) for key in few])
            progress.advance(task, len(few))


def summary(chosen: Chosen, *, dry_run: bool) -> dict[str, object]:
    """What was done, for a program."""
    gone = [{"event_id": one.event_id, "why": one.why.value} for one in chosen.gone]
    sent = {"would_send": len(chosen.keys)} if dry_run else {"sent": len(chosen.keys)}
    return {**sent, "gone": gone, "unknown": chosen.unknown}


def crashes(number: int, verb: str = "") -> str:
    """A number of crashes, and that they are, or another verb."""
    return f"1 crash {verb or 'is'}" if number == 1 else f"{number:,} crashes {verb or 'are'}"


def tell(chosen: Chosen, verb: str) -> None:
    """Print what was done, or would be, for a person."""
    out = console()
    out.print(f"{crashes(len(chosen.keys), verb)} symbolicated again")
    for why, said in WHY_GONE.items():
        name_all([one.event_id for one in chosen.gone if one.why is why], said)
    name_all(chosen.unknown, "no such event")


def name_all(event_ids: Iterable[str], what: str) -> None:
    """Print what is said of each of the events, the first ones by name."""
    ids = list(event_ids)
    for event_id in ids[:SHOWN]:
        console().print(f"  {event_id}  {what}")
    if len(ids) > SHOWN:
        console().print(f"  … and {len(ids) - SHOWN:,} more; --json shows all")
