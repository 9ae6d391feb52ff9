"""Spikes: an hour in which far more crashes come in than a project usually has."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Protocol

from cairn.intake.limits import Limits
from cairn.intake.outcomes import SPIKE, Outcome
from cairn.pipeline.accepting.limiter import Limit

HOUR = 3600
DAYS = 7
"""Days before today that say what is usual: a week has them all once."""


class DayCount(Protocol):
    """How many crashes had an outcome on a day."""

    @property
    def day(self) -> date: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def count(self) -> int: ...


class History(Protocol):
    """Where is known what came in on the days before."""

    def between(self, project_id: int, first: date, last: date) -> Iterable[DayCount]: ...


class Spikes:
    """Spike limits of projects. One for the life of a process: it reads a project's history once a day."""

    def __init__(self, history: History, limits: Limits) -> None:
        self._history = history
        self._limits = limits
        self._known: dict[int, tuple[date, int]] = {}

    def limit(self, project_id: int, today: date) -> Limit:
        """The limit of an hour: ``spike_multiple`` times as many crashes as were accepted in the average hour of the
        week before ``today`` (UTC), and at least ``spike_floor``. All functions find the same the whole day long."""
        known = self._known.get(project_id)
        if known is None or known[0] != today:
            known = self._known[project_id] = today, self._events(project_id, today)
        return Limit(f"project#{project_id}", SPIKE, "project", known[1], HOUR)

    def _events(self, project_id: int, today: date) -> int:
        counts = self._history.between(project_id, today - timedelta(DAYS), today - timedelta(1))
        accepted = [one for one in counts if one.outcome is Outcome.ACCEPTED]
        return max(self._limits.spike_floor, math.ceil(self._limits.spike_multiple * an_hour(accepted, today)))


def an_hour(counts: list[DayCount], today: date) -> float:
    """Crashes in the average hour from the first day with any up to the start of ``today``."""
    if not counts:
        return 0
    days = (today - min(one.day for one in counts)).days
    return sum(one.count for one in counts) / (days * 24)
