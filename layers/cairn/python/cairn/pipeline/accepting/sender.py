"""Who sends something, whether it is wanted, and what is counted of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cairn.intake.auth import Credentials
from cairn.intake.messages import Response
from cairn.intake.outcomes import Drop, Outcome
from cairn.intake.upload import Crash
from cairn.pipeline.accepting.intake_stores import ClientKey, Gate, Outcomes

Became = tuple[Outcome, str, int]
"""What became of crashes, for which reason, and of how many."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, with which key, and when (Unix seconds)."""

    who: Credentials
    key: ClientKey
    time: float


def decided(crash: Crash | None, sender: Sender, gate: Gate) -> tuple[Drop | None, tuple[Exception, ...]]:
    """What the gate says of a crash. Where it fails, the crash is kept: a limit is worth less than a crash."""
    try:
        return (gate.drop(crash, sender.key, sender.time) if crash else None), ()
    except Exception as error:
        return None, (error,)


def counted(response: Response, became: Iterable[Became], sender: Sender, outcomes: Outcomes) -> Response:
    """Count outcomes. The response says when that failed, and is the same."""
    try:
        for outcome, reason, number in became:
            outcomes.count(sender.key.project_id, sender.key.public_key, outcome, reason, sender.time, number)
    except Exception as error:
        return replace(response, uncounted=(*response.uncounted, error))
    return response
