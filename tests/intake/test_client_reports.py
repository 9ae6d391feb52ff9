from __future__ import annotations

from typing import Any

import pytest

from cairn.intake.client_reports import ENTRIES, MOST, discarded


def entry(reason: Any = "ratelimit_backoff", category: Any = "error", quantity: Any = 1) -> dict[str, Any]:
    return {"reason": reason, "category": category, "quantity": quantity}


def test_crashes_are_added_up_by_reason() -> None:
    report = [entry(quantity=2), entry("network_error"), entry(quantity=3), entry(category="session", quantity=9)]
    assert discarded({"discarded_events": report}) == {"ratelimit_backoff": 5, "network_error": 1}


@pytest.mark.parametrize("reason", ["secret", None, 7, ["x"], "network_error#"])
def test_other_reasons_are_told_by_no_word_of_the_client(reason: Any) -> None:
    assert discarded({"discarded_events": [entry(reason)]}) == {"other": 1}


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"discarded_events": None},
        {"discarded_events": {"a": 1}},
        {"discarded_events": [None, 1, [], {}]},
        {"discarded_events": [entry(quantity=quantity) for quantity in (0, -5, 1.5, "7", None, True)]},
        {"discarded_events": [entry(category=category) for category in (None, "", "attachment", ["error"])]},
    ],
)
def test_what_says_nothing_of_crashes_counts_nothing(report: dict[str, Any]) -> None:
    assert discarded(report) == {}


def test_a_report_counts_only_so_much() -> None:
    assert discarded({"discarded_events": [entry(quantity=2**63)] * 3}) == {"ratelimit_backoff": MOST}
    assert discarded({"discarded_events": [entry()] * (ENTRIES + 50)}) == {"ratelimit_backoff": ENTRIES}
