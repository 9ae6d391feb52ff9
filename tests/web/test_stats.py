"""The API's counts of crashes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from cairn.intake.outcomes import Outcome
from cairn.store.outcomes import Outcomes
from cairn.store.projects import Projects
from cairn.store.tokens import ApiTokens
from tests.web.conftest import HOST, Answer, Client

PATH = "/api/0/organizations/cairn/stats_v2/"
KEY = "0123456789abcdef0123456789abcdef"
NOW = time.time()


@pytest.fixture
def counted(client: Client) -> Client:
    outcomes = Outcomes(client.store.settings, client.store.clients)
    for outcome, reason, days in (
        (Outcome.ACCEPTED, "", 0),
        (Outcome.ACCEPTED, "", 0),
        (Outcome.ACCEPTED, "", 1),
        (Outcome.DROPPED, "quota:daily", 0),
        (Outcome.DROPPED, "filtered:release", 0),
        (Outcome.REJECTED, "invalid_minidump", 2),
        (Outcome.REJECTED, "invalid_minidump", 10),
    ):
        outcomes.count(client.project.id, KEY, outcome, reason, NOW - days * 86400)
    return client


def totals(answer: Answer) -> dict[tuple[str, ...], int]:
    assert answer.status == 200, answer
    return {tuple(group["by"].values()): group["totals"]["sum(quantity)"] for group in answer.body["groups"]}


def test_by_outcome_and_reason_for_a_week(counted: Client) -> None:
    answer = counted.get(PATH, project=str(counted.project.id))
    assert totals(answer) == {
        ("accepted", "none"): 3,
        ("filtered", "filtered:release"): 1,
        ("invalid", "invalid_minidump"): 1,
        ("rate_limited", "quota:daily"): 1,
    }
    today = datetime.fromtimestamp(NOW, UTC).date()
    assert answer.body["intervals"] == [f"{today - timedelta(days)}T00:00:00Z" for days in range(6, -1, -1)]
    assert answer.body["end"] == f"{today + timedelta(1)}T00:00:00Z"
    accepted = next(group for group in answer.body["groups"] if group["by"]["outcome"] == "accepted")
    assert accepted["series"]["sum(quantity)"] == [0, 0, 0, 0, 0, 1, 2]


def test_other_groups_and_periods(counted: Client) -> None:
    project = str(counted.project.id)
    assert totals(counted.get(PATH, project=project, groupBy="key", statsPeriod="2w")) == {(KEY,): 7}
    assert totals(counted.get(PATH, project=counted.project.slug, groupBy="outcome", statsPeriod="1d")) == {
        ("accepted",): 2,
        ("filtered",): 1,
        ("rate_limited",): 1,
    }
    assert totals(counted.get(PATH, groupBy="project,category"))[project, "error"] == 6
    asked = {"groupBy": "outcome", "field": "sum(quantity)", "category": "error", "interval": "1d"}
    assert totals(counted.get(PATH, project=project, **asked))["accepted",] == 3


def test_projects_without_crashes_have_no_groups(client: Client) -> None:
    other = Projects(client.store.settings, client.store.clients).create(f"q{client.project.slug}", "x")
    assert totals(client.get(PATH, project=f"{other.id},{client.project.id}")) == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"statsPeriod": "1h"}, "as 7d"),
        ({"statsPeriod": "14w"}, "up to 90"),
        ({"statsPeriod": "²d"}, "as 7d"),
        ({"interval": "1h"}, "counted by day"),
        ({"groupBy": "outcome,colour"}, "and not colour"),
    ],
)
def test_what_makes_no_sense_is_said(client: Client, query: dict[str, str], words: str) -> None:
    answer = client.get(PATH, **query)
    assert (answer.status, words in answer.body["detail"]) == (400, True), answer


def test_a_project_that_is_not_there_and_a_token_that_may_not_read(client: Client) -> None:
    assert client.get(PATH, project="nobody").status == 404
    assert client.get(PATH.replace("cairn", "other")).status == 404
    client.token, _ = ApiTokens(client.store.settings, client.store.clients).create(f"https://{HOST}", "", ["org:ci"])
    assert client.get(PATH).status == 403
