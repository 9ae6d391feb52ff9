"""What a whole local Cairn takes: posts a second up to which answers come as fast as ever, and thousands of posts by
clients of which some are killed. What is accepted, what is stored and what becomes an event is counted each time."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cairn_cli.local.run import LocalCairn
from cairn_cli.target import Target, local_target
from tests.bench.figures import Goal, Section, number
from tests.load.crowd import Crowd, Doors, dump_of, events, percentile, settle, stored

RATES = {
    "1 KB": (1_000, (5, 10, 20, 40, 80)),
    "300 KB": (300_000, (5, 10, 20, 40)),
    "4 MB": (4_000_000, (1, 2, 4, 8)),
}
"""Size of a dump, and the posts a second that are tried one after another."""

SECONDS = 15
"""How long each rate is held."""

FLAT = 2.0
"""The 95th percentile is flat as long as it is below so many times that of the lowest rate, or below ``QUICK``."""

QUICK = 100.0
"""Milliseconds below which nobody asks for ratios."""

CLIENTS, POSTS, KILLED = 16, 5_000, 6
PATIENCE = 120.0
COLUMNS = ("posts", "a second", "p50 ms", "p95 ms", "accepted", "stored", "events", "symbolicated after")


@dataclass
class Run:
    """A running Cairn, and how many crashes it had before."""

    target: Target
    doors: Doors
    folder: Path
    cairn: LocalCairn
    stored: int = 0
    events: int = 0

    def crowd(self, size: int) -> Crowd:
        return Crowd(self.cairn.minidump_url, dump_of(self.folder, size))

    def news(self) -> tuple[int, int, int]:
        """Accepted, stored and events since the last time. Raises ``AssertionError`` for an event that is there twice,
        or is not of an upload."""
        kept, made = stored(self.target), events(self.target)
        assert len(made) == len(set(made)) and set(made) <= kept
        found = self.doors.accepted, len(kept) - self.stored, len(made) - self.events
        self.doors.accepted, self.stored, self.events = 0, len(kept), len(made)
        return found


@dataclass(frozen=True)
class Load:
    """What happened during one measurement."""

    posts: int
    rate: float
    p50: float
    p95: float
    counted: tuple[int, int, int]
    drained: float

    @property
    def is_exact(self) -> bool:
        """Whether accepted is stored is events."""
        return len(set(self.counted)) == 1

    def cells(self) -> tuple[str, ...]:
        figures = (number(self.posts), number(self.rate), number(self.p50), number(self.p95))
        return (*figures, *map(number, self.counted), f"{number(self.drained)} s")


def load() -> tuple[Section, list[Goal]]:
    """The rates that each size of dump stands, and the posts of clients that are killed."""
    with (
        tempfile.TemporaryDirectory(prefix="cairn-load-") as folder,
        LocalCairn(Path(folder, "state"), port=0) as cairn,
    ):
        run = Run(local_target(cairn.connection), Doors(cairn), Path(folder), cairn)
        measured(run, 20_000, posts=200)  # the functions start
        rows: list[tuple[str, ...]] = []
        goals: list[Goal] = []
        for name, (size, rates) in RATES.items():
            tried = list(raised(run, size, rates))
            rows += [(f"{name}, {rate} a second wanted", *one.cells()) for rate, one in zip(rates, tried, strict=False)]
            flat = [one for one in tried if is_flat(one, tried[0])]
            goals.append(Goal(f"posts of {name} a second with a flat p95", flat[-1].rate, 0.9, "", at_least=True))
        killed = measured(run, 20_000, posts=POSTS, kill=KILLED)
        rows.append((f"20 KB, {CLIENTS} clients, {KILLED} killed", *killed.cells()))
        goals.append(Goal("accepted but not stored, or no event", differing(killed), 0, ""))
    return Section("Load", ("dump", *COLUMNS), rows, NOTES), goals


NOTES = (
    f"A whole local Cairn, {CLIENTS} clients and all functions share the machine. A rate is held for {SECONDS} s; the "
    "milliseconds count from when a post was due. `accepted` is what the front door answered 200, also to clients that "
    "were killed before they could read it; `symbolicated after` is from the first post to the last event.",
)


def raised(run: Run, size: int, rates: tuple[int, ...]) -> Iterator[Load]:
    """One rate after another until answers come no longer as fast as at first."""
    first = None
    for rate in rates:
        one = measured(run, size, posts=rate * SECONDS, rate=rate)
        first = first or one
        yield one
        if not is_flat(one, first):
            return


def is_flat(one: Load, first: Load) -> bool:
    """Whether answers come as fast as at the lowest rate, and nothing is lost."""
    return one.is_exact and (one.p95 < QUICK or one.p95 < FLAT * first.p95)


def differing(one: Load) -> int:
    """How many crashes are not everywhere."""
    return max(one.counted) - min(one.counted)


def measured(run: Run, size: int, posts: int, rate: float = 0, kill: int = 0) -> Load:
    """Post, and wait until all are symbolicated. Half way ``kill`` clients are killed; others post the rest of theirs
    in the end, so that so many posts are answered."""
    crowd = run.crowd(size)
    began = time.monotonic()
    with run.doors.watched():
        crowd.start(min(CLIENTS, posts), posts, rate)
        while kill and len(crowd.answers) < posts // 2:
            time.sleep(0.01)
        crowd.kill(kill)
        crowd.wait()
        if kill:
            crowd.start(kill, posts - len(crowd.answers))
            crowd.wait()
        posted = time.monotonic() - began
        settle(run.target, PATIENCE, tell)
    times = [answer.milliseconds for answer in crowd.answers if answer.status == 200]
    counted = run.news()
    return Load(
        len(crowd.answers),
        len(crowd.answers) / posted,
        statistics.median(times),
        percentile(times, 95),
        counted,
        time.monotonic() - began,
    )


def tell(line: str) -> None:
    """Progress, on one line."""
    print(f"  {line}", end="\r\033[K", flush=True)
