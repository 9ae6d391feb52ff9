"""Counts of what became of crashes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from cairn.intake.outcomes import Outcome
from cairn.store.counters import Counters
from cairn.store.outcomes import SHARDS, OutcomeCount, Outcomes, shard_key, total
from cairn.store.table import Table
from tests.store.conftest import Store

KEY = "0123456789abcdef0123456789abcdef"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
TODAY = date(2026, 11, 25)


@pytest.fixture
def outcomes(store: Store) -> Outcomes:
    return Outcomes(store.settings, store.clients)


def test_counts_by_day_outcome_reason_and_key(outcomes: Outcomes, project_id: int) -> None:
    for _ in range(3):
        outcomes.count(project_id, KEY, Outcome.ACCEPTED, "", NOON)
    outcomes.count(project_id, "f" * 32, Outcome.ACCEPTED, "", NOON)
    outcomes.count(project_id, KEY, Outcome.DROPPED, "rate_limited:key", NOON)
    outcomes.count(project_id, KEY, Outcome.REJECTED, "too_large:attachment:minidump", NOON - 86400)
    outcomes.count(project_id + 500_000, KEY, Outcome.ACCEPTED, "", NOON)
    found = outcomes.between(project_id, TODAY - timedelta(1), TODAY)
    assert found == (
        OutcomeCount(TODAY - timedelta(1), Outcome.REJECTED, "too_large:attachment:minidump", KEY, 1),
        OutcomeCount(TODAY, Outcome.ACCEPTED, "", KEY, 3),
        OutcomeCount(TODAY, Outcome.ACCEPTED, "", "f" * 32, 1),
        OutcomeCount(TODAY, Outcome.DROPPED, "rate_limited:key", KEY, 1),
    )
    assert (total(found, Outcome.ACCEPTED), total(found, Outcome.DROPPED)) == (4, 1)


def test_days_are_those_asked_for(outcomes: Outcomes, project_id: int) -> None:
    for days in range(5):
        outcomes.count(project_id, KEY, Outcome.ACCEPTED, "", NOON - days * 86400)
    found = outcomes.between(project_id, TODAY - timedelta(3), TODAY - timedelta(1))
    assert [one.day for one in found] == [TODAY - timedelta(days) for days in (3, 2, 1)]
    assert outcomes.between(project_id, TODAY + timedelta(1), TODAY + timedelta(2)) == ()


@pytest.mark.parametrize(("second", "day"), [(-0.1, TODAY - timedelta(1)), (0, TODAY), (86399.9, TODAY)])
def test_a_day_is_one_of_utc(outcomes: Outcomes, project_id: int, second: float, day: date) -> None:
    outcomes.count(project_id, KEY, Outcome.ACCEPTED, "", NOON - 12 * 3600 + second)
    assert [one.day for one in outcomes.between(project_id, TODAY - timedelta(5), TODAY)] == [day]


def test_many_at_once_are_all_counted_over_several_partitions(
    outcomes: Outcomes, store: Store, project_id: int
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: outcomes.count(project_id, KEY, Outcome.ACCEPTED, "", NOON), range(200)))
    assert [one.count for one in outcomes.between(project_id, TODAY, TODAY)] == [200]
    table = Table(store.clients, store.settings.events_table)
    shards = [table.query("pk = :pk", {":pk": shard_key(project_id, shard)}) for shard in range(SHARDS)]
    assert all(20 < row["count"] < 100 for (row,) in shards)
    assert {row["expires"] for (row,) in shards} == {int(NOON) + 90 * 86400}


def test_a_counter_counts_from_one(store: Store, project_id: int) -> None:
    counters = Counters(store.settings, store.clients)
    assert [counters.add(f"key#{project_id}", 5) for _ in range(3)] == [1, 2, 3]
    assert counters.add(f"other#{project_id}", 5) == 1
    row = Table(store.clients, store.settings.events_table).get(f"limit#key#{project_id}", "count")
    assert row is not None and row["expires"] == 5
