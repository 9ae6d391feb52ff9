"""The emulator as seen from outside: start it, wait until it answers, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, cast

from cairn_cli.local.state import LocalError, State

START_LIMIT = 60.0
STOP_LIMIT = 20.0
MODULE = "cairn_cli.local.launcher"
PACKAGES = Path(__file__).parents[2]
"""The folder from which this package was imported: the child must find it too."""


def listen(port: int, option: str = "--port") -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises ``LocalError`` (``port_taken``), which names the
    option that chooses another."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LocalError(
            "port_taken",
            f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}. Choose another one with {option}.",
        ) from error
    return listener


class Emulator:
    """The process that holds a state, its emulated AWS and its front door.

    Made by ``Emulator.start``. ``endpoint_url`` is the AWS API, ``url`` the front door. While ``follow`` is set, the
    requests that the front door answers come in ``events``; ``None`` there means that the process has ended.
    """

    def __init__(self, state: State, process: subprocess.Popen[bytes], endpoint_url: str, url: str) -> None:
        self.follow = False
        self.state = state
        self.process = process
        self._input = cast("IO[bytes]", process.stdin)
        self._output = cast("IO[bytes]", process.stdout)
        self.endpoint_url = endpoint_url
        self.url = url
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.saves: queue.Queue[bool] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @classmethod
    def start(cls, state: State, port: int = 8000) -> Emulator:
        """Start on ``state`` with the front door at ``port`` and return when both answer.

        Raises ``LocalError``: ``already_running``, ``port_taken``, or ``emulator_failed`` with the end of its log.
        """
        state.create()
        with contextlib.ExitStack() as stack:
            lock = state.acquire()
            stack.callback(os.close, lock)
            front = stack.enter_context(listen(port))
            api = stack.enter_context(_usual_socket(state.root / "emulator.port"))
            process = _spawn(state, (api, front), lock)
            urls = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in (api, front)]
        emulator = cls(state, process, *urls)
        emulator._wait_until_ready()
        return emulator

    def work(self) -> None:
        """Let functions take messages from queues, those of the last run first. Call it when the stack is deployed."""
        with contextlib.suppress(OSError):
            self._tell(b"work\n")

    def save(self) -> None:
        """Have everything written, and wait for it. Raises ``LocalError`` (``emulator_failed``)."""
        try:
            self._tell(b"save\n")
            saved = self.saves.get(timeout=START_LIMIT)
        except (OSError, queue.Empty):
            saved = False
        if not saved:
            raise LocalError("emulator_failed", f"The state could not be saved. See {self.state.log}.")

    def stop(self, limit: float = STOP_LIMIT) -> None:
        """Let it save and end; kill what is still there after ``limit`` seconds. Does nothing a second time."""
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.join(1)

    def kill(self) -> None:
        """End it and all its functions at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            self._input.close()

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event to those that are followed, from what runs beside it."""
        if self.follow:
            self.events.put(event)

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log."""
        try:
            text = self.state.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _tell(self, command: bytes) -> None:
        self._input.write(command)
        self._input.flush()

    def _wait_until_ready(self) -> None:
        try:
            event = self.events.get(timeout=START_LIMIT)
        except queue.Empty:
            event = None
        if event is None or event["event"] != "ready":
            self.kill()
            raise LocalError(
                "emulator_failed", f"The emulator did not start. The end of {self.state.log}:\n{self.log_tail()}"
            )

    def _listen(self) -> None:
        with self._output:
            for line in self._output:
                event = json.loads(line)
                if event["event"] == "saved":
                    self.saves.put(event["done"])
                elif event["event"] == "ready" or self.follow:
                    self.events.put(event)
        self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.saves.put(False)
        self.events.put(None)


def _usual_socket(memory: Path) -> socket.socket:
    """A socket on the port of last time if that is free: queue URLs carry it."""
    try:
        listener = listen(int(memory.read_text()))
    except (OSError, ValueError, LocalError):
        listener = listen(0)
    memory.write_text(str(listener.getsockname()[1]))
    return listener


def _spawn(state: State, listeners: tuple[socket.socket, socket.socket], lock: int) -> subprocess.Popen[bytes]:
    descriptors = [listener.fileno() for listener in listeners]
    with state.log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", MODULE, str(state.root), *map(str, descriptors)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={"PYTHONPATH": str(PACKAGES), "PATH": os.environ.get("PATH", os.defpath)},
            pass_fds=(*descriptors, lock),
            start_new_session=True,
        )
