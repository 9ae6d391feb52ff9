"""One HTTP request to an address that was checked, with a limit on the whole of its time.

``http.client`` and not a larger library: the socket must go to the very address that was checked, and be ended from
outside when time is up, however slowly a server sends its headers. docs/decisions/008-symbol-servers.md has more.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from urllib.parse import SplitResult

from cairn.servers.limits import Limits
from cairn.symbols.sources.records import FetchError, FetchStatus

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
    watch = _Watch(deadline)
    with watch:
        try:
            connection = _connected(url, addresses, limits, watch)
            with closing(connection):
                connection.request("GET", _target(url), headers={**HEADERS, **headers})
                with closing(connection.getresponse()) as answer:
                    yield answer
        except FetchError as error:
            if watch.is_over and error.status is FetchStatus.FAILED:
                raise _too_slow(url) from error  # the answer was ended from here
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _as_fetch_error(error, url, watch) from error
        if watch.is_over:
            raise _too_slow(url)


def port_of(url: SplitResult) -> int:
    """The port of an address of HTTP."""
    return url.port or (443 if url.scheme == "https" else 80)


class _Watch:
    """Ends a socket when time is up: a call that waits on it comes back at once."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(self.left, self._end)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.left == 0

    def over(self, watched: socket.socket) -> None:
        """Watch a socket, in place of the one before."""
        self._socket = watched
        if self.is_over:
            self._end()

    def _end(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # not the method of an ssl.SSLSocket, which another thread may be in
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _connected(url: SplitResult, addresses: Sequence[str], limits: Limits, watch: _Watch) -> http.client.HTTPConnection:
    """A connection to the first address that takes the call."""
    host, port = url.hostname or "", port_of(url)
    connection = http.client.HTTPConnection(host, port)
    plain = _first_open(addresses, port, limits, watch)
    try:
        plain.settimeout(limits.silence)
        watch.over(plain)
        connection.sock = _tls().wrap_socket(plain, server_hostname=host) if url.scheme == "https" else plain
    except BaseException:
        plain.close()
        raise
    watch.over(connection.sock)
    if url.scheme == "https":
        connection.default_port = 443  # so that the Host header has no port
    return connection


def _first_open(addresses: Sequence[str], port: int, limits: Limits, watch: _Watch) -> socket.socket:
    error: OSError | None = None
    for address in addresses:
        if watch.is_over:
            break
        try:
            return socket.create_connection((address, port), min(limits.connect, watch.left))
        except OSError as failed:
            error = failed
    raise error or TimeoutError("no time is left")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _target(url: SplitResult) -> str:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if len(target) > LONGEST_TARGET:
        raise FetchError(FetchStatus.FAILED, "the address is too long to be asked for")
    return target


def _as_fetch_error(error: Exception, url: SplitResult, watch: _Watch) -> FetchError:
    if watch.is_over or isinstance(error, TimeoutError):
        return _too_slow(url)
    if isinstance(error, ssl.SSLError):
        return FetchError(FetchStatus.FAILED, f"no safe connection to {url.hostname}: {error}")
    return FetchError(
        FetchStatus.FAILED, f"{url.hostname} did not answer as it should: {str(error) or type(error).__name__}"
    )


def _too_slow(url: SplitResult) -> FetchError:
    return FetchError(FetchStatus.TIMED_OUT, f"{url.hostname} took too long")
