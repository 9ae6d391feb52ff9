"""Cairn on one machine: bundles, emulator, stack and a first project, in the order in which they need each other."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from cairn.store.projects import ClientKey, Projects
from cairn.store.settings import Settings
from cairn_cli.dsn import dsn, minidump_url
from cairn_cli.local.deploy import deploy
from cairn_cli.local.emulator import Emulator
from cairn_cli.local.service import Service
from cairn_cli.local.state import Connection, LocalError, State, aws_clients

FIRST_PROJECT = "demo"
METRIC = '{"_aws"'
"""How a line of the log begins that is a metric for CloudWatch."""
TEMPLATE = Path(__file__).parent / "template.json"

Report = Callable[[str], None]


def silent(_line: str) -> None:
    """Report nothing."""


class LocalCairn:
    """A Cairn that runs while the context is open.

    ``url`` is where clients send crashes, ``dsn`` and ``minidump_url`` are those of the project made on first start,
    ``connection`` is what other commands read. With ``large_uploads`` (a port) the server of the large_uploads stack
    runs too, for ``large_minidump_url``. Leaving saves the state and stops everything.
    Raises ``LocalError`` when it cannot start.
    """

    connection: Connection
    emulator: Emulator
    key: ClientKey
    minidump_url: str
    large_door: Service | None = None

    def __init__(
        self,
        state_dir: Path | None = None,
        port: int = 8000,
        report: Report = silent,
        large_uploads: int | None = None,
    ) -> None:
        self.state = State.at(state_dir)
        self.port = port
        self.report = report
        self.large_uploads = large_uploads

    @property
    def url(self) -> str:
        """Where clients send crashes."""
        return self.connection.url

    @property
    def dsn(self) -> str:
        """The DSN of the first project."""
        return self.connection.dsn or ""

    @property
    def large_minidump_url(self) -> str:
        """Where large minidumps of the first project are sent, if the server for them runs."""
        return minidump_url(self.large_door.url, self.key) if self.large_door else ""

    def __enter__(self) -> LocalCairn:
        """Build, start and deploy what is not there yet."""
        zips = build_bundles(self.report)
        self.emulator = Emulator.start(self.state, self.port)
        try:
            self._set_up(zips)
        except BaseException:
            self._stop()
            raise
        return self

    def _set_up(self, zips: list[Path]) -> None:
        emulator = self.emulator
        bare = Connection(emulator.url, emulator.endpoint_url, emulator.process.pid)
        clients = aws_clients(bare)
        deployment = deploy(clients, TEMPLATE.read_text(), zips, self.report)
        outputs = deployment.outputs
        self.key = key = first_key(Projects(Settings.from_outputs(outputs), clients))
        if deployment.changed:
            emulator.save()
        emulator.work()
        self.minidump_url = minidump_url(emulator.url, key)
        self.connection = Connection(bare.url, bare.endpoint_url, bare.pid, outputs, dsn(emulator.url, key))
        if self.large_uploads is not None:
            self.large_door = Service.start(
                self.state, self.connection, deployment.bundles, self.large_uploads, emulator.tell
            )
        self.state.write_connection(self.connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; when interrupted meanwhile, at once."""
        try:
            self._stop()
        except KeyboardInterrupt:
            self.emulator.kill()
        self.state.connection.unlink(missing_ok=True)

    def _stop(self) -> None:
        """Let the server finish what it has begun, while there is somewhere to store it."""
        try:
            if self.large_door:
                self.large_door.stop()
        finally:
            self.emulator.stop()


def build_bundles(report: Report) -> list[Path]:
    """The zips of all layers and functions for this machine, built where something changed.

    Raises ``LocalError`` (``not_built``).
    """
    try:
        from infra.bundling import BundlingError, Target, build
    except ImportError as error:
        raise LocalError("not_built", "Cairn runs from a checkout, since it builds its functions there") from error

    def tell_changes(line: str) -> None:
        if not line.endswith("unchanged"):
            report(line)

    try:
        return list(build(Target.local(), report=tell_changes).values())
    except BundlingError as error:
        raise LocalError("not_built", str(error)) from error


def first_key(projects: Projects) -> ClientKey:
    """An active key of the project ``demo``; both are made if they are not there."""
    project = projects.by_slug(FIRST_PROJECT) or projects.create(FIRST_PROJECT, "Demo")
    active = (key for key in projects.keys(project.id) if key.active)
    return next(active, None) or projects.create_key(project.id, "made by cairn local")


def run_local(local: LocalCairn, verbose: bool) -> None:
    """Run until Ctrl-C or SIGTERM, telling of each crash that is accepted. A second Ctrl-C kills.

    Raises ``LocalError`` when it cannot start, or when the emulator ends by itself.
    """
    say = local.report
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with local as cairn:
            welcome(cairn, say)
            follow(cairn.emulator, verbose, say)
            say("stopping (Ctrl-C again kills)")
        say(f"stopped; the state is in {cairn.state.root}")
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def welcome(cairn: LocalCairn, say: Report) -> None:
    """Say where crashes go, ready to paste."""
    say(f"Cairn runs at {cairn.url}")
    say("")
    say(f"  DSN       {cairn.dsn}")
    say(f"  minidumps {cairn.minidump_url}")
    say("")
    say(f"  curl -F upload_file_minidump=@crash.dmp '{cairn.minidump_url}'")
    say("")
    if cairn.large_door:
        say("  for requests of up to 20 MB:")
        say(f"  DSN       {dsn(cairn.large_door.url, cairn.key)}")
        say(f"  curl -F upload_file_minidump=@crash.dmp '{cairn.large_minidump_url}'")
        say("")
    say(f"  state     {cairn.state.root}")
    if cairn.state != State.at(None):
        say(f"  so that other commands find it: export CAIRN_STATE={shlex.quote(str(cairn.state.root))}")
    say("  Ctrl-C stops it.")


def follow(emulator: Emulator, verbose: bool, say: Report) -> None:
    """Say what happens until interrupted. Raises ``LocalError`` (``emulator_failed``) if the emulator ends."""
    emulator.follow = True
    try:
        while (event := emulator.events.get()) is not None:
            if line := told(event, verbose):
                say(line)
    except KeyboardInterrupt:
        return
    raise LocalError(
        "emulator_failed", f"The emulator ended by itself. The end of {emulator.state.log}:\n{emulator.log_tail()}"
    )


def told(event: dict[str, Any], verbose: bool) -> str | None:
    """The line for an event of the emulator: what was sent and what failed always, the rest when ``verbose``."""
    if event["event"] == "request" and (verbose or event["method"] == "POST" or event["status"] >= 400):
        size = f"{event['size'] / 1024:.0f} KB"
        return f"{event['status']} {event['method']} {event['path']}  {size}, {event['seconds'] * 1000:.0f} ms"
    if event["event"] == "log" and (verbose or event["failed"]):
        lines = [line for line in event["text"].splitlines() if not line.startswith(METRIC)]
        return "\n".join(f"  {_short(event['function'])}: {line}" for line in lines)
    return None


def _short(function: str) -> str:
    """``Cairn-IngestFunction7FD6BA1A-853CA2734AF28`` as ``Ingest``: the name that CDK was given."""
    return re.sub(r"^Cairn-(\w+?)(Function)?[0-9A-F]{8}-\w+$", r"\1", function)
