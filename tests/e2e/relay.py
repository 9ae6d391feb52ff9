"""A line between a client and a running Cairn that counts what goes over it, and can break."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cairn_cli.local.run import LocalCairn


@dataclass
class Line:
    """The line. Parts go through until ``parts_left`` is used up; then they hang until the line is opened, while
    ``stuck`` tells that one does."""

    cairn: LocalCairn
    parts_left: int = 1_000_000
    parts: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    failures: int = 0
    spoils: int = 0
    """Parts in which a bit is turned over."""
    stuck: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    @property
    def dsn(self) -> str:
        """The DSN of the first project, over this line."""
        return self.cairn.dsn.replace(self.cairn.url.partition("//")[2], self.url.partition("//")[2])

    def lets_through(self, number: int) -> bool:
        """Take note of a part; hang where the line is broken."""
        with self.lock:
            self.parts_left -= 1
            broken = self.parts_left < 0
            if not broken:
                self.parts.append(number)
        if broken:
            self.stuck.set()
            self.opened.wait(60)
        return not broken

    def fails(self) -> bool:
        """Whether this request is to be answered 503."""
        with self.lock:
            self.failures -= 1
            return self.failures >= 0

    def carried(self, body: bytes) -> bytes:
        """What arrives of a part."""
        with self.lock:
            self.spoils -= 1
            spoilt = self.spoils >= 0
        return body[:-1] + bytes([body[-1] ^ 1]) if spoilt else body


@contextmanager
def open_line(cairn: LocalCairn) -> Iterator[Line]:
    """A line to a running Cairn, both to its front door and to its S3."""
    line = Line(cairn)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            line.asked.append(self.path.partition("?")[0])
            self._forward(cairn.url)

        def do_PUT(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query)["partNumber"][0])
            if line.lets_through(number):
                self._forward(cairn.connection.endpoint_url)
            else:
                self.close_connection = True

        def _forward(self, to: str) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.command == "PUT":
                body = line.carried(body)
            if line.fails():
                self._answer(503, b"{}")
                return
            place = urlsplit(to).netloc
            connection = http.client.HTTPConnection(place, timeout=60)
            connection.request(self.command, self.path, body, {**self.headers, "Host": place})
            answer = connection.getresponse()
            content = answer.read().replace(cairn.connection.endpoint_url.encode(), line.url.encode())
            connection.close()
            self._answer(answer.status, content)

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        line.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            line.opened.set()
            server.shutdown()
            thread.join()
