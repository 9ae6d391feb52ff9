"""Many clients at once, some of which are killed half way; and what became of all that they sent."""

from __future__ import annotations

import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import Uploads
from cairn.store.queues import Queue
from cairn_cli.local.run import LocalCairn
from cairn_cli.target import Target
from tests.crash.symbol_files import SAMPLE

ROOT = Path(__file__).parents[2]
PROJECT = 1


@dataclass(frozen=True)
class Answer:
    """What a client was told: the status (0: nothing), the event's id, and after how long."""

    status: int
    text: str
    milliseconds: float


class Crowd:
    """Client processes that post dumps; ``answers`` is what they were told so far."""

    def __init__(self, url: str, dump: Path) -> None:
        self.answers: list[Answer] = []
        self._url = url
        self._dump = dump
        self._running: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def start(self, clients: int, posts: int, rate: float = 0) -> None:
        """Start so many clients, which together post so much, ``rate`` a second in all (0: as fast as answered)."""
        new = [self._client(share, rate / clients) for share in shares(posts, clients)]
        for process, _ in new:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        self._running += new

    def kill(self, clients: int) -> None:
        """Kill some of the clients that are at work."""
        for process, _ in [one for one in self._running if one[0].poll() is None][:clients]:
            process.kill()

    def wait(self) -> None:
        """Return when all clients have ended, and all that they were told is in ``answers``."""
        for process, reader in self._running:
            process.wait()
            reader.join()
            assert process.stdin and process.stdout
            process.stdin.close()
            process.stdout.close()
        self._running.clear()

    @property
    def accepted(self) -> set[str]:
        """The ids of the events that clients were promised."""
        return {answer.text for answer in self.answers if answer.status == 200}

    def _client(self, posts: int, rate: float) -> tuple[subprocess.Popen[str], threading.Thread]:
        name = secrets.token_hex(12)
        command = [sys.executable, "-m", "tests.load.poster", self._url, self._dump, posts, rate, name]
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        reader = threading.Thread(target=self._read, args=(process,))
        reader.start()
        return process, reader

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            if line.endswith("\n"):
                status, text, milliseconds = line.split()
                self.answers.append(Answer(int(status), text, float(milliseconds)))


def shares(posts: int, clients: int) -> list[int]:
    """A number cut into parts that differ by one at most."""
    return [posts // clients + (number < posts % clients) for number in range(clients)]


def percentile(values: list[float], percent: int) -> float:
    """The value that so many of a hundred do not pass."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else values[0]


def dump_of(folder: Path, size: int) -> Path:
    """The sample's dump, cut or padded to so many bytes."""
    path = folder / f"{size}.dmp"
    path.write_bytes((SAMPLE / "lighthouse.dmp").read_bytes()[:size].ljust(size, b"\xa5"))
    return path


class Doors:
    """Counts what the front door answers: also what a killed client never read."""

    def __init__(self, cairn: LocalCairn) -> None:
        self.accepted = 0
        self._cairn = cairn

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count as long as this is open."""
        emulator = self._cairn.emulator
        emulator.follow = True
        try:
            yield
        finally:
            emulator.follow = False
            while not emulator.events.empty():
                event = emulator.events.get()
                assert event is not None
                self.accepted += event["event"] == "request" and event["status"] == 200


def stored(target: Target) -> set[str]:
    """The ids of all complete uploads in S3."""
    uploads = Uploads(target.settings, target.clients)
    return {upload.event_id for day in uploads.days(PROJECT) for upload in uploads.of_day(PROJECT, day)}


def events(target: Target) -> list[str]:
    """The ids of all events."""
    found = Events(target.settings, target.clients).between(PROJECT, 0, time.time() + 3600)
    return [event.event_id for event in found]


def settle(target: Target, patience: float, tell: Callable[[str], None] = lambda line: None) -> None:
    """Return when the crash queue is empty. Raises ``TimeoutError`` when it does not get shorter for ``patience``
    seconds."""
    queue = Queue(target.clients, target.outputs["CrashQueue"])
    shortest, since = sys.maxsize, time.monotonic()
    while left := queue.depth().total:
        tell(f"{left} crashes wait for symbolication")
        if left < shortest:
            shortest, since = left, time.monotonic()
        elif time.monotonic() - since > patience:
            raise TimeoutError(f"{left} messages have been on the crash queue for {patience} s")
        time.sleep(0.2)
