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
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack.app import app as emulator

from cairn.web.access import hide_token
from cairn_cli.local.front_door import FrontDoor
from cairn_cli.local.integration import QueueWork, behave_as_aws, call_function, tell_logs
from cairn_cli.local.snapshots import Snapshots

LARGEST_HEADER = 65_536
"""Beyond this the server refuses by itself, with an empty 431."""


async def serve(marker: Path, emulator_fd: int, front_fd: int) -> None:
    """Serve AWS's API and the front door on two listening sockets until told to stop, then write everything.

    ``marker`` is the file of ``Snapshots``.
    """
    snapshots = Snapshots(marker)
    queue_work = QueueWork()

    def work() -> None:
        snapshots.recover()
        queue_work.begin()

    async def save() -> None:
        say("saved", done=await snapshots.save(everything=True))

    stop = _obey_parent({b"work": work, b"save": lambda: _in_background(save())})

    async def stopped() -> None:
        await stop.wait()
        snapshots.stopping = time.time()

    keeper = asyncio.create_task(snapshots.keep())
    application = _application(_port(front_fd), snapshots)
    await hypercorn_serve(application, _config(emulator_fd, front_fd), shutdown_trigger=stopped)
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


def _application(front_port: int, snapshots: Snapshots) -> Any:
    behave_as_aws()
    tell_logs(lambda function, text, failed: say("log", function=function, text=text, failed=failed))
    front_door = FrontDoor(call_function, _report, at_once=max(4, 2 * (os.cpu_count() or 1)))

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def send_and_tell(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                say("ready")

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
    say("request", method=method, path=hide_token(path), status=status, size=size, seconds=round(seconds, 3))


def _obey_parent(commands: Mapping[bytes, Callable[[], None]]) -> asyncio.Event:
    """Run the commands that come as lines on standard input. The event is set when it ends, or by a signal."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def read() -> None:
        lines = os.read(sys.stdin.fileno(), 4096)
        if not lines:
            loop.remove_reader(sys.stdin.fileno())
            stop.set()
        for line in lines.split():
            commands[line]()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_reader(sys.stdin.fileno(), read)
    return stop


_tasks: set[asyncio.Task[None]] = set()


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _port(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        return int(listener.getsockname()[1])
