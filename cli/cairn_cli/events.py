"""`cairn events`: what has crashed, and the dump of it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from cairn.crash.event import Event
from cairn.store.crashes.drops import Drops
from cairn.store.crashes.events import EventRecord, Events, EventSummary, Page
from cairn.store.crashes.notes import Notes, with_notes
from cairn.store.errors import StoreError
from cairn.store.symbols.candidates import Candidates
from cairn_cli.dump_file import save_dump
from cairn_cli.errors import CliError
from cairn_cli.output import moment, print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.report import print_report
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn events list",
    "cairn events list --project game --limit 200 --json",
    "cairn events list --issue 3c2f9d4b5a1e86f07c4d2e9b8a7f6051",
    "cairn events show 6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44",
    "cairn events dump 6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44 -o crash.dmp",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``show`` and ``dump``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the newest crashes of a project")
    add_project_option(listing)
    listing.add_argument("--limit", type=int, default=50, help="how many to show (default: 50)")
    listing.add_argument("--issue", metavar="ID", help="only those of this issue: `cairn events show` prints it")
    showing = actions.add_parser("show", help="one crash, whole")
    showing.add_argument("id", help="the event's id, with or without hyphens: what the client got as an answer")
    showing.add_argument("--crashed-only", action="store_true", help="only the thread that crashed")
    dumping = actions.add_parser("dump", help="the minidump of a crash, for a debugger")
    dumping.add_argument("id", help="the event's id, with or without hyphens")
    dumping.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: ID.dmp)")
    for action in (listing, showing, dumping):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List, show or save a dump; returns the exit code."""
    target = connect(arguments)
    try:
        if arguments.action == "list":
            return _list(target, arguments)
        record = _find(target, arguments.id)
        return (_show if arguments.action == "show" else save_dump)(target, record, arguments)
    except StoreError as error:
        raise CliError(str(error)) from error


def _list(target: Target, arguments: argparse.Namespace) -> int:
    events, project = Events(target.settings, target.clients), chosen_project(target, arguments.project).id
    found: list[EventSummary] = []
    cursor = None
    while len(found) < arguments.limit:
        page = _page(events, project, arguments.issue, arguments.limit - len(found), cursor)
        found += page.items
        if (cursor := page.cursor) is None:
            break
    if arguments.json:
        print_json([asdict(summary) for summary in found])
    else:
        rows = [(e.event_id, moment(e.timestamp), e.os, e.release or "", e.title, e.culprit or "") for e in found]
        print_table(("EVENT", "TIME (UTC)", "OS", "RELEASE", "WHERE", "REASON"), rows)
    return 0


def _page(events: Events, project: int, issue: str | None, limit: int, cursor: str | None) -> Page[EventSummary]:
    if issue:
        return events.list_issue(project, issue, limit, cursor)
    return events.list(project, limit, cursor)


def _find(target: Target, event_id: str) -> EventRecord:
    record = Events(target.settings, target.clients).find(event_id)
    if record is None:
        if reason := Drops(target.settings, target.clients).reason(event_id):
            raise CliError(f"the crash {event_id} was dropped: {reason}", "`cairn filters list` shows the filters")
        raise CliError(
            f"there is no event {event_id}",
            "a crash shows up a few seconds after it was sent; `cairn events list` shows those that are there",
        )
    return record


def _show(target: Target, record: EventRecord, arguments: argparse.Namespace) -> int:
    notes = Notes(target.settings, target.clients).of(record.project_id, record.event_id)
    event = with_notes(Event.from_json(record.body), notes)
    event = Candidates(target.settings, target.clients).tell(event, record.project_id)
    if arguments.json:
        print_json(json.loads(event.to_json()))
    else:
        print_report(event, all_threads=not arguments.crashed_only)
    return 0
