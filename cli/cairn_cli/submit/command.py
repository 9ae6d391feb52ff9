"""`cairn submit`: minidumps of any size, with a progress bar, and from where it stopped when the line broke."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from cairn_cli.dsn import Dsn, parse_dsn, parse_minidump_url
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.submit.begun import Begun
from cairn_cli.submit.door import Door
from cairn_cli.submit.files import dumps_of
from cairn_cli.submit.send import Sending, Sent
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn submit crash.dmp --dsn https://KEY@HOST/1",
    "cairn submit full.dmp --release game@1.4 --tag gpu=none --attach game.log --wait",
    "cairn submit crash.dmp --url 'https://HOST/api/1/minidump/?sentry_key=KEY'",
    "SENTRY_DSN=https://KEY@HOST/1 cairn submit *.dmp ~/.config/App/Crashpad --json",
]
PATIENCE = 180
"""Seconds that `--wait` waits for an event: as long as its function may take, and a little more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The dumps, where they go, and what is said of them."""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="minidumps, which may be compressed; or folders of them"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dsn", help="where to send them (default: $SENTRY_DSN, else the Cairn that runs here)")
    where.add_argument("--url", help="the same as an address for curl: https://HOST/api/PROJECT/minidump/")
    parser.add_argument("--key", help="the key, for a --url without ?sentry_key=KEY")
    parser.add_argument("--release", help="the release that crashed")
    parser.add_argument("--environment", help="where it ran: production, staging …")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="a tag; may be repeated")
    parser.add_argument("--attach", type=Path, action="append", default=[], metavar="FILE", help="a file to go with it")
    parser.add_argument(
        "--wait", action="store_true", help="wait for the event, and print its report (reads events: see --stack)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_target_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send, and wait if asked; returns the exit code: 1 when a crash was not accepted."""
    sending = Sending(Door(place(arguments)), fields(arguments), arguments.attach, Begun())
    target = connect(arguments) if arguments.wait else None
    arguments.files = dumps_of(arguments.files)
    try:
        results = [result(path, arguments, sending, target) for path in arguments.files]
    except KeyboardInterrupt:
        stop_at_once()
    if arguments.json:
        print_json(results)
    return 1 if any(one["error"] for one in results) else 0


def stop_at_once() -> NoReturn:
    """End without waiting for threads that wait for a line."""
    print("cairn: stopped; the same command goes on from here", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(130)


def place(arguments: argparse.Namespace) -> Dsn:
    """Where the crashes go. Raises ``CliError``."""
    if arguments.url:
        return parse_minidump_url(arguments.url, arguments.key)
    if arguments.key:
        raise CliError(
            "--key needs --url", "give --url https://HOST/api/PROJECT/minidump/, or --dsn https://KEY@HOST/PROJECT"
        )
    return chosen_dsn(arguments.dsn)


def chosen_dsn(given: str | None) -> Dsn:
    """The DSN of the option, the environment, or the Cairn on this machine. Raises ``CliError``."""
    from cairn_cli.local.state import read_connection

    local = None if given or os.environ.get("SENTRY_DSN") else read_connection()
    dsn = given or os.environ.get("SENTRY_DSN") or (local.dsn if local else None)
    if not dsn:
        raise CliError("no DSN", "give --dsn https://KEY@HOST/PROJECT, or set SENTRY_DSN; `cairn keys list` shows them")
    return parse_dsn(dsn)


def fields(arguments: argparse.Namespace) -> dict[str, str]:
    """What the options say of the crash, as form fields. Raises ``CliError``."""
    tags = dict(tag.partition("=")[::2] for tag in arguments.tag)
    if wrong := [tag for tag in arguments.tag if "=" not in tag]:
        raise CliError(f"--tag {wrong[0]} has no value", "write --tag key=value")
    said = {"release": arguments.release, "environment": arguments.environment, "tags": tags}
    event = {name: value for name, value in said.items() if value}
    return {"sentry": json.dumps(event)} if event else {}


def result(path: Path, arguments: argparse.Namespace, sending: Sending, target: Target | None) -> dict[str, Any]:
    """Send one crash, tell of it, and say how it went."""
    try:
        with progress_bar(path.name) as (total, advance):
            sent = sending.send(path, total, advance)
    except CliError as error:
        if len(arguments.files) == 1 and not arguments.json:
            raise
        if not arguments.json:
            console().print(Text.assemble(("✗ ", "red"), f"{path.name}: {error}"))
        return {"file": str(path), "event_id": None, "bytes": None, "resumed": None, "event": None, "error": str(error)}
    if not arguments.json:
        tell(path, sent)
    event = wait_for(target, sent.event_id, arguments.json) if target else None
    return {"file": str(path), **asdict(sent), "event": event, "error": None}


@contextmanager
def progress_bar(name: str) -> Iterator[tuple[Any, Any]]:
    """A bar on a terminal: how to set its total, and how to advance it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), disable=not console().is_terminal, transient=True) as progress:
        task = progress.add_task(name, total=None)
        yield (
            lambda size: progress.update(task, total=size),
            lambda size: progress.update(task, advance=size),  # unlike advance(), it leaves steps back out of the speed
        )


def tell(path: Path, sent: Sent) -> None:
    """Say that a crash was accepted."""
    resumed = f", {sent.resumed} of them by an earlier run" if sent.resumed else ""
    console().print(Text.assemble(("✓ ", "green"), f"{path.name}  {sent.event_id}  ({sent.bytes} bytes{resumed})"))


def wait_for(target: Target, event_id: str, as_json: bool) -> Any:
    """The event as JSON once it is there; printed as a report unless ``as_json``. Raises ``CliError``."""
    from cairn.crash.event import Event
    from cairn.store.crashes.events import Events
    from cairn.store.errors import StoreError
    from cairn_cli.report import print_report

    events = Events(target.settings, target.clients)
    deadline = time.monotonic() + PATIENCE
    try:
        while (record := events.find(event_id)) is None:
            if time.monotonic() > deadline:
                raise CliError(f"no event {event_id} after {PATIENCE} s", f"look later: cairn events show {event_id}")
            time.sleep(0.3)
    except StoreError as error:
        raise CliError(str(error)) from error
    if not as_json:
        print_report(Event.from_json(record.body))
    return json.loads(record.body)
