"""Counts of crashes in the form of Sentry's ``stats_v2``: a total for each outcome, and a count for each day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from cairn.store.outcomes import OutcomeCount
from cairn.web.errors import BadRequestError

PERIOD = re.compile(r"([1-9][0-9]?)(d|w)|24h")
MOST_DAYS = 90
FIELD = "sum(quantity)"
GROUPS = ("project", "outcome", "reason", "key")
OUTCOMES = {"accepted": "accepted", "rejected": "invalid", "discarded": "client_discard"}
"""Our words and Sentry's. A drop is ``filtered`` or ``rate_limited`` there, which its reason tells."""


class Counts(Protocol):
    """Where outcomes are counted."""

    def between(self, project_id: int, first: date, last: date) -> Iterable[OutcomeCount]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: how many days up to today, and by what the counts are grouped."""

    days: int
    by: tuple[str, ...]


def question(query: Mapping[str, str]) -> Question:
    """The question in a query, ``statsPeriod=7d&groupBy=outcome,reason`` by default. Raises ``BadRequestError``."""
    period = PERIOD.fullmatch(query.get("statsPeriod", "7d"))
    days = int(period[1] or 1) * (7 if period[2] == "w" else 1) if period else 0
    if not 0 < days <= MOST_DAYS:
        raise BadRequestError(f"statsPeriod is a number of days up to {MOST_DAYS}, as 7d")
    if query.get("interval", "1d") != "1d":
        raise BadRequestError("interval can be 1d: crashes are counted by day")
    by = tuple(query.get("groupBy", "outcome,reason").split(","))
    if unknown := set(by) - {*GROUPS, "category"}:
        raise BadRequestError(f"groupBy can be {', '.join(GROUPS)}, and not {', '.join(sorted(unknown))[:60]}")
    return Question(days, by)


def statistics(counts: Counts, project_ids: Iterable[int], asked: Question, now: float) -> dict[str, Any]:
    """The answer. ``now`` is in Unix seconds."""
    last = datetime.fromtimestamp(now, UTC).date()
    days = [last - timedelta(ago) for ago in reversed(range(asked.days))]
    series: dict[tuple[str, ...], list[int]] = {}
    for project_id in project_ids:
        for one in counts.between(project_id, days[0], last):
            values = {"project": str(project_id), **described(one)}
            group = series.setdefault(tuple(values[name] for name in asked.by), [0] * len(days))
            group[(one.day - days[0]).days] += one.count
    groups = [
        {"by": dict(zip(asked.by, group, strict=True)), "totals": {FIELD: sum(found)}, "series": {FIELD: found}}
        for group, found in sorted(series.items())
    ]
    moments = [f"{day}T00:00:00Z" for day in (*days, last + timedelta(1))]
    return {"start": moments[0], "end": moments[-1], "intervals": moments[:-1], "groups": groups}


def described(one: OutcomeCount) -> dict[str, str]:
    """A count by the names that groups have."""
    drop = "filtered" if one.reason.startswith("filtered:") else "rate_limited"
    return {
        "outcome": OUTCOMES.get(one.outcome.value, drop),
        "reason": one.reason or "none",
        "key": one.public_key or "none",
        "category": "error",
    }
