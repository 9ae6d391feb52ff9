"""The server of the ``large_uploads`` stack as a process of this machine, started as its container starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from typing import IO, Any, cast

from cairn_cli.local.emulator import PACKAGES, listen
from cairn_cli.local.state import Connection, LocalError, State, aws_session

MODULE = "services.large_uploads"
BUNDLES = ("layer-cairn", "service-large_uploads")
"""What the container fetches."""
HEALTH = "/api/relay/healthcheck/live/"
START_LIMIT = 60.0
STOP_LIMIT = 20.0

Tell = Callable[[dict[str, Any]], None]
"""Takes events of the kinds that the emulator has."""


class Service:
    """The running server. ``url`` is where it takes crashes. Made by ``Service.start``."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, tell: Tell) -> None:
        self.process = process
        self.url = url
        self._tell = tell
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @classmethod
    def start(cls, state: State, connection: Connection, bundles: str, port: int, tell: Tell) -> Service:
        """Start at ``port`` (0: any) against the Cairn of ``connection``, and return when it answers.

        ``bundles`` is what the addresses of the deployed bundles begin with. Raises ``LocalError``: ``port_taken`` or
        ``service_failed``.
        """
        with listen(port, "--large-uploads") as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            listener.set_inheritable(True)
            environment = task_environment(state, connection, bundles) | {"CAIRN_BIND": f"fd://{listener.fileno()}"}
            process = _spawn(state, environment, listener.fileno())
        service = cls(process, url, tell)
        service._wait_until_ready()
        return service

    def stop(self) -> None:
        """Let it finish what it has begun, and end; kill what is still there then. Does nothing a second time."""
        with contextlib.suppress(OSError):
            cast("IO[bytes]", self.process.stdin).close()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._listener.join(1)

    def _wait_until_ready(self) -> None:
        try:
            with urllib.request.urlopen(self.url + HEALTH, timeout=START_LIMIT):  # noqa: S310 - the URL is ours
                return
        except OSError as error:
            self.stop()
            said = "\n".join(self._said[-15:])
            raise LocalError("service_failed", f"The server for large uploads did not start:\n{said}") from error

    def _listen(self) -> None:
        with cast("IO[bytes]", self.process.stdout) as output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                self._said = [*self._said[-50:], line]
                self._tell(event_of(line))
        status = self.process.wait()
        self._tell(log_event(f"the server for large uploads has ended with status {status}", failed=True))


def event_of(line: str) -> dict[str, Any]:
    """The event that a line of the server's log is."""
    try:
        said = json.loads(line)
        level, message = said.get("level"), said.get("message")
    except (ValueError, AttributeError):
        return log_event(line, failed=True)
    if message == "answered":
        return {"event": "request"} | {name: said[name] for name in ("method", "path", "status", "size", "seconds")}
    return log_event(line, failed=level in ("ERROR", "CRITICAL"))


def log_event(text: str, failed: bool) -> dict[str, Any]:
    """A line of the log."""
    return {"event": "log", "function": "LargeUploads", "text": text, "failed": failed}


def task_environment(state: State, connection: Connection, bundles: str) -> dict[str, str]:
    """The container's environment: that of the ingest function, what ECS adds, and where the bundles are."""
    scratch = state.scratch / "large-uploads"
    scratch.mkdir(exist_ok=True)
    return {
        **ingest_environment(connection),
        "AWS_ENDPOINT_URL": connection.endpoint_url,
        "AWS_ACCESS_KEY_ID": connection.access_key_id,
        "AWS_SECRET_ACCESS_KEY": connection.secret_access_key,
        "AWS_DEFAULT_REGION": connection.region,
        "CAIRN_BUNDLES": " ".join(f"{bundles}{name}.zip" for name in BUNDLES),
        "CAIRN_SERVICE": MODULE,
        "TMPDIR": str(scratch),
    }


def ingest_environment(connection: Connection) -> Mapping[str, str]:
    """The variables of the deployed ingest function."""
    session = aws_session(connection)
    client: Any = session.create_client("lambda", endpoint_url=connection.endpoint_url)
    given = [function["Environment"]["Variables"] for function in client.list_functions()["Functions"]]
    found: Mapping[str, str] = next(one for one in given if one["POWERTOOLS_SERVICE_NAME"] == "ingest")
    return found


def _spawn(state: State, environment: Mapping[str, str], descriptor: int) -> subprocess.Popen[bytes]:
    from infra.bundling import ROOT

    start = (ROOT / "infra/task_start.py").read_text()
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "cairn_cli.local.tied", str(state.scratch / "runtime/python"), "-c", start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment, "PYTHONPATH": str(PACKAGES), "PATH": os.environ.get("PATH", os.defpath)},
        pass_fds=(descriptor,),
        start_new_session=True,
    )
