"""Files from HTTP servers: what comes, what does not, and that nothing takes longer or more than it may."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from cairn.servers.download import HttpServers
from cairn.servers.limits import Limits
from cairn.symbols.sources.credentials import AuthHeader, auth_header
from cairn.symbols.sources.records import CredentialKind, Credentials, FetchError, FetchStatus
from tests.servers.local import CERTIFICATE, NEAR, Answer, LocalServer, local_server, raw_server

LIMITS = Limits(seconds=10, silence=5, size=100_000, redirects=3)
HEADER = auth_header(Credentials(CredentialKind.BASIC, "Aladdin", 1.5), "open sesame")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server() as server:
        yield server


def fetched(address: str, tmp_path: Path, limits: Limits = LIMITS, header: AuthHeader | None = None) -> bytes:
    HttpServers(limits, NEAR).download(address, tmp_path / "body", header=header)
    return (tmp_path / "body").read_bytes()


def refused(
    address: str, tmp_path: Path, limits: Limits = LIMITS, header: AuthHeader | None = None, **more: Any
) -> FetchError:
    with pytest.raises(FetchError) as refusal:
        HttpServers(limits, **({"near": NEAR} | more)).download(address, tmp_path / "body", header=header)
    return refusal.value


def test_a_file_comes_as_it_is_sent(server: LocalServer, tmp_path: Path) -> None:
    server.files["/a b/game+.pdb"] = Answer(b"x" * 90_000, headers={"Content-Encoding": "gzip"})
    assert fetched(f"{server.url}/a%20b/game%2B.pdb", tmp_path) == b"x" * 90_000
    (headers,) = server.headers
    assert headers["Host"] == server.url.removeprefix("http://")
    assert headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, FetchStatus.MISSING),
        (410, FetchStatus.MISSING),
        (401, FetchStatus.FORBIDDEN),
        (403, FetchStatus.FORBIDDEN),
        (504, FetchStatus.TIMED_OUT),
        (500, FetchStatus.FAILED),
        (429, FetchStatus.FAILED),
        (204, FetchStatus.FAILED),
    ],
)
def test_other_answers_have_their_reasons(
    server: LocalServer, tmp_path: Path, status: int, outcome: FetchStatus
) -> None:
    server.files["/f"] = Answer(b"", status)
    error = refused(f"{server.url}/f", tmp_path)
    assert (error.status, str(status) in str(error)) == (outcome, True)


def test_what_is_announced_too_large_is_not_even_read(server: LocalServer, tmp_path: Path) -> None:
    server.files["/f"] = Answer(b"x" * 100_001)
    assert refused(f"{server.url}/f", tmp_path).status is FetchStatus.TOO_LARGE
    assert not (tmp_path / "body").exists()


def test_what_turns_out_too_large_is_given_up(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(10_000))

    with raw_server(talk) as url:
        assert refused(f"{url}/f", tmp_path).status is FetchStatus.TOO_LARGE
    assert (tmp_path / "body").stat().st_size <= LIMITS.size


def test_an_answer_that_breaks_off_is_no_file(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")

    with raw_server(talk) as url:
        error = refused(f"{url}/f", tmp_path)
    assert (error.status, "4 of 1000 bytes" in str(error)) == (FetchStatus.FAILED, True)


def test_a_chunked_answer_is_read_and_one_that_breaks_off_is_no_file(tmp_path: Path) -> None:
    ends = [b"5\r\nworld\r\n0\r\n\r\n", b"5\r\nwor"]

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n" + ends.pop(0))

    with raw_server(talk) as url:
        assert fetched(f"{url}/f", tmp_path) == b"hello world"
        assert refused(f"{url}/f", tmp_path).status is FetchStatus.FAILED


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["", "head", "body"]
)
def test_a_server_that_talks_slowly_is_ended_in_time(tmp_path: Path, start: bytes) -> None:
    """Each byte comes long before the silence is too long: only the limit on all of it ends this."""
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(start)
        while not over.wait(0.05):
            connection.sendall(b"x" if start else b"H")

    began = time.monotonic()
    with raw_server(talk) as url:
        error = refused(f"{url}/f", tmp_path, Limits(seconds=0.6, silence=5))
        over.set()
    assert error.status is FetchStatus.TIMED_OUT
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["interim answers", "trailers", "small chunks"],
)
def test_a_server_that_goes_on_and_on_is_ended_in_time(tmp_path: Path, start: bytes, again: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(start)
        while True:
            connection.sendall(again * 10)

    began = time.monotonic()
    with raw_server(talk) as url:
        error = refused(f"{url}/f", tmp_path, Limits(seconds=0.6, silence=5))
    assert error.status is FetchStatus.TIMED_OUT
    assert time.monotonic() - began < 4


def test_sizes_that_make_no_sense_are_no_file(tmp_path: Path) -> None:
    heads = [b"Content-Length: -5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\nwat\r\nhello"]
    heads.append(b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 70_000)

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + heads.pop(0))

    with raw_server(talk) as url:
        assert fetched(f"{url}/f", tmp_path) == b"hello", "as if it had said none"
        assert refused(f"{url}/f", tmp_path).status is FetchStatus.FAILED
        assert refused(f"{url}/f", tmp_path).status is FetchStatus.FAILED


def test_a_server_that_says_nothing_is_left(tmp_path: Path) -> None:
    over = threading.Event()

    def talk(_: socket.socket) -> None:
        over.wait(20)

    with raw_server(talk) as url:
        error = refused(f"{url}/f", tmp_path, Limits(silence=0.2))
        over.set()
    assert error.status is FetchStatus.TIMED_OUT


def test_where_nobody_listens_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refused(f"http://127.0.0.1:{taken.getsockname()[1]}/f", tmp_path)
    assert error.status is FetchStatus.FAILED


@pytest.mark.parametrize(
    "noise", [b"SSH-2.0-x\r\n", b"HTTP/1.1 wat\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500]
)
def test_what_is_no_http_is_a_failure(tmp_path: Path, noise: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(noise)

    with raw_server(talk) as url:
        assert refused(f"{url}/f", tmp_path).status is FetchStatus.FAILED


def test_https_wants_a_certificate(server: LocalServer, tmp_path: Path) -> None:
    error = refused(server.url.replace("http:", "https:"), tmp_path)
    assert (error.status, "no safe connection" in str(error)) == (FetchStatus.FAILED, True)


@pytest.fixture
def safe_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """One whose certificate is trusted."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    monkeypatch.setattr("cairn.servers.connection._tls", lambda: context)
    with local_server(CERTIFICATE) as server:
        yield server


