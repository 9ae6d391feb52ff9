"""Counting against limits: with a clock and counters of our own, and with the true ones many at a time."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.intake.outcomes import Drop
from cairn.pipeline.accepting.limiter import EVENTS_A_SHARD, KEPT_AFTER, MOST_SHARDS, Limit, Limiter
from cairn.store.counters import Counters
from tests.store.conftest import Store, store

__all__ = ["store"]

NOON = 1_700_049_600.0  # the start of a minute, an hour and of noon in UTC
MINUTE = Limit("key#a", "rate_limited:key", "key", 3, 60)
DAY = Limit("key#a", "quota:daily", "key", 5, 86400)


class Counts:
    """Counters in memory."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.expires: dict[str, int] = {}
        self.calls = 0

    def add(self, name: str, expires: int) -> int:
        self.calls += 1
        self.counts[name] += 1
        self.expires[name] = expires
        return self.counts[name]


def passed(limiter: Limiter, limits: Sequence[Limit], times: int, now: float = NOON) -> int:
    """How many of so many crashes pass."""
    return sum(limiter.reached(limits, now) is None for _ in range(times))


def test_as_many_pass_as_the_limit_says_and_more_in_the_next_window() -> None:
    limiter = Limiter(Counts())
    assert passed(limiter, [MINUTE], 10, NOON) == 3
    assert passed(limiter, [MINUTE], 10, NOON + 59.9) == 0
    assert passed(limiter, [MINUTE], 10, NOON + 60) == 3


@pytest.mark.parametrize(("later", "wait"), [(0, 60), (0.5, 60), (30, 30), (59, 1), (59.99, 1)])
def test_a_drop_says_when_the_window_ends(later: float, wait: int) -> None:
    limiter = Limiter(Counts())
    passed(limiter, [MINUTE], 4)
    assert limiter.reached([MINUTE], NOON + later) == Drop("rate_limited:key", "key", wait)


def test_a_day_is_a_day_in_utc() -> None:
    limiter = Limiter(Counts())
    passed(limiter, [DAY], 6)
    assert limiter.reached([DAY], NOON) == Drop("quota:daily", "key", 12 * 3600)


def test_what_is_full_costs_no_more_writes() -> None:
    counts = Counts()
    limiter = Limiter(counts)
    passed(limiter, [MINUTE], 1000)
    assert counts.calls == 4


def test_what_another_limit_drops_is_not_counted_once_that_is_known() -> None:
    counts = Counts()
    limiter = Limiter(counts)
    passed(limiter, [MINUTE, DAY], 1000)
    assert sorted(counts.counts.values()) == [3, 4]
    passed(limiter, [MINUTE, DAY], 1000, NOON + 60)
    assert limiter.reached([MINUTE, DAY], NOON + 61) == Drop("quota:daily", "key", 12 * 3600 - 61)
    written = counts.calls
    passed(limiter, [MINUTE, DAY], 1000, NOON + 120)
    assert counts.calls == written


def test_a_key_of_its_own_has_a_limit_of_its_own() -> None:
    limiter = Limiter(Counts())
    other = Limit("key#b", MINUTE.reason, "key", 3, 60)
    assert (passed(limiter, [MINUTE], 10), passed(limiter, [other], 10)) == (3, 3)


def test_a_rate_for_a_day_and_a_quota_for_a_day_are_counted_apart() -> None:
    rate = Limit(DAY.name, MINUTE.reason, "key", 5, DAY.seconds)
    assert passed(Limiter(Counts()), [rate, DAY], 10) == 5


@pytest.mark.parametrize("events", [1, 499, 500, 1001, 20_003])
def test_shares_make_up_the_limit(events: int) -> None:
    limit = Limit("a", "b", "key", events, 60)
    shares = [limit.share(shard) for shard in range(limit.shards)]
    assert sum(shares) == events
    assert max(shares) - min(shares) <= 1
    assert min(shares) >= min(events, EVENTS_A_SHARD)
    assert len(shares) <= MOST_SHARDS


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4000), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), max_size=12), st.integers())
def test_whoever_sends_in_whatever_order_the_limit_is_exact(
    events: int, batches: list[tuple[int, int]], seed: int
) -> None:
    counts, chance = Counts(), random.Random(seed)
    limit = Limit("key#a", "quota:daily", "key", events, 86400)
    limiters = [Limiter(counts, chance.choice) for _ in range(4)]
    through = sum(passed(limiters[sender], [limit], times) for sender, times in batches)
    assert through == min(events, sum(times for _, times in batches))
    assert counts.calls <= through + len(limiters) * limit.shards


def test_shards_spread_the_writes_and_change_no_limit() -> None:
    counts = Counts()
    limit = Limit("key#a", "quota:daily", "key", 5000, 86400)
    limiters = [Limiter(counts, random.Random(seed).choice) for seed in range(4)]
    assert sum(passed(limiter, [limit], 2000) for limiter in limiters) == 5000
    assert len(counts.counts) == 10
    assert max(counts.counts.values()) <= 500 + len(limiters)


def test_a_higher_limit_holds_at_once_though_the_lower_one_was_full() -> None:
    limiter = Limiter(Counts())
    passed(limiter, [MINUTE], 10)
    higher = Limit(MINUTE.name, MINUTE.reason, "key", 10, 60)
    assert passed(limiter, [higher], 10) == 6, "4 were counted before"


def test_counters_are_kept_a_while_beyond_their_window() -> None:
    counts = Counts()
    passed(Limiter(counts), [MINUTE], 1)
    assert list(counts.expires.values()) == [NOON + 60 + KEPT_AFTER]


def test_what_is_over_is_forgotten() -> None:
    limiter = Limiter(Counts())
    for number in range(50):
        passed(limiter, [Limit(f"key#{number}", "x", "key", 1, 60)], 2, NOON + 60 * number)
    assert len(limiter._full) == 1


def test_exactly_as_many_pass_of_those_that_come_at_once(store: Store) -> None:
    """Eight functions of their own, all at the same time, against the emulator's DynamoDB."""
    limit = Limit(f"key#{secrets.token_hex(16)}", "quota:daily", "key", 1200, 86400)

    def send(seed: int) -> int:
        limiter = Limiter(Counters(store.settings, store.clients), random.Random(seed).choice)
        return passed(limiter, [limit], 200)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 1200
