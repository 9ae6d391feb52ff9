"""Counting crashes against limits: exactly, in all running functions together, and without one row that all write to.

Time is cut into windows of each limit's length, from 1970 on, so that a day is a day in UTC. For each window there are
counters, one a shard, and each shard has its share of the limit. A crash adds one to any shard that is not full. Is the
count then above the share, the shard is full, and another one is tried. So as many crashes pass as the limit says, and
not one more. When all shards are full, nothing is written any more until the window ends.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cairn.intake.outcomes import Drop

EVENTS_A_SHARD = 500
"""A limit gets a shard for so many crashes. A row of DynamoDB takes 1,000 writes a second."""
MOST_SHARDS = 16
KEPT_AFTER = 3600
"""Seconds that a counter is kept beyond its window, for functions whose clocks are behind."""


class Counters(Protocol):
    """Where is counted."""

    def add(self, name: str, expires: int) -> int:
        """Add one to a counter, which is forgotten after ``expires`` (Unix seconds), and answer its count."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``events`` crashes in ``seconds``. ``name`` is whose they are, ``reason`` why one is dropped beyond that,
    ``scope`` the protocol's word for it (``key``, ``project``)."""

    name: str
    reason: str
    scope: str
    events: int
    seconds: int

    def share(self, shard: int) -> int:
        """What of the limit a shard has."""
        return self.events // self.shards + (shard < self.events % self.shards)

    @property
    def shards(self) -> int:
        """How many counters it has."""
        return min(MOST_SHARDS, max(1, self.events // EVENTS_A_SHARD))


class Limiter:
    """Counts crashes against limits. One for the life of a process, which remembers what is full."""

    def __init__(self, counters: Counters, choose: Callable[[Sequence[int]], int] = random.choice) -> None:
        self._counters = counters
        self._choose = choose
        self._full: dict[tuple[Limit, int], set[int]] = {}

    def reached(self, limits: Sequence[Limit], now: float) -> Drop | None:
        """Count one crash against ``limits``, in their order; answer the first that has no room for it.

        One write for each limit, more where a shard turns out to be full. What is known to be full is looked at first,
        so that a limit does not count what another one drops. ``now`` is in Unix seconds.
        """
        for limit in limits:
            if not self._open(limit, now):
                return drop(limit, now)
        for limit in limits:
            if not self._take(limit, now):
                return drop(limit, now)
        return None

    def _take(self, limit: Limit, now: float) -> bool:
        window = window_of(limit, now)
        expires = (window + 1) * limit.seconds + KEPT_AFTER
        while shards := self._open(limit, now):
            shard = self._choose(shards)
            name = f"{limit.name}#{limit.reason}#{limit.seconds}#{window}#{shard}"
            if self._counters.add(name, expires) <= limit.share(shard):
                return True
            self._forget(now)
            self._full.setdefault((limit, window), set()).add(shard)
        return False

    def _open(self, limit: Limit, now: float) -> list[int]:
        full = self._full.get((limit, window_of(limit, now)), set())
        return [shard for shard in range(limit.shards) if shard not in full]

    def _forget(self, now: float) -> None:
        """Forget what was full in windows that are over."""
        for limit, window in list(self._full):
            if window < window_of(limit, now):
                self._full.pop((limit, window), None)


def window_of(limit: Limit, now: float) -> int:
    """The number of the window that ``now`` is in."""
    return int(now // limit.seconds)


def drop(limit: Limit, now: float) -> Drop:
    """The drop of a crash above a limit; more is taken when the next window begins."""
    ends = (window_of(limit, now) + 1) * limit.seconds
    return Drop(limit.reason, limit.scope, max(1, math.ceil(ends - now)))