def test_a_file_comes_over_https_and_credentials_go_there(safe_server: LocalServer, tmp_path: Path) -> None:
    safe_server.wants = {HEADER.name: HEADER.value}
    safe_server.files["/f"] = b"x" * 90_000
    assert fetched(f"{safe_server.url}/f", tmp_path, header=HEADER) == b"x" * 90_000
    (headers,) = safe_server.headers
    assert headers["Host"] == safe_server.url.removeprefix("https://")


def test_no_redirect_leads_from_https_to_http(
    server: LocalServer, safe_server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.servers.addresses.is_public", lambda _: True)
    safe_server.files["/f"] = Answer(b"", 302, {"Location": f"{server.url}/f"})
    error = refused(f"{safe_server.url}/f", tmp_path, header=HEADER)
    assert (error.status, "from https to http" in str(error)) == (FetchStatus.REFUSED, True)
    assert server.asked == []


@pytest.mark.parametrize("says", [b"", b"\x16\x03\x03\x40\x00"], ids=["nothing", "a byte at a time"])
def test_a_handshake_ends_in_time(tmp_path: Path, says: bytes) -> None:
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(says)
        while not over.wait(0.05):
            connection.sendall(b"\x02" if says else b"")

    began = time.monotonic()
    with raw_server(talk) as url:
        error = refused(f"{url.replace('http:', 'https:')}/f", tmp_path, Limits(seconds=0.6, silence=5))
        over.set()
    assert error.status is FetchStatus.TIMED_OUT
    assert time.monotonic() - began < 4


def test_redirects_are_followed_so_far(server: LocalServer, tmp_path: Path) -> None:
    server.files["/0"] = Answer(b"", 302, {"Location": "/1"})
    server.files["/1"] = Answer(b"", 307, {"Location": f"{server.url}/2?a=b"})
    server.files["/2?a=b"] = b"there"
    server.files["/round"] = Answer(b"", 301, {"Location": "/round"})
    assert fetched(f"{server.url}/0", tmp_path) == b"there"
    assert "redirects" in str(refused(f"{server.url}/round", tmp_path))
    assert server.asked.count("/round") == LIMITS.redirects + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x/", "http://me:too@x/", "//"])
def test_redirects_lead_to_http_only(server: LocalServer, tmp_path: Path, target: str) -> None:
    server.files["/f"] = Answer(b"", 302, {"Location": target})
    assert refused(f"{server.url}/f", tmp_path).status in (FetchStatus.REFUSED, FetchStatus.FAILED)
    assert not (tmp_path / "body").exists()


def test_a_private_server_is_shown_who_asks(server: LocalServer, tmp_path: Path) -> None:
    server.wants = {HEADER.name: HEADER.value}
    server.files["/0"] = Answer(b"", 302, {"Location": "/f"})
    server.files["/f"] = b"here"
    assert fetched(f"{server.url}/0", tmp_path, header=HEADER) == b"here"
    error = refused(f"{server.url}/f", tmp_path)
    assert (error.status, "it wants credentials" in str(error)) == (FetchStatus.FORBIDDEN, True)
    server.wants = {HEADER.name: "Basic other"}
    assert "does not take the credentials" in str(refused(f"{server.url}/f", tmp_path, header=HEADER))


def test_a_redirect_to_another_server_takes_no_credentials_along_nor_back(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.servers.addresses.is_public", lambda _: True)
    server.wants = {HEADER.name: HEADER.value}
    server.files["/back"] = b"secret"
    with local_server() as other:
        server.files["/f"] = Answer(b"", 302, {"Location": f"{other.url}/f"})
        other.files["/f"] = b"there"
        assert fetched(f"{server.url}/f", tmp_path, header=HEADER) == b"there"
        assert HEADER.name in server.headers[0] and HEADER.name not in other.headers[0]
        other.files["/f"] = Answer(b"", 302, {"Location": f"{server.url}/back"})
        assert "where a redirect leads" in str(refused(f"{server.url}/f", tmp_path, header=HEADER))
        assert HEADER.name not in server.headers[-1]


def test_credentials_are_sent_where_nobody_can_listen(server: LocalServer, tmp_path: Path) -> None:
    """A server of the local network over plain HTTP would be none, were that network near."""
    near = (*NEAR, ip_network("10.0.0.0/8"))

    def resolve(_host: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.1", "10.0.0.1")]

    port = server.url.rpartition(":")[2]
    error = refused(f"http://x.example:{port}/f", tmp_path, header=HEADER, near=near, resolve=resolve)
    assert (error.status, "over https only" in str(error)) == (FetchStatus.REFUSED, True)
    assert server.asked == []


@pytest.mark.parametrize(
    "echo",
    [
        "HTTP/1.1 401 {}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: {}\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://{}:x/\r\n\r\n",
        "{}\r\n\r\n",
    ],
    ids=["reason", "encoding", "location", "no HTTP"],
)
@pytest.mark.parametrize("part", [HEADER.value, HEADER.value.partition(" ")[2], HEADER.secret], ids="vps")
def test_a_server_that_repeats_the_secret_is_not_quoted(tmp_path: Path, echo: str, part: str) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(echo.format(part).encode())

    with raw_server(talk) as url:
        error = refused(f"{url}/f", tmp_path, header=HEADER)
    assert HEADER.secret not in str(error).lower() and "QWxh" not in str(error)
    assert error.__cause__ is None and error.__suppress_context__


def test_a_redirect_does_not_lead_inside(server: LocalServer, tmp_path: Path) -> None:
    """The name of the server is one that is outside, as far as it says; and what is near is near for it alone."""
    with local_server() as inside:
        inside.files["/secret"] = b"the keys"
        server.files["/f"] = Answer(b"", 302, {"Location": f"{inside.url}/secret"})
        error = refused(f"{server.url}/f", tmp_path)
        assert inside.asked == []
    assert (error.status, "no public address" in str(error)) == (FetchStatus.REFUSED, True)


def test_nothing_inside_is_asked_unless_it_is_said_to_be_near(server: LocalServer, tmp_path: Path) -> None:
    server.files["/f"] = b"here"
    assert refused(f"{server.url}/f", tmp_path, near=()).status is FetchStatus.REFUSED
    assert server.asked == []


def test_a_name_is_looked_up_once_and_its_address_is_called(server: LocalServer, tmp_path: Path) -> None:
    """A name that says another address the second time (DNS rebinding) gains nothing."""
    server.files["/f"] = b"here"
    answers = ["127.0.0.1", "169.254.169.254"]

    def resolve(_host: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
        return [(0, 0, 0, "", (answers.pop(0), port))]

    port = server.url.rpartition(":")[2]
    HttpServers(LIMITS, NEAR, resolve).download(f"http://symbols.example:{port}/f", tmp_path / "body")
    assert (tmp_path / "body").read_bytes() == b"here"
    assert server.headers[0]["Host"] == f"symbols.example:{port}"
    assert answers == ["169.254.169.254"]


def test_the_next_address_is_called_where_one_is_dead(server: LocalServer, tmp_path: Path) -> None:
    server.files["/f"] = b"here"

    def resolve(_host: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    port = server.url.rpartition(":")[2]
    HttpServers(LIMITS, NEAR, resolve).download(f"http://symbols.example:{port}/f", tmp_path / "body")
    assert (tmp_path / "body").read_bytes() == b"here"


def test_an_encoding_not_asked_for_is_not_taken(server: LocalServer, tmp_path: Path) -> None:
    server.files["/f"] = Answer(b"x", headers={"Content-Encoding": "br"})
    assert refused(f"{server.url}/f", tmp_path).status is FetchStatus.MALFORMED


@pytest.mark.parametrize("address", ["http://[::1/f", "http://x:99999/", "http://", "https://me@x/", "s3://bucket/f"])
def test_what_is_no_address_is_not_asked(tmp_path: Path, address: str) -> None:
    assert refused(address, tmp_path).status in (FetchStatus.FAILED, FetchStatus.REFUSED)
