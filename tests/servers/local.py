"""A real HTTP server on loopback for tests: paths to answers, and what was asked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CERTIFICATE = Path(__file__).parent / "certificate.pem"
"""One for 127.0.0.1, and its key, made with ``openssl req -x509`` for a hundred years."""

NEAR = (ip_network("127.0.0.0/8"),)
"""What lets a test call the server."""


@dataclass(frozen=True)
class Answer:
    """What the server says to a GET."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class LocalServer:
    """``files`` by their unescaped paths; anything else is a 404. ``asked`` are the paths that were. Who does not show
    the headers it ``wants`` gets a 401."""

    url: str
    files: dict[str, Answer | bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    wants: dict[str, str] = field(default_factory=dict)


@contextmanager
def local_server(certificate: Path | None = None) -> Iterator[LocalServer]:
    """A server that answers as long as the context is open; over https with a ``certificate``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            local.asked.append(path)
            local.headers.append(dict(self.headers.items()))
            found = local.files.get(path, Answer(b"no such file", 404))
            answer = Answer(found) if isinstance(found, bytes) else found
            if not local.wants.items() <= local.headers[-1].items():
                answer = Answer(b"who are you?", 401)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https" if certificate else "http"
        local = LocalServer(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield local
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def raw_server(talk: Callable[[Any], None]) -> Iterator[str]:
    """A server that does with each connection what ``talk`` does; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
