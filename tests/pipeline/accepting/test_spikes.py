"""What is usual, read from the true counts of outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cairn.intake.limits import Limits
from cairn.intake.outcomes import Outcome
from cairn.pipeline.accepting.limiter import Limit
from cairn.pipeline.accepting.spikes import HOUR, Spikes
from cairn.store.outcomes import Outcomes
from tests.store.conftest import Store, project_id, store

__all__ = ["project_id", "store"]

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEYS = ("0" * 32, "f" * 32)


@pytest.mark.parametrize(
    ("accepted", "dropped", "events"),
    [
        ({}, {}, 2),
        ({0: 50}, {}, 2),
        ({8: 50}, {}, 2),
        ({1: 12}, {}, 5),
        ({7: 42}, {}, 3),
        ({1: 6, 2: 6, 3: 12}, {1: 50}, 4),
    ],
    ids=["nothing", "today only", "too long ago", "yesterday", "a week ago", "drops do not count"],
)
def test_the_week_before_today_says_what_is_usual(
    store: Store, project_id: int, accepted: dict[int, int], dropped: dict[int, int], events: int
) -> None:
    outcomes = Outcomes(store.settings, store.clients)
    for outcome, reason, days in ((Outcome.ACCEPTED, "", accepted), (Outcome.DROPPED, "spike", dropped)):
        for ago, count in days.items():
            for number in range(count):
                then = (NOON - timedelta(days=ago)).timestamp()
                outcomes.count(project_id, KEYS[number % 2], outcome, reason, then)
    limit = Spikes(outcomes, Limits(spike_floor=2, spike_multiple=10)).limit(project_id, NOON.date())
    assert limit == Limit(f"project#{project_id}", "spike", "project", events, HOUR)
