"""Which crashes are kept: those that no filter of their project and no limit of theirs keeps out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

from cairn.intake.outcomes import DAILY_QUOTA, FILTERED_RELEASE, RATE_LIMITED, Drop
from cairn.intake.rules import Filter, FilterKind, Rate, matching
from cairn.intake.upload import Crash
from cairn.pipeline.accepting.limiter import Limit, Limiter

DAY = 86400


class LimitedKey(Protocol):
    """A client key with its limits: a rate, and how many crashes a day; none for no limit."""

    @property
    def project_id(self) -> int: ...
    @property
    def public_key(self) -> str: ...
    @property
    def rate(self) -> Rate | None: ...
    @property
    def daily(self) -> int | None: ...


class ProjectRules(Protocol):
    """A project, as far as it says what it takes."""

    @property
    def filters(self) -> Sequence[Filter]: ...
    @property
    def spike_protection(self) -> bool: ...


class Spikes(Protocol):
    """What knows how many crashes of a project are too many on a day (UTC)."""

    def limit(self, project_id: int, today: date) -> Limit: ...


class Gate:
    """Filters of projects, limits of keys and spikes. ``project`` looks a project up, and is asked for each crash."""

    def __init__(self, project: Callable[[int], ProjectRules | None], limiter: Limiter, spikes: Spikes) -> None:
        self._project = project
        self._limiter = limiter
        self._spikes = spikes

    def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop | None:
        """Why a crash is not kept; ``None`` when it is, and then it is counted against the limits. ``now`` is in Unix
        seconds. Raises whatever the look-up and the counters raise."""
        project = self._project(key.project_id)
        if project and is_unwanted(crash, project.filters):
            return Drop(FILTERED_RELEASE)
        return self._limiter.reached(list(self._limits(key, project, now)), now)

    def _limits(self, key: LimitedKey, project: ProjectRules | None, now: float) -> Iterable[Limit]:
        """The limits of a crash, the one for the shortest time first: what it drops does not count for the next."""
        name = f"key#{key.public_key}"
        if key.rate:
            yield Limit(name, RATE_LIMITED, "key", key.rate.events, key.rate.seconds)
        if project and project.spike_protection:
            yield self._spikes.limit(key.project_id, datetime.fromtimestamp(now, UTC).date())
        if key.daily:
            yield Limit(name, DAILY_QUOTA, "key", key.daily, DAY)


def is_unwanted(crash: Crash, filters: Sequence[Filter]) -> bool:
    """Whether a filter keeps out the release that the client names."""
    release = crash.event.get("release")
    return isinstance(release, str) and matching(filters, FilterKind.RELEASE, [release]) is not None


class OpenGate:
    """Keeps everything."""

    def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop | None:
        """``None``."""
