"""A file from an HTTP symbol server, written to the disk as it is sent."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from cairn.servers.addresses import Network, Resolve, addresses_of
from cairn.servers.connection import asked, port_of
from cairn.servers.limits import Limits
from cairn.symbols.sources.credentials import AuthHeader
from cairn.symbols.sources.records import FetchError, FetchStatus

PIECE = 256 * 1024
REDIRECTS = {301, 302, 303, 307, 308}
STATUSES = {
    401: FetchStatus.FORBIDDEN,
    403: FetchStatus.FORBIDDEN,
    404: FetchStatus.MISSING,
    410: FetchStatus.MISSING,
    408: FetchStatus.TIMED_OUT,
    504: FetchStatus.TIMED_OUT,
}
"""What other answers than a file mean; those that are not here are failures."""

ENCODINGS = {"", "identity", "gzip", "x-gzip", "zstd"}
"""Content codings whose bodies say themselves how they are packed."""


class HttpServers:
    """HTTP symbol servers.

    ``near`` are networks that are not public and that a server may be in all the same: none for a deployment. They
    count for the address that a person gave, and not for where a redirect leads. ``limits`` are those of one file.
    """

    def __init__(
        self, limits: Limits | None = None, near: Sequence[Network] = (), resolve: Resolve = socket.getaddrinfo
    ) -> None:
        self.limits = limits or Limits()
        self._near = tuple(near)
        self._resolve = resolve

    def download(
        self, address: str, path: Path, seconds: float | None = None, header: AuthHeader | None = None
    ) -> None:
        """Write the file at ``address`` to ``path`` as it is sent, packed or not. ``seconds`` shortens the time that it
        may take. ``header`` is shown to the server at this address alone: a redirect to another takes it away.

        Raises ``FetchError``; what is at ``path`` is no use then.
        """
        deadline = time.monotonic() + min(self.limits.seconds, seconds or self.limits.seconds)
        try:
            self._follow(_parsed(address), path, deadline, header)
        except FetchError as error:
            if header is None:
                raise
            raise FetchError(error.status, header.hidden_in(str(error))) from None

    def _follow(self, given: SplitResult, path: Path, deadline: float, header: AuthHeader | None) -> None:
        """Ask at the address that was given, and where redirects lead from there."""
        url, shown = given, header
        for _ in range(self.limits.redirects + 1):
            is_given = _origin(url) == _origin(given)
            addresses = addresses_of(url.hostname or "", port_of(url), self._near if is_given else (), self._resolve)
            shown = shown if is_given else None  # and is not shown again, wherever the next redirect leads
            with asked(url, addresses, self.limits, deadline, _safely(shown, url, addresses)) as answer:
                if answer.status not in REDIRECTS:
                    self._receive(answer, path, _explained(answer.status, header, shown))
                    return
                url = _next(url, answer)
        raise FetchError(FetchStatus.FAILED, f"more than {self.limits.redirects} redirects")

    def _receive(self, answer: http.client.HTTPResponse, path: Path, explained: str) -> None:
        if answer.status != 200:
            status = STATUSES.get(answer.status, FetchStatus.FAILED)
            raise FetchError(status, f"the server answers {answer.status} {answer.reason[:100]}{explained}")
        if (coding := answer.headers.get("Content-Encoding", "").strip().lower()) not in ENCODINGS:
            raise FetchError(FetchStatus.MALFORMED, f"the server packs the file in a way not asked for: {coding[:40]}")
        expected = answer.length
        self._check(expected or 0)
        size = 0
        with path.open("wb") as file:
            while piece := answer.read1(PIECE):
                size += len(piece)
                self._check(size)
                file.write(piece)
        if expected is not None and size != expected:
            raise FetchError(FetchStatus.FAILED, f"the answer ends after {size} of {expected} bytes")

    def _check(self, size: int) -> None:
        if size > self.limits.size:
            raise FetchError(FetchStatus.TOO_LARGE, f"it has more than {self.limits.size} bytes")


def _safely(header: AuthHeader | None, url: SplitResult, addresses: Sequence[str]) -> dict[str, str]:
    """The header to send, if there is one and nobody on the way can read it."""
    if header is None:
        return {}
    if url.scheme != "https" and not all(ip_address(address).is_loopback for address in addresses):
        raise FetchError(FetchStatus.REFUSED, "credentials are sent over https only")
    return {header.name: header.value}


def _explained(status: int, header: AuthHeader | None, shown: AuthHeader | None) -> str:
    """What a 401 means for whoever looks after the source."""
    if status != 401:
        return ""
    if header is None:
        return ": it wants credentials, which `cairn sources update` gives to a source"
    if shown is None:
        return ", where a redirect leads: the source's credentials are for its own address and are not sent there"
    return ": it does not take the credentials of this source, which `cairn sources update` changes"


def _parsed(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        port_of(url)
    except ValueError as error:
        raise FetchError(FetchStatus.FAILED, f"the address makes no sense: {error}") from error
    if url.scheme not in ("http", "https") or not url.hostname or url.username is not None:
        raise FetchError(FetchStatus.REFUSED, "only http:// and https:// addresses without user names are asked")
    return url


def _next(url: SplitResult, answer: http.client.HTTPResponse) -> SplitResult:
    """Where a redirect leads. From https it must not lead back to http."""
    target = _parsed(urljoin(url.geturl(), answer.headers.get("Location", "")))
    if url.scheme == "https" and target.scheme != "https":
        raise FetchError(FetchStatus.REFUSED, "a redirect leads from https to http")
    return target


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, port_of(url)
