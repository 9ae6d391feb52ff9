"""One HTTP request to an address that was checked, with a limit on the whole of its time.

``http.client`` and not a larger library: the socket must go to the very address that was checked, and end when time is
up, however slowly a server sends its headers, or how many of them. docs/decisions/008-symbol-servers.md has more.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from cairn.servers.limits import Limits
from cairn.symbols.sources.records import FetchError, FetchStatus

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

HEADERS = {"User-Agent": "Cairn", "Accept": "*/*", "Accept-Encoding": "gzip", "Connection": "close"}
LONGEST_TARGET = 8000


@contextmanager
def asked(
    url: SplitResult, addresses: Sequence[str], limits: Limits, deadline: float, headers: Mapping[str, str]
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a GET of ``url``, of whose host these are the addresses. ``deadline`` is on the monotonic clock.
    ``headers`` are sent beside Cairn's own.

    Raises ``FetchError``, also when reading the answer within the block fails: ``timed_out``, ``failed``.
    """
    clock = _Clock(deadline, limits.silence)
    try:
        with closing(_opened(url, addresses, limits, clock)) as opened:
            connection = http.client.HTTPConnection(url.hostname or "", port_of(url))
            connection.sock = _Line(opened, clock)
            if url.scheme == "https":
                connection.default_port = 443  # so that the Host header has no port
            connection.request("GET", _target(url), headers={**HEADERS, **headers})
            with closing(connection.getresponse()) as answer:
                yield answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _as_fetch_error(error, url) from error


def port_of(url: SplitResult) -> int:
    """The port of an address of HTTP."""
    return url.port or (443 if url.scheme == "https" else 80)


class _Clock:
    """What time is left, for all of it and for the next thing that a server does."""

    def __init__(self, deadline: float, silence: float) -> None:
        self._deadline = deadline
        self._silence = silence

    @property
    def left(self) -> float:
        """Seconds. Raises ``TimeoutError`` when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left")
        return left

    def set(self, watched: socket.socket) -> None:
        """Let the next call of a socket take no longer than it may."""
        watched.settimeout(min(self._silence, self.left))


class _Reads(io.RawIOBase):
    """What comes from a server. The clock is looked at for each piece: one that never pauses ends in time as well."""

    def __init__(self, opened: socket.socket, clock: _Clock) -> None:
        self._socket = opened
        self._clock = clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._clock.set(self._socket)
        return self._socket.recv_into(buffer)


class _Line:
    """A socket as ``http.client`` uses it. Who opened it closes it, which ``http.client`` would do too early."""

    def __init__(self, opened: socket.socket, clock: _Clock) -> None:
        self._socket = opened
        self._clock = clock

    def sendall(self, data: ReadableBuffer) -> None:
        self._clock.set(self._socket)
        self._socket.sendall(data)

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_Reads(self._socket, self._clock))

    def close(self) -> None:
        """Nothing."""


def _opened(url: SplitResult, addresses: Sequence[str], limits: Limits, clock: _Clock) -> socket.socket:
    """A line to the first address that takes the call, a safe one for https."""
    plain = _first_open(addresses, port_of(url), limits, clock)
    try:
        clock.set(plain)  # a handshake as a whole takes no longer than a piece may
        return _tls().wrap_socket(plain, server_hostname=url.hostname) if url.scheme == "https" else plain
    except BaseException:
        plain.close()
        raise


def _first_open(addresses: Sequence[str], port: int, limits: Limits, clock: _Clock) -> socket.socket:
    error: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), min(limits.connect, clock.left))
        except OSError as failed:
            error = failed
    raise error or TimeoutError("there is no address")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _target(url: SplitResult) -> str:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if len(target) > LONGEST_TARGET:
        raise FetchError(FetchStatus.FAILED, "the address is too long to be asked for")
    return target


def _as_fetch_error(error: Exception, url: SplitResult) -> FetchError:
    if isinstance(error, TimeoutError):
        return FetchError(FetchStatus.TIMED_OUT, f"{url.hostname} took too long")
    if isinstance(error, ssl.SSLError):
        return FetchError(FetchStatus.FAILED, f"no safe connection to {url.hostname}: {error}")
    return FetchError(
        FetchStatus.FAILED, f"{url.hostname} did not answer as it should: {str(error) or type(error).__name__}"
    )
