"""Filters and limits on the way in: what is kept, what is answered, what is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.intake.outcomes import Drop, Outcome
from cairn.intake.rules import Filter, FilterKind, Rate
from cairn.intake.upload import Crash, Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.gate import Gate, LimitedKey
from cairn.pipeline.accepting.intake_stores import RecentKeys, Stores
from cairn.pipeline.accepting.limiter import Limiter
from cairn.pipeline.accepting.spikes import Spikes
from cairn.pipeline.recent import Recent
from cairn.store.outcomes import OutcomeCount
from tests.intake.clients import (
    DUMP,
    KEY,
    PROJECT,
    QUERY,
    KeptNotes,
    KeptUploads,
    Key,
    OneProject,
    dump_part,
    field_part,
    form,
    request,
)
from tests.intake.envelopes import EVENT_ID, dump_item, envelope, item
from tests.pipeline.accepting.test_limiter import NOON, Counts

ENVELOPE = envelope(item("event", {"level": "fatal", "release": "game@1"}), event_id=EVENT_ID)
LIMITS = Limits(spike_floor=5, spike_multiple=10)
DETAIL = "the crash was dropped: a limit is reached"


@dataclass(frozen=True)
class Rules:
    filters: Sequence[Filter] = ()
    spike_protection: bool = False


class History:
    """What came in on the days before: ``past`` has days ago and accepted crashes. Notes when it is asked."""

    def __init__(self, past: Mapping[int, int] | None = None) -> None:
        self.past = past or {}
        self.asked: list[tuple[date, date]] = []

    def between(self, project_id: int, first: date, last: date) -> list[OutcomeCount]:
        assert project_id == PROJECT
        self.asked.append((first, last))
        days = {last + timedelta(1) - timedelta(ago): count for ago, count in self.past.items()}
        dropped = OutcomeCount(last, Outcome.DROPPED, "spike", KEY, 10**6)
        return [OutcomeCount(day, Outcome.ACCEPTED, "", KEY, count) for day, count in days.items()] + [dropped]


@dataclass
class Counted:
    """Outcomes in memory, each with its project and key."""

    counts: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)

    def count(
        self, project_id: int, public_key: str, outcome: Outcome, reason: str, received: float, number: int
    ) -> None:
        self.counts[project_id, public_key, outcome.value, reason] += number

    def of(self, outcome: str, reason: str = "") -> int:
        return self.counts[PROJECT, KEY, outcome, reason]


class Cairn:
    """A way in with rules. ``now`` is its clock."""

    def __init__(self, key: Key | None = None, rules: Rules | None = None) -> None:
        self.now = NOON
        self.counters, self.outcomes, self.uploads, self.notes = Counts(), Counted(), KeptUploads(), KeptNotes()
        self.history = History()
        self.gate = Gate({PROJECT: rules or Rules()}.get, Limiter(self.counters), Spikes(self.history, LIMITS))
        self.stores = Stores(OneProject({KEY: key or Key()}), self.uploads, self.notes, self.gate, self.outcomes)
        self._ids = 0

    def take(self, sent: Request) -> Response:
        return accept(sent, self.stores, Limits(), lambda: self.now, self._new_id)

    def minidump(self, *fields: tuple[str, str]) -> Response:
        return self.take(request(form(dump_part(), *(field_part(*one) for one in fields))))

    def envelope(self, body: bytes = ENVELOPE, endpoint: str = "envelope") -> Response:
        return self.take(request(body, {}, f"/api/{PROJECT}/{endpoint}/", QUERY))

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"


def test_without_limits_nothing_is_counted_but_the_outcome() -> None:
    cairn = Cairn()
    assert [cairn.minidump().status for _ in range(3)] == [200] * 3
    assert (cairn.counters.calls, cairn.outcomes.of("accepted")) == (0, 3)


@pytest.mark.parametrize(
    ("key", "reason", "wait"),
    [
        (Key(rate=Rate(2, 60)), "rate_limited:key", "60"),
        (Key(daily=2), "quota:daily", str(12 * 3600)),
        (Key(rate=Rate(2, 60), daily=100), "rate_limited:key", "60"),
        (Key(rate=Rate(100, 60), daily=2), "quota:daily", str(12 * 3600)),
    ],
    ids=["rate", "daily", "rate first", "daily first"],
)
def test_crashpad_is_never_told_of_a_limit_and_an_sdk_is(key: Key, reason: str, wait: str) -> None:
    cairn = Cairn(key)
    answers = [cairn.minidump() for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"text/plain; charset=utf-8"}
    assert len({answer.body for answer in answers}) == 5
    assert not [answer for answer in answers if "retry-after" in answer.headers]
    assert [answer.dropped for answer in answers] == [None, None, reason, reason, reason]
    assert [answer.event_id is None for answer in answers] == [False, False, True, True, True]
    assert len(cairn.uploads.kept) == 2

    for endpoint, body in (("envelope", ENVELOPE), ("store", b'{"message": "dark"}')):
        told = cairn.envelope(body, endpoint)
        assert (told.status, told.dropped, told.error) == (429, reason, None)
        assert told.headers["retry-after"] == wait
        why = reason.replace(":", "_")
        assert told.headers["x-sentry-rate-limits"] == f"{wait}:error;attachment:key:{why}"
        said = json.loads(told.body)
        assert said["detail"] == DETAIL
        assert said["causes"] == [f"{reason}: a limit of this key is reached, and more is taken in {wait} s"]
    assert len(cairn.uploads.kept) == 2
    assert (cairn.outcomes.of("accepted"), cairn.outcomes.of("dropped", reason)) == (2, 5)


def test_more_is_taken_when_the_window_is_over() -> None:
    cairn = Cairn(Key(rate=Rate(1, 60)))
    assert [cairn.envelope().status for _ in range(2)] == [200, 429]
    cairn.now += 60
    assert [cairn.envelope().status for _ in range(2)] == [200, 429]


def test_a_limit_keeps_out_crashes_and_nothing_else() -> None:
    cairn = Cairn(Key(daily=1))
    cairn.minidump()
    report = item("user_report", {"event_id": EVENT_ID, "comments": "It got dark."})
    assert cairn.envelope(envelope(report, item("session", b"{}"))).status == 200
    attached = form(field_part("x", "y"), dump_part())
    assert cairn.take(request(attached, path=f"/api/{PROJECT}/events/{EVENT_ID}/attachments/")).status == 201
    both = cairn.envelope(envelope(item("event", {}), report, dump_item(DUMP), event_id=EVENT_ID))
    assert (both.status, both.noted) == (429, 1)
    assert [said.message for said in cairn.notes.feedback] == ["It got dark."] * 2
    assert (len(cairn.uploads.kept), len(cairn.notes.attachments)) == (1, 1)


def test_what_cannot_be_read_uses_up_no_limit_and_is_counted() -> None:
    cairn = Cairn(Key(daily=1))
    assert cairn.take(request(form(dump_part(b"rubbish")))).status == 400
    assert cairn.envelope(b"rubbish").status == 400
    assert cairn.minidump().dropped is None
    assert cairn.outcomes.of("rejected", "invalid_minidump") == 1
    assert cairn.outcomes.counts.total() == 2, "an envelope without a readable first line has no key"


def test_a_change_holds_within_a_minute() -> None:
    cairn = Cairn()
    keys, rules = {KEY: Key()}, {PROJECT: Rules()}
    projects = RecentKeys(OneProject(keys), lambda: cairn.now)
    gate = Gate(Recent(rules.get, lambda: cairn.now).get, Limiter(cairn.counters), UNUSED)
    cairn.stores = replace(cairn.stores, projects=projects, gate=gate)
    assert cairn.minidump(("sentry[release]", "game@1")).dropped is None
    keys[KEY], rules[PROJECT] = Key(daily=1), Rules([Filter(FilterKind.RELEASE, "game@1")])
    cairn.now += 59
    assert [cairn.minidump(("sentry[release]", "game@1")).dropped for _ in range(2)] == [None] * 2
    cairn.now += 1
    assert cairn.minidump(("sentry[release]", "game@1")).dropped == "filtered:release"
    assert [cairn.minidump().dropped for _ in range(2)] == [None, "quota:daily"]
    keys[KEY] = Key(active=False)
    cairn.now += 59
    assert cairn.minidump().status == 200
    cairn.now += 1
    assert (cairn.minidump().status, cairn.envelope().status) == (403, 403)


@pytest.mark.parametrize(
    ("pattern", "sent", "drops"),
    [
        ("game@0.*", "game@0.9", True),
        ("game@0.*", "game@1.0", False),
        ("GAME@?", "game@1", True),
        ("*", "x", True),
        ("*", "", True),
    ],
)
def test_a_filter_by_release(pattern: str, sent: str, drops: bool) -> None:
    cairn = Cairn(rules=Rules([Filter(FilterKind.MESSAGE, "*"), Filter(FilterKind.RELEASE, pattern)]))
    told = cairn.minidump(("sentry[release]", sent))
    in_envelope = cairn.envelope(envelope(item("event", {"release": sent}), event_id=EVENT_ID))
    assert (told.status, in_envelope.status) == (200, 200)
    assert json.loads(in_envelope.body) == {"id": EVENT_ID}
    assert (told.dropped, in_envelope.dropped) == (("filtered:release",) * 2 if drops else (None, None))
    assert (told.event_id is None, len(cairn.uploads.kept)) == ((True, 0) if drops else (False, 2))
    assert cairn.outcomes.of("dropped", "filtered:release") == (2 if drops else 0)


@pytest.mark.parametrize("release", [None, 7, ["game@1"], {"a": 1}])
def test_a_release_that_is_no_text_fits_no_filter(release: Any) -> None:
    cairn = Cairn(rules=Rules([Filter(FilterKind.RELEASE, "*")]))
    body = envelope(item("event", {"release": release}), event_id=EVENT_ID)
    assert cairn.envelope(body).dropped is None


def test_what_a_filter_drops_uses_up_no_limit() -> None:
    cairn = Cairn(Key(daily=1), Rules([Filter(FilterKind.RELEASE, "game@*")]))
    cairn.minidump(("sentry[release]", "game@1"))
    assert cairn.counters.calls == 0
    assert cairn.minidump().dropped is None


TODAY = date(2023, 11, 15)


def spiking(past: Mapping[int, int], key: Key | None = None) -> Cairn:
    cairn = Cairn(key, Rules(spike_protection=True))
    cairn.history.past = past
    return cairn


@pytest.mark.parametrize(
    ("past", "passes"),
    [
        ({}, 5),
        ({1: 24}, 10),
        ({1: 48, 2: 0}, 10),
        ({1: 84, 7: 84}, 10),
        ({7: 1}, 5),
        ({1: 25}, 11),
    ],
    ids=["none: the floor", "one an hour", "of two days", "of a week", "next to none", "rounded up"],
)
def test_a_spike_is_ten_times_what_is_usual(past: Mapping[int, int], passes: int) -> None:
    cairn = spiking(past)
    answers = [cairn.minidump() for _ in range(14)]
    assert [answer.dropped for answer in answers] == [None] * passes + ["spike"] * (14 - passes)
    assert cairn.outcomes.of("dropped", "spike") == 14 - passes


def test_a_spike_is_the_projects_and_ends_with_its_hour() -> None:
    cairn = spiking({})
    answers = [cairn.envelope(envelope(item("event", {}))) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[5].headers["x-sentry-rate-limits"] == "3600:error;attachment:project:spike"
    assert b"a limit of this project is reached" in answers[5].body
    cairn.now += 3600
    assert cairn.minidump().dropped is None


def test_the_history_is_read_once_a_day_and_only_where_it_is_wanted() -> None:
    cairn = spiking({1: 2400})
    for _ in range(3):
        cairn.minidump()
    assert cairn.history.asked == [(TODAY - timedelta(7), TODAY - timedelta(1))]
    cairn.now += 12 * 3600
    cairn.minidump()
    assert cairn.history.asked[1:] == [(TODAY - timedelta(6), TODAY)]
    unprotected = Cairn(Key(daily=5))
    unprotected.minidump()
    assert unprotected.history.asked == []


def test_what_a_spike_drops_does_not_use_up_the_day() -> None:
    cairn = spiking({}, Key(daily=8))
    assert [cairn.minidump().dropped for _ in range(20)].count(None) == 5
    cairn.now += 3600
    reasons = [cairn.minidump().dropped for _ in range(20)]
    assert (reasons.count(None), reasons.count("quota:daily")) == (3, 17)


def test_a_crash_sent_again_is_counted_once() -> None:
    cairn = Cairn()
    assert [cairn.envelope().status for _ in range(3)] == [200] * 3
    assert cairn.outcomes.of("accepted") == 1


def test_crashes_that_a_client_held_back_are_counted_as_it_says() -> None:
    cairn = Cairn(Key(daily=1))
    report = {
        "discarded_events": [
            {"reason": "ratelimit_backoff", "category": "error", "quantity": 7},
            {"reason": "sample_rate", "category": "transaction", "quantity": 100},
        ]
    }
    told = cairn.envelope(envelope(item("client_report", report), item("event", {})))
    assert (told.status, dict(told.ignored)) == (200, {})
    assert cairn.outcomes.of("discarded", "ratelimit_backoff") == 7
    assert cairn.outcomes.counts.total() == 8


def broken(*_: object) -> Any:
    raise RuntimeError("throttled")


UNUSED = Spikes(History(), LIMITS)


class BrokenCounters:
    add = broken


def without_counters(cairn: Cairn) -> Stores:
    return replace(cairn.stores, gate=Gate({PROJECT: Rules()}.get, Limiter(BrokenCounters()), UNUSED))


def without_projects(cairn: Cairn) -> Stores:
    return replace(cairn.stores, gate=Gate(broken, Limiter(cairn.counters), UNUSED))


def without_history(cairn: Cairn) -> Stores:
    class Broken:
        between = broken

    rules = {PROJECT: Rules(spike_protection=True)}
    return replace(cairn.stores, gate=Gate(rules.get, Limiter(cairn.counters), Spikes(Broken(), LIMITS)))


@pytest.mark.parametrize("spoil", [without_counters, without_projects, without_history])
def test_when_a_limit_cannot_be_checked_the_crash_is_kept(spoil: Callable[[Cairn], Stores]) -> None:
    cairn = Cairn(Key(daily=1))
    cairn.stores = spoil(cairn)
    for _ in range(3):
        told = cairn.minidump()
        assert (told.status, told.dropped) == (200, None)
        assert [str(problem) for problem in told.uncounted] == ["throttled"]
    assert len(cairn.uploads.kept) == 3


def test_when_an_outcome_cannot_be_counted_the_answer_is_the_same() -> None:
    class Broken:
        count = broken

    cairn = Cairn(Key(daily=1))
    cairn.stores = replace(cairn.stores, outcomes=Broken())
    answers = [cairn.minidump(), cairn.envelope(), cairn.take(request(b"rubbish"))]
    assert [answer.status for answer in answers] == [200, 429, 400]
    assert [len(answer.uncounted) for answer in answers] == [1, 1, 1]


def test_a_crash_that_could_not_be_stored_is_counted_as_rejected() -> None:
    class Broken:
        def put_new(self, upload: Upload) -> bool:
            raise RuntimeError

    cairn = Cairn()
    cairn.stores = replace(cairn.stores, uploads=Broken())
    assert cairn.minidump().status == 500
    assert dict(cairn.outcomes.counts) == {(PROJECT, KEY, "rejected", "storing_failed"): 1}


def test_the_crash_is_kept_before_it_is_counted() -> None:
    kept: list[int] = []

    class Looks:
        def count(self, *_: object) -> None:
            kept.append(len(cairn.uploads.kept))

    cairn = Cairn()
    cairn.stores = replace(cairn.stores, outcomes=Looks())
    cairn.minidump()
    assert kept == [1]


def test_the_gate_is_asked_with_the_time_of_arrival() -> None:
    asked: list[float] = []

    class Asked:
        def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop | None:
            asked.append(now)
            return None

    cairn = Cairn()
    cairn.stores = replace(cairn.stores, gate=Asked())
    cairn.minidump()
    assert asked == [NOON] == [upload.received for upload in cairn.uploads.kept]
