"""The true sentry-cli, in its two living versions, run against a server of ours; and a proxy that spoils requests."""

from __future__ import annotations

import fcntl
import http.client
import re
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Spoil = Callable[[str, bytes], bytes]
"""Takes the path and the body of a POST, and gives the body to send on."""


@dataclass(frozen=True)
class Ran:
    """How a run of sentry-cli ended, and all it printed."""

    code: int
    output: str


@dataclass(frozen=True)
class SentryCli:
    """One version of sentry-cli, in a home of its own."""

    binary: Path
    home: Path

    def run(self, *arguments: str | Path, token: str | None = None, **environment: str) -> Ran:
        """Run it with nothing but a token, and variables such as ``SENTRY_URL``."""
        known = {
            "HOME": str(self.home),
            "NO_PROXY": "127.0.0.1",
            "RUST_BACKTRACE": "0",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
            "SENTRY_HTTP_MAX_RETRIES": "0",
            **({"SENTRY_AUTH_TOKEN": token} if token else {}),
            **environment,
        }
        done = subprocess.run(
            [self.binary, *arguments], env=known, cwd=self.home, capture_output=True, text=True, timeout=90, check=False
        )
        return Ran(done.returncode, COLOURS.sub("", done.stdout + done.stderr))


def sentry_cli_3() -> Path:
    """The version that the development environment has."""
    return SCRIPTS / "sentry-cli"


def sentry_cli_2() -> Path:
    """The one before, installed under ``build/`` when it is not there yet: both do not fit into one environment."""
    requirements = ROOT / "requirements/sentry-cli-2.txt"
    folder = ROOT / "build/sentry-cli-2"
    stamp = folder / "stamp"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != requirements.read_text():
            where = ["--python", sys.executable, "--target", folder]
            command = [SCRIPTS / "uv", "pip", "install", "--quiet", "--require-hashes", "-r", requirements, *where]
            subprocess.run(list(map(str, command)), check=True)
            stamp.write_text(requirements.read_text())
    return folder / "bin/sentry-cli"


@contextmanager
def spoiling_proxy(server: str, spoil: Spoil) -> Iterator[str]:
    """The URL of a proxy for ``server`` that lets ``spoil`` change the bodies of requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.forward(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.forward(spoil(self.path, body))

        def forward(self, body: bytes | None) -> None:
            connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        def log_message(self, *_: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
