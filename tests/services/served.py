"""The server for large uploads as it serves, on a socket of this machine, with a store that is made of fakes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from cairn.intake.errors import IntakeError
from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.pipeline.accepting.accept import accept, refused_by_head
from cairn.pipeline.accepting.intake_stores import Stores
from services.large_uploads.application import LargeUploads
from services.large_uploads.places import Places
from services.large_uploads.receiving import Patience
from tests.intake.clients import NEW_ID, NOW, KeptNotes, KeptUploads, OneProject


@dataclass
class Served:
    """A running server: where it listens, what it kept, and what it told of its answers."""

    port: int = 0
    uploads: KeptUploads = field(default_factory=KeptUploads)
    told: list[tuple[str, str, int, int]] = field(default_factory=list)
    errors: list[IntakeError] = field(default_factory=list)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released for each request that a thread begins with."""
    go: threading.Event = field(default_factory=threading.Event)
    """Threads wait for it."""
    failure: Exception | None = None
    """Is raised by what takes requests."""
    stop: Callable[[], object] = lambda: None
    """Begins the orderly stop, as SIGTERM does."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, content: bytes) -> Reply:
        """Send all of it on a new connection, and read the answer."""
        with self.connect() as connection:
            connection.sendall(content)
            return read_reply(connection)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


def read_reply(connection: socket.socket) -> Reply:
    """The answer, without those that only say to go on."""
    with connection.makefile("rb") as stream:
        return reply_of(stream)


def reply_of(stream: BinaryIO) -> Reply:
    line = stream.readline()
    assert line, "the server hung up"
    status = int(line.split()[1])
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    if status == 100:
        return reply_of(stream)
    return Reply(status, headers, stream.read(int(headers.get("content-length", "0"))))


@contextmanager
def served(
    limits: Limits | None = None,
    patience: Patience | None = None,
    places: Places | None = None,
    *,
    held: bool = False,
    idle: float = 20.0,
) -> Iterator[Served]:
    """A server, while the context is open; with ``held``, threads wait for ``go``."""
    limits = limits or Limits()
    door = Served()
    if not held:
        door.go.set()

    def take(request: Request) -> Response:
        door.asked.release()
        assert door.go.wait(20)
        if door.failure:
            raise door.failure
        stores = Stores(OneProject(), door.uploads, KeptNotes())
        return accept(request, stores, limits, lambda: NOW, lambda: NEW_ID)

    def tell(method: str, path: str, response: Response, size: int, _seconds: float) -> None:
        door.told.append((method, path, response.status, size))
        if response.error:
            door.errors.append(response.error)

    def refuse(request: Request) -> Response | None:
        return refused_by_head(request, OneProject())

    application = LargeUploads(take, tell, limits, refuse=refuse, patience=patience, places=places)
    listener = socket.create_server(("127.0.0.1", 0))
    door.port = listener.getsockname()[1]
    thread = threading.Thread(target=run, args=(application, door, listener.detach(), idle))
    thread.start()
    try:
        yield door
    finally:
        door.go.set()
        door.stop()
        thread.join(30)
        assert not thread.is_alive()


def run(application: LargeUploads, door: Served, descriptor: int, idle: float) -> None:
    asyncio.run(serve_until_stopped(application, door, descriptor, idle))
    door.stopped.set()


async def serve_until_stopped(application: LargeUploads, door: Served, descriptor: int, idle: float) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    door.stop = lambda: None if loop.is_closed() else loop.call_soon_threadsafe(stop.set)
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.max_app_queue_size = 2
    config.keep_alive_timeout = idle
    config.graceful_timeout = 20
    config.include_server_header = False
    config.loglevel = "WARNING"
    await serve(cast(Any, application), config, shutdown_trigger=stop.wait)
