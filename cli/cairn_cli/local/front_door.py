"""What stands before the emulated HTTP API: the limits, error shapes and event fields of the real API Gateway.

The emulator hands everything to a function. AWS does not, and a client should meet the same door in both places:

- request line and headers together at most 10,240 bytes, else 431;
- a body of at most 10 MB, and an event (with the body as base64) of at most 6 MB, else 413;
- an answer within 30 s, else 503; a function that fails answers 500 and never says why;
- an answer of at most 6 MB, else 500;
- cookies in their own list, repeated headers joined by a comma.

Sources: the API Gateway quotas for HTTP APIs and the Lambda payload format 2.0.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

MAX_HEADERS = 10_240
MAX_BODY = 10 * 1024 * 1024
MAX_EVENT = 6_291_556
EVENT_OVERHEAD = 2048
"""Bytes of an event beside body and headers: request context, parameters, punctuation."""
INTEGRATION_TIMEOUT = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Reply = tuple[int, dict[str, Any], bytes]

log = logging.getLogger("cairn.front_door")

REFUSALS = {
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def refusal(status: int) -> Reply:
    """The answer that API Gateway gives by itself."""
    return status, {"content-type": "application/json"}, json.dumps({"message": REFUSALS[status]}).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as the integration needs it. ``path`` is as it was sent, with its escapes; ``headers`` have
    lower-case names and joined values."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


Integration = Callable[[Request], Awaitable[Reply]]
"""Answers a request, as ``cairn_cli.local.integration`` does by the emulated functions."""


class FrontDoor:
    """An ASGI application that lets through what API Gateway lets through.

    ``integration`` answers a request, ``at_once`` of them at a time while others wait; ``report`` is told method,
    path, status, body size and seconds of each.
    """

    def __init__(
        self,
        integration: Integration,
        report: Callable[[str, str, int, int, float], None] = lambda *_: None,
        timeout: float = INTEGRATION_TIMEOUT,
        at_once: int = 4,
    ) -> None:
        self.integration = integration
        self.report = report
        self.timeout = timeout
        self._places = asyncio.Semaphore(at_once)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request of the HTTP scope; every other scope is closed."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        started = time.monotonic()
        try:
            body = await read_body(receive)
        except ClientGoneError:
            return
        status, headers, content = await self._answer(scope, body)
        self.report(scope["method"], scope["path"], status, len(body or b""), time.monotonic() - started)
        await send({"type": "http.response.start", "status": status, "headers": list(_raw_headers(headers, content))})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    async def _answer(self, scope: Message, body: bytes | None) -> Reply:
        if _header_size(scope) > MAX_HEADERS:
            return refusal(431)
        headers = join_headers(scope["headers"])
        if body is None or event_size(headers, body) > MAX_EVENT:
            return refusal(413)
        headers |= _forwarded(scope)
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], scope["raw_path"].decode("latin-1"), query, headers, body)
        try:
            async with self._places:
                reply = await asyncio.wait_for(self.integration(request), self.timeout)
        except TimeoutError:
            return refusal(503)
        except Exception:
            log.exception("the integration failed")
            return refusal(500)
        return reply if len(reply[2]) <= MAX_EVENT else refusal(500)


class ClientGoneError(Exception):
    """The client hung up before its body was complete."""


async def read_body(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` if it is larger than API Gateway takes.

    What is too much is read and dropped: a client that is cut off while it sends would never see the answer.
    Raises ``ClientGoneError`` if the body breaks off.
    """
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            parts.clear()
        else:
            parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts) if size <= MAX_BODY else None


def join_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; repeated ones joined with a comma, cookies with a semicolon (RFC 6265)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ","
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    return headers


def event_size(headers: dict[str, str], body: bytes) -> int:
    """Bytes of the event that carries a request to a function. Text goes as it is, everything else as base64."""
    text = headers.get("content-type", "").startswith(("text/", "application/json", "application/xml"))
    carried = len(body) if text else (len(body) + 2) // 3 * 4
    return carried + EVENT_OVERHEAD + sum(len(name) + len(value) for name, value in headers.items())


def _header_size(scope: Message) -> int:
    line = len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"]) + len("  HTTP/1.1?\r\n")
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


def _forwarded(scope: Message) -> dict[str, str]:
    host, port = scope["server"][:2]
    client = (scope.get("client") or (host,))[0]
    return {"x-forwarded-for": client, "x-forwarded-port": str(port), "x-forwarded-proto": "http"}


def _raw_headers(headers: dict[str, Any], content: bytes) -> Iterable[tuple[bytes, bytes]]:
    for name, values in headers.items():
        if name.lower() != "content-length":
            for value in values if isinstance(values, list) else [values]:
                yield name.lower().encode("latin-1"), str(value).encode("latin-1")
    yield b"content-length", str(len(content)).encode()
