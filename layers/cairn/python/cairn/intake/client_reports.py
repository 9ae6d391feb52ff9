"""What SDKs say of crashes that they did not send: the ``client_report`` item.

Source: the client reports of Sentry's SDK documentation. A client that was told of a limit holds crashes back, and this
is the only word of them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from cairn.intake.values import Object

REASONS = {
    "backpressure",
    "before_send",
    "buffer_overflow",
    "cache_overflow",
    "event_processor",
    "internal_sdk_error",
    "network_error",
    "queue_overflow",
    "ratelimit_backoff",
    "sample_rate",
    "send_error",
}
"""The words for why; one that is not here is ``other``."""
MOST = 100_000
"""Crashes that one report tells of: no client has more, and what it says is taken on trust."""
ENTRIES = 100
"""Entries of a report that are read."""


def discarded(report: Object) -> Counter[str]:
    """How many crashes the client held back, by its reason; other kinds of events are passed over."""
    found: Counter[str] = Counter()
    entries = report.get("discarded_events")
    for entry in entries[:ENTRIES] if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("category") == "error":
            reason, quantity = entry.get("reason"), quantity_of(entry.get("quantity"))
            found[reason if isinstance(reason, str) and reason in REASONS else "other"] += quantity
    return Counter({reason: min(number, MOST) for reason, number in found.items() if number})


def quantity_of(value: Any) -> int:
    """A number of events, 0 for what is none."""
    return value if type(value) is int and value > 0 else 0
