"""Uploads in steps at the door: who may, which step, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.intake.outcomes import FILTERED_RELEASE, RATE_LIMITED, Drop, Outcome
from cairn.intake.signed_upload_request import AnnouncedUpload
from cairn.intake.upload import Crash
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.gate import LimitedKey
from cairn.pipeline.accepting.intake_stores import Stores
from cairn.store.crashes.signed_uploads import Plan, Remaining, SignedPart, SignedUploads
from tests.intake.clients import NEW_ID, NOW, PROJECT, OneProject, UntouchedNotes, UntouchedUploads, request

PATH = f"/api/{PROJECT}/minidump/uploads/"
PART = SignedPart(0, 1, 0, 4, "https://bucket/key?signed")


@dataclass
class Steps:
    """Keeps one upload in mind, and what was done with it."""

    remaining_parts: tuple[SignedPart, ...] | None = (PART,)
    magic: bytes = b"MDMP"
    done: list[str] = field(default_factory=list)
    plan: Plan | None = None

    def begin(
        self,
        upload_id: str,
        project_id: int,
        begun: float,
        client: str | None,
        upload: AnnouncedUpload,
        public_key: str = "",
    ) -> Plan:
        event = {**upload.event}
        self.plan = Plan(upload_id, upload.event_id or upload_id, project_id, begun, client, event, (), public_key)
        return self.plan

    def find(self, project_id: int, upload_id: str) -> Plan | None:
        return self.plan if self.plan and (self.plan.project_id, self.plan.id) == (project_id, upload_id) else None

    def remaining(self, plan: Plan) -> Remaining | None:
        return None if self.remaining_parts is None else Remaining(3, self.remaining_parts)

    def complete(self, plan: Plan) -> bool:
        self.done.append("complete")
        return True

    def head(self, plan: Plan, size: int) -> bytes:
        return self.magic[:size]

    def discard(self, plan: Plan) -> None:
        self.done.append("discard")

    def keep(self, plan: Plan) -> bool:
        self.done.append("keep")
        return self.done.count("keep") == 1


def ask(steps: Steps | None, path: str = "", body: Any = None, **more: Any) -> Response:
    said = request(json.dumps(body).encode(), {"user-agent": "tests"}, PATH + path)
    return answer(steps, replace(said, **more))


def answer(steps: Steps | None, sent: Request) -> Response:
    kept = cast("SignedUploads | None", steps)
    stores = Stores(OneProject(), UntouchedUploads(), UntouchedNotes(), signed_uploads=kept)
    return accept(sent, stores, Limits(), lambda: NOW, lambda: NEW_ID)


def test_from_the_beginning_to_the_end() -> None:
    steps = Steps()
    begun = ask(steps, "", {"name": "a.dmp", "size": 4, "fields": {"sentry[release]": "a@1"}})
    assert begun.status == 201
    assert json.loads(begun.body) == {
        "id": NEW_ID,
        "event_id": NEW_ID,
        "received": 3,
        "parts": [{"file": 0, "number": 1, "offset": 0, "size": 4, "url": PART.url}],
    }
    assert steps.plan is not None
    assert (steps.plan.begun, steps.plan.client, steps.plan.event) == (NOW, "tests", {"release": "a@1"})
    assert ask(steps, f"{NEW_ID}/").status == 200
    assert steps.done == []
    steps.remaining_parts = ()
    done = ask(steps, f"{NEW_ID}/commit")
    assert (done.status, json.loads(done.body), done.event_id) == (200, {"id": NEW_ID}, NEW_ID)
    assert steps.done == ["complete", "keep"]


def begun_steps(**more: Any) -> Steps:
    steps = Steps()
    ask(steps, "", {"name": "a.dmp", "size": 4})
    for name, value in more.items():
        setattr(steps, name, value)
    return steps


@pytest.mark.parametrize(
    ("steps", "path", "status", "reason", "done"),
    [
        (begun_steps(), f"{NEW_ID}/commit/", 409, "incomplete_upload", []),
        (begun_steps(remaining_parts=None), f"{NEW_ID}/commit/", 404, "no_such_upload", []),
        (begun_steps(remaining_parts=None), f"{NEW_ID}/", 404, "no_such_upload", []),
        (begun_steps(), f"{'f' * 32}/", 404, "no_such_upload", []),
        (begun_steps(), "..%2fx/", 404, "no_such_upload", []),
        (begun_steps(remaining_parts=(), magic=b"MZ"), f"{NEW_ID}/commit/", 400, "invalid_minidump", ["discard"]),
        (begun_steps(remaining_parts=(), magic=b""), f"{NEW_ID}/commit/", 400, "invalid_minidump", ["discard"]),
    ],
    ids=["too early", "commit of a given up", "given up", "unknown", "a path", "no dump", "empty"],
)
def test_what_is_refused(steps: Steps, path: str, status: int, reason: str, done: list[str]) -> None:
    response = ask(steps, path)
    assert response.error is not None
    assert (response.status, response.error.reason) == (status, reason)
    assert [step for step in steps.done if step != "complete"] == done


@pytest.mark.parametrize(
    ("drop", "status", "detail"),
    [
        (Drop(RATE_LIMITED, "key", 60), 429, "a limit is reached"),
        (Drop(FILTERED_RELEASE), 403, "a filter keeps it out"),
    ],
    ids=["limit", "filter"],
)
def test_what_is_not_wanted_is_said_before_it_is_sent(drop: Drop, status: int, detail: str) -> None:
    class Closed:
        def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop:
            assert crash.event == {"release": "a@1"}
            return drop

    steps, counted = Steps(), KeptOutcomes()
    kept = cast("SignedUploads", steps)
    stores = Stores(OneProject(), UntouchedUploads(), UntouchedNotes(), Closed(), counted, kept)
    body = json.dumps({"name": "a", "size": 1, "fields": {"sentry[release]": "a@1"}}).encode()
    response = accept(request(body, {}, PATH), stores, Limits(), lambda: NOW, lambda: NEW_ID)
    assert (response.status, response.dropped, steps.plan) == (status, drop.reason, None)
    assert detail in json.loads(response.body)["detail"]
    assert counted.became == [(Outcome.DROPPED, drop.reason)]


def test_a_crash_is_counted_once_and_when_it_is_accepted() -> None:
    steps, counted = begun_steps(remaining_parts=()), KeptOutcomes()
    kept = cast("SignedUploads", steps)
    stores = Stores(OneProject(), UntouchedUploads(), UntouchedNotes(), outcomes=counted, signed_uploads=kept)
    for path in (f"{'f' * 32}/", f"{NEW_ID}/", f"{NEW_ID}/commit/", f"{NEW_ID}/commit/"):
        accept(request(b"", {}, PATH + path), stores, Limits(), lambda: NOW, lambda: NEW_ID)
    assert counted.became == [(Outcome.ACCEPTED, "")]


class KeptOutcomes:
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.became: list[tuple[Outcome, str]] = []

    def count(
        self, project_id: int, public_key: str, outcome: Outcome, reason: str, received: float, number: int
    ) -> None:
        self.became.append((outcome, reason))


def test_only_a_good_key_begins() -> None:
    for query, status in (("", 401), ("sentry_key=" + "f" * 32, 403)):
        assert ask(Steps(), "", {"name": "a", "size": 1}, query=query).status == status


def test_where_it_is_not_served() -> None:
    assert ask(None, "", {"name": "a", "size": 1}).status == 404


def test_other_methods() -> None:
    assert ask(Steps(), f"{NEW_ID}/", method="PUT").status == 405


def test_a_store_that_fails() -> None:
    class Broken(Steps):
        def find(self, project_id: int, upload_id: str) -> Plan | None:
            raise RuntimeError("the bucket is gone")

    response = ask(Broken(), f"{NEW_ID}/")
    assert response.error is not None
    assert (response.status, str(response.error.__cause__)) == (500, "the bucket is gone")
