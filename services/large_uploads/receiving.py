"""The body of a request, from the socket to a file: bounded in size and in time, never whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from typing import Any

from cairn.intake.bodies import request_too_large
from cairn.intake.errors import RequestTimeoutError
from cairn.intake.limits import KIB, Limits

FORM = 16 * KIB
"""Room for the form around a dump that is just as large as a request may be: boundaries, headers, some fields."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGoneError(Exception):
    """The client hung up before its body was complete."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a body is waited for, in seconds and bytes a second.

    ``pause``: nothing came for so long. ``grace`` and ``rate``: the whole has so long, and a second for each ``rate``
    bytes that came. ``linger``: so long the rest of what is refused is read, since a client that is cut off while it
    sends does not see the answer.
    """

    pause: float = 20.0
    grace: float = 30.0
    rate: float = 8 * KIB
    linger: float = 30.0


async def receive_body(receive: Receive, file: RawIOBase, limits: Limits, patience: Patience) -> None:
    """Write the body to an unbuffered file.

    What came on the wire may have the size that ``limits`` give a compressed body, and the form around it. Raises
    ``RequestTooLargeError``, ``RequestTimeoutError`` or ``ClientGoneError``.
    """
    clock = asyncio.get_running_loop().time
    started, size, more = clock(), 0, True
    while more:
        left = patience.grace + size / patience.rate - (clock() - started)
        message = await in_time(receive, min(left, patience.pause))
        piece = message.get("body", b"")
        size += len(piece)
        check_size(size, limits)
        write_all(file, piece)
        more = message.get("more_body", False)


def write_all(file: RawIOBase, piece: bytes) -> None:
    """Write a piece, in several goes if need be: a disk that is nearly full takes a part first, and then fails."""
    while piece:
        piece = piece[file.write(piece) or 0 :]


def check_size(size: int, limits: Limits) -> None:
    """Pass a number of bytes on the wire that is within the limit. Raises ``RequestTooLargeError``."""
    if size > limits.compressed_body + FORM:
        raise request_too_large("the request", limits.compressed_body)


async def in_time(receive: Receive, seconds: float) -> Message:
    """The next message of a body."""
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError as error:
        raise RequestTimeoutError("the body came too slowly, or stopped coming: send it again") from error
    if message["type"] != "http.request":
        raise ClientGoneError
    return message


async def drain(receive: Receive, patience: Patience) -> None:
    """Read what is left of a body, for a while, and drop it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience.linger):
            while (await receive()).get("more_body", False):
                pass
