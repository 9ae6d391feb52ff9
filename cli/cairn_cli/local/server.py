"""MiniStack behind the front door, with snapshots, in one process and one loop.

Imported only when the environment is the emulator's: MiniStack reads its settings when it is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack.app import app as emulator

from cairn_cli.local.front_door import FrontDoor
from cairn_cli.local.integration import behave_as_aws, call_function, tell_logs
from cairn_cli.local.snapshots import Snapshots, recover

LARGEST_HEADER = 65_536
"""Beyond this the server refuses by itself, with an empty 431."""


async def serve(marker: Path, emulator_fd: int, front_fd: int) -> None:
    """Serve AWS's API and the front door on two listening sockets until told to stop, then write everything.

    ``marker`` is the file of ``Snapshots``.
    """
    snapshots = Snapshots(marker)
    stop = _follow_parent(snapshots)

    def started() -> None:
        recover(marker)
        say("ready")

    keeper = asyncio.create_task(snapshots.keep())
    application = _application(_port(front_fd), snapshots, started)
    await hypercorn_serve(application, _config(emulator_fd, front_fd), shutdown_trigger=stop.wait)
    keeper.cancel()
    snapshots.finish()


def _config(*descriptors: int) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}" for descriptor in descriptors]
    config.h11_max_incomplete_size = LARGEST_HEADER
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    return config


def _application(front_port: int, snapshots: Snapshots, started: Callable[[], None]) -> Any:
    behave_as_aws()
    tell_logs(lambda function, text, failed: say("log", function=function, text=text, failed=failed))
    front_door = FrontDoor(call_function, _report)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def send_and_tell(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                started()

        if scope["type"] == "lifespan":
            await emulator(scope, receive, send_and_tell)
        elif scope["server"][1] == front_port:
            await front_door(scope, receive, send)
        else:
            await emulator(scope, receive, send)
            if scope["type"] == "http":
                snapshots.watch(scope)

    return application


def say(event: str, **fields: Any) -> None:
    """Tell the parent. It may be gone."""
    try:
        print(json.dumps({"event": event, **fields}), flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open to the end


def _report(method: str, path: str, status: int, size: int, seconds: float) -> None:
    say("request", method=method, path=path, status=status, size=size, seconds=round(seconds, 3))


def _follow_parent(snapshots: Snapshots) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    saving: set[asyncio.Task[None]] = set()

    async def save() -> None:
        say("saved", done=await snapshots.save(everything=True))

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop.set()
            return
        task = loop.create_task(save())
        saving.add(task)
        task.add_done_callback(saving.discard)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_reader(sys.stdin.fileno(), read)
    return stop


def _port(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        return int(listener.getsockname()[1])
