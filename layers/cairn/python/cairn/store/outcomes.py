"""How many crashes were kept, dropped and rejected, by day, reason and key."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cairn.intake.outcomes import Outcome
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

PREFIX = "outcome#"
SHARDS = 4
"""Partitions that the counts of a project are spread over: each takes 1,000 writes a second, and is one query."""


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many crashes of a project and a key had an outcome on a day (UTC). ``reason`` is empty for those accepted,
    ``public_key`` where it is not known any more."""

    day: date
    outcome: Outcome
    reason: str
    public_key: str
    count: int


class Outcomes:
    """Counts in the Events table: ``pk`` is ``outcome#<project>#<shard>``, ``sk`` ``<day>#<outcome>#<reason>#<key>``.

    They expire as events do. A count is one write to a shard at random. It is not repeated by those who count, so a
    function that dies before leaves one out.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.events_table)
        self._retention = settings.retention_days * 86400

    def count(
        self, project_id: int, public_key: str, outcome: Outcome, reason: str, received: float, number: int = 1
    ) -> None:
        """Count ``number`` crashes that came in at ``received`` (Unix seconds); fewer than 0 take back what was
        counted."""
        sk = f"{day_of(received)}#{outcome}#{reason}#{public_key}"
        values: Row = {":number": number, ":expires": int(received) + self._retention}
        change = "SET #expires = :expires ADD #count :number"
        self._table.update(shard_key(project_id, random.randrange(SHARDS)), sk, change, values)  # noqa: S311 - no secret

    def between(self, project_id: int, first: date, last: date) -> tuple[OutcomeCount, ...]:
        """The counts of a project's days from ``first`` to ``last``, both included, in that order."""
        days = {":first": f"{first}", ":last": f"{last}~"}
        found: Counter[str] = Counter()
        for shard in range(SHARDS):
            keys = {":pk": shard_key(project_id, shard), **days}
            for row in self._table.query("pk = :pk AND sk BETWEEN :first AND :last", keys):
                found[row["sk"]] += row["count"]
        return tuple(outcome_of(sk, count) for sk, count in sorted(found.items()) if count > 0)


def shard_key(project_id: int, shard: int) -> str:
    """The partition of a shard."""
    return f"{PREFIX}{project_id}#{shard}"


def day_of(received: float) -> date:
    """The day of a time in Unix seconds, in UTC."""
    return datetime.fromtimestamp(received, UTC).date()


def outcome_of(sk: str, count: int) -> OutcomeCount:
    """The count that a sort key stands for."""
    day, outcome, reason, public_key = sk.split("#", 3)
    return OutcomeCount(date.fromisoformat(day), Outcome(outcome), reason, public_key, count)


def total(counts: Iterable[OutcomeCount], outcome: Outcome) -> int:
    """How many crashes had an outcome."""
    return sum(one.count for one in counts if one.outcome is outcome)
