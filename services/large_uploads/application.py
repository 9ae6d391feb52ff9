"""ASGI to ``accept``: a body goes to a file as it comes, and a thread takes the crash out of it.

A request whose head is refused gets its answer before its body is read.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import RawIOBase
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from cairn.intake.errors import IntakeError, StoringFailedError
from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response, refused
from services.large_uploads.places import Places
from services.large_uploads.receiving import (
    ClientGoneError,
    Message,
    Patience,
    Receive,
    check_size,
    drain,
    receive_body,
)

HEALTH = re.compile("/+api/+relay/+healthcheck/+live/*")
"""Where Relay says that it is alive. Asking costs nothing and needs no place."""
HEALTHY = Response(200, {"content-type": "application/json"}, b'{"is_healthy": true}')

THREADS = 2
"""Crashes that are taken apart and stored at a time. A quarter of a processor does no more with four, and each may need
100 MB: 32 MiB of parts on their way to S3, or a window of zstd."""
PLACES = 32
"""Requests that are taken at a time, most of them still coming: each is a file of up to 20 MiB."""
PIECE = re.compile("/+api/+[^/]+/+upload/+[^/]+/*")
"""Where sentry-native sends a whole attachment of up to 1 GiB in one PATCH."""
PIECES = 2
"""Such requests that are taken at a time: each is a file of up to 1 GiB, and another once it is taken apart."""
PIECES_WAITING = 8
"""Such requests that wait."""
WAITING = 64
"""Requests that wait for a place; the server keeps some hundred KiB of each."""
PATIENCE = 20.0
"""Seconds that a request waits for a place. Crashpad gives up after 60, sending included."""

Send = Callable[[Message], Awaitable[None]]
Accept = Callable[[Request], Response]
Refuse = Callable[[Request], Response | None]
Told = Callable[[str, str, Response, int, float], None]
"""Is told method, path, response, bytes of the body, and seconds of each answer."""


class LargeUploads:
    """The ASGI application. ``accept`` answers a request, in a thread; ``tell`` is called in the loop.

    ``refuse`` is asked first, in a thread, of a request whose body is still to come: it answers one that is refused
    whatever its body is. ``ready`` is called in a thread before the first request is taken.
    """

    def __init__(
        self,
        accept: Accept,
        tell: Told,
        limits: Limits,
        *,
        refuse: Refuse = lambda _: None,
        ready: Callable[[], object] = lambda: None,
        patience: Patience | None = None,
        places: Places | None = None,
    ) -> None:
        self._accept = accept
        self._tell = tell
        self._limits = limits
        self._refuse = refuse
        self._ready = ready
        self._patience = patience or Patience()
        self._places = places or Places(PLACES, WAITING, PATIENCE)
        self._piece_places = Places(PIECES, PIECES_WAITING, PATIENCE)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="accept")
        self._look_ups = ThreadPoolExecutor(THREADS, thread_name_prefix="refuse")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request of the HTTP scope; a websocket is closed."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif HEALTH.fullmatch(scope["path"]):
            await respond(HEALTHY, scope["method"], send)
        else:
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.to_thread(self._ready)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        with TemporaryFile(buffering=0) as body:
            try:
                response, whole = await self._answer(scope, receive, body)
            except ClientGoneError:
                return
            except Exception as error:
                response, whole = refused(as_intake_error(error)), False
            self._tell(method, path, response, os.fstat(body.fileno()).st_size, time.monotonic() - started)
        await respond(response, method, send, whole=whole)
        if not whole:
            await drain(receive, self._patience)
            await send({"type": "http.response.body"})

    async def _answer(self, scope: Message, receive: Receive, body: RawIOBase) -> tuple[Response, bool]:
        """The response to a request, and whether that was received whole. Raises an ``IntakeError`` before that."""
        headers = joined(scope["headers"])
        is_piece = scope["method"] == "PATCH" and PIECE.fullmatch(scope["path"])
        limits = replace(self._limits, compressed_body=self._limits.tus) if is_piece else self._limits
        in_thread = asyncio.get_running_loop().run_in_executor
        request = request_of(scope, headers, body)
        async with (self._piece_places if is_piece else self._places).place():
            if has_body(headers) and (response := await in_thread(self._look_ups, self._refuse, request)):
                return response, False
            check_size(declared_size(headers), limits)
            await receive_body(receive, body, limits, self._patience)
            body.seek(0)
            return await in_thread(self._threads, self._accept, request), True


def as_intake_error(error: Exception) -> IntakeError:
    """The error that is answered: whatever is none of intake's is a fault of the server, a full disk for instance."""
    if isinstance(error, IntakeError):
        return error
    failure = StoringFailedError("the server could not take the crash just now: send it again later")
    failure.__cause__ = error
    return failure


def request_of(scope: Message, headers: Mapping[str, str], body: RawIOBase) -> Request:
    """The request of a scope; its body is what was received."""
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=cast(BinaryIO, body),
    )


def joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name, repeated ones joined by a comma as API Gateway does."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def declared_size(headers: Mapping[str, str]) -> int:
    """The bytes that a client says it sends; 0 when it does not say. The server has checked that it is a number."""
    return int(headers.get("content-length", "0"))


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether something follows the head."""
    return declared_size(headers) > 0 or "transfer-encoding" in headers


async def respond(response: Response, method: str, send: Send, *, whole: bool = True) -> None:
    """Send a response, to a request that was received ``whole`` or not.

    If not, the response is not ended here: the server would close the connection, and a client that still sends would
    not see the answer.
    """
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    if not whole:
        headers.append((b"connection", b"close"))
    body = b"" if method == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": not whole})
