"""What becomes of a crash that is sent, in the words that it is counted by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of it."""

    ACCEPTED = "accepted"  # kept
    DROPPED = "dropped"  # well made, and not wanted: a filter or a limit
    REJECTED = "rejected"  # could not be taken; the reason is that of the error
    DISCARDED = "discarded"  # never sent, as the client says; the reason is the client's


RATE_LIMITED = "rate_limited:key"
DAILY_QUOTA = "quota:daily"
SPIKE = "spike"
FILTERED_RELEASE = "filtered:release"
FILTERED_MESSAGE = "filtered:message"


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a crash is not kept. For a limit, ``scope`` says whose it is (``key`` or ``project``), and ``retry_after``
    after how many seconds more is taken."""

    reason: str
    scope: str | None = None
    retry_after: int = 0

    @property
    def is_limit(self) -> bool:
        """Whether the crash would be taken later."""
        return self.scope is not None
