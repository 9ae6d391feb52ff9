"""`cairn demo`: a real crash, from the POST to the readable report, on this machine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.text import Text

from cairn.crash.event import Event
from cairn.store.crashes.events import Events
from cairn_cli.debug_file_sending import upload
from cairn_cli.debug_files import wait
from cairn_cli.demo.post import post_minidump
from cairn_cli.errors import CliError
from cairn_cli.local.run import LocalCairn
from cairn_cli.local.state import Connection, read_connection
from cairn_cli.output import console
from cairn_cli.report import print_report
from cairn_cli.target import Target, local_target

EXAMPLES = ["cairn demo"]

SAMPLE = Path(__file__).parent / "sample"
DUMP = SAMPLE / "lighthouse.dmp"
PROGRAM = SAMPLE / "lighthouse"
PATIENCE = 60
"""Seconds to wait for the event."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The state to use."""
    parser.add_argument("--state", type=Path, default=None, help="where the local Cairn keeps its state")


def run(arguments: argparse.Namespace) -> int:
    """Show the crash; returns the exit code."""
    out = console()
    with _cairn(arguments.state) as connection:
        target = local_target(connection)
        _say("uploading the debug file of the sample program")
        _symbols(target)
        url = _minidump_url(connection)
        _say(f"posting its minidump, as this would:\n  curl -F upload_file_minidump=@{DUMP.name} '{url}'")
        event_id = post_minidump(url, DUMP, {"sentry[release]": "lighthouse@1.4.2"})
        _say(f"accepted as {event_id}; waiting for the event")
        event = _wait_for_event(target, event_id)
        out.print()
        print_report(event)
    out.print()
    _say("keep Cairn running on this machine with: .venv/bin/cairn local")
    return 0


@contextmanager
def _cairn(state: Path | None) -> Iterator[Connection]:
    """The Cairn that runs here already, or one for as long as the demo takes."""
    running = read_connection(state)
    if running is not None:
        yield running
        return
    _say("starting Cairn on this machine")
    with LocalCairn(state, port=0, report=_say) as started:
        yield started.connection


def _symbols(target: Target) -> None:
    for reason in (done.reason for done in wait(target, upload(target, [PROGRAM]).keys)):
        if reason:
            raise CliError(f"the sample's debug file could not be used: {reason}")


def _minidump_url(connection: Connection) -> str:
    scheme, _, rest = (connection.dsn or "").partition("://")
    key, _, place = rest.partition("@")
    host, _, project = place.partition("/")
    return f"{scheme}://{host}/api/{project}/minidump/?sentry_key={key}"


def _wait_for_event(target: Target, event_id: str) -> Event:
    """The event, with the sample's symbols: those of an older Cairn are compiled again first, and then the crash."""
    events = Events(target.settings, target.clients)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        record = events.find(event_id)
        if record is not None and _has_symbols(event := Event.from_json(record.body)):
            return event
        time.sleep(0.1)
    raise CliError(f"no event with symbols after {PATIENCE} s", "the log of `cairn local --verbose` says more")


def _has_symbols(event: Event) -> bool:
    return any(image.name == PROGRAM.name and image.debug_status == "found" for image in event.debug_meta.images)


def _say(text: str) -> None:
    console().print(Text.assemble(("▸ ", "cyan"), text))
