"""A filter by message: it drops what is no event yet, once, and leaves the upload."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from cairn.crash.event import Event, Exceptions, ExceptionValue, Mechanism
from cairn.intake.outcomes import Outcome as Accepted
from cairn.intake.rules import Filter, FilterKind
from cairn.intake.upload import Attachment, Upload
from cairn.pipeline import recent
from cairn.pipeline.symbolicating.message_filter import texts_of
from cairn.pipeline.symbolicating.symbolicate import Outcome, Symbolication
from cairn.store.crashes.drops import Drops
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import Uploads
from cairn.store.outcomes import Outcomes
from cairn.store.projects import Projects
from tests.crash.symbol_files import SAMPLE
from tests.store.conftest import Store, store

__all__ = ["store"]

REASON = "SIGSEGV / SEGV_MAPERR / 0x10"


class Place:
    """A project of its own, and what would be done with its crashes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.projects = Projects(store.settings, store.clients)
        self.project = self.projects.create(f"p{secrets.token_hex(4)}", "x").id

    def filter(self, pattern: str, kind: FilterKind = FilterKind.MESSAGE) -> None:
        self.projects.add_filter(self.project, Filter(kind, pattern))

    def crash(self, event: Mapping[str, Any] | None = None, dump: bool = True, public_key: str = "") -> str:
        """Store an upload; returns its key."""
        content = (SAMPLE / "lighthouse.dmp").read_bytes()
        file = Attachment("a.dmp", "application/x-dmp", "event.minidump", len(content), BytesIO(content))
        files = (file,) if dump else ()
        sent = Upload(secrets.token_hex(16), self.project, time.time(), files, event or {}, None, public_key)
        return Uploads(self.store.settings, self.store.clients).put(sent)

    def symbolicate(self, key: str) -> Outcome:
        """As a function that has just been started does."""
        return Symbolication(self.store.settings, self.store.clients).run(key).outcome

    def event(self, key: str) -> object:
        return Events(self.store.settings, self.store.clients).get(self.project, key.split("/")[-2])

    def counts(self) -> dict[str, int]:
        today = datetime.now(UTC).date()
        outcomes = Outcomes(self.store.settings, self.store.clients)
        return {one.reason: one.count for one in outcomes.between(self.project, today - timedelta(1), today)}


@pytest.fixture
def place(store: Store) -> Place:
    return Place(store)


@pytest.mark.parametrize(
    "pattern", ["SIGSEGV / *", "sigsegv*0x10", "Fatal Error: *", "lighthouse+0x1565", "*0x10: Fatal*"]
)
def test_a_crash_is_dropped_once_it_is_known_and_its_upload_stays(place: Place, pattern: str) -> None:
    place.filter(pattern)
    key = place.crash()
    assert [place.symbolicate(key) for _ in range(3)] == [Outcome.FILTERED] * 3
    assert place.event(key) is None
    assert place.counts() == {"filtered:message": 1}
    uploads, event_id = Uploads(place.store.settings, place.store.clients), key.split("/")[-2]
    stored = uploads.get(key)
    assert stored is not None and stored.dump is not None and uploads.read(stored.dump.key, 10_000_000)
    assert Drops(place.store.settings, place.store.clients).reason(event_id) == "filtered:message"


def test_a_dropped_crash_is_not_counted_as_accepted(place: Place) -> None:
    place.filter("*")
    outcomes = Outcomes(place.store.settings, place.store.clients)
    keys = [place.crash(public_key="a" * 32) for _ in range(2)]
    for key in keys:
        stored = Uploads(place.store.settings, place.store.clients).get(key)
        assert stored is not None
        outcomes.count(place.project, "a" * 32, Accepted.ACCEPTED, "", stored.received)
    assert [place.symbolicate(keys[0]) for _ in range(2)] == [Outcome.FILTERED] * 2
    assert place.counts() == {"": 1, "filtered:message": 1}
    assert place.symbolicate(keys[1]) is Outcome.FILTERED
    assert place.counts() == {"filtered:message": 2}, "what is none is not told"


@pytest.mark.parametrize("pattern", ["SIGSEGV", "SIGBUS*", "*0x11", "?"])
def test_a_crash_that_no_filter_fits_is_kept(place: Place, pattern: str) -> None:
    place.filter(pattern)
    place.filter("*", FilterKind.RELEASE)
    key = place.crash()
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    assert place.event(key) is not None
    assert place.counts() == {}


def test_an_event_of_the_client_is_looked_at_too(place: Place) -> None:
    place.filter("out of *")
    key = place.crash({"logentry": {"message": "out of %s", "params": ["oil"]}}, dump=False)
    assert place.symbolicate(key) is Outcome.FILTERED


def test_what_is_an_event_already_stays_one(place: Place) -> None:
    key = place.crash()
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    place.filter("*")
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    assert place.counts() == {}


def test_without_the_filter_a_dropped_crash_becomes_an_event(place: Place) -> None:
    place.filter("*")
    key = place.crash()
    assert place.symbolicate(key) is Outcome.FILTERED
    place.projects.remove_filter(place.project, Filter(FilterKind.MESSAGE, "*"))
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    assert place.event(key) is not None


def test_a_running_function_heeds_a_filter_after_a_minute(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Symbolication(place.store.settings, place.store.clients)
    assert step.run(place.crash()).outcome is Outcome.SYMBOLICATED
    place.filter("*")
    assert step.run(place.crash()).outcome is Outcome.SYMBOLICATED
    monkeypatch.setattr(recent, "KEPT_SECONDS", 0)
    assert step.run(place.crash()).outcome is Outcome.FILTERED


def test_a_crash_of_no_project_is_kept(place: Place) -> None:
    place.project = 10**9
    assert place.symbolicate(place.crash()) is Outcome.SYMBOLICATED


@pytest.mark.parametrize(
    ("event", "texts"),
    [
        (Event(event_id="", timestamp=0, received=0), []),
        (Event(event_id="", timestamp=0, received=0, title="a", culprit="b", message="c"), ["a", "b", "c"]),
        (Event(event_id="", timestamp=0, received=0, message={"formatted": "c"}), ["c"]),
        (
            Event(
                event_id="",
                timestamp=0,
                received=0,
                exception=Exceptions(values=(ExceptionValue(type="E", value="v", mechanism=Mechanism(type="x")),)),
            ),
            ["E", "v", "E: v"],
        ),
    ],
    ids=["nothing", "texts", "logentry", "exception"],
)
def test_what_a_filter_looks_at(event: Event, texts: list[str]) -> None:
    assert list(texts_of(event)) == texts
