"""What is kept of a crash: on the emulator, with real dumps, and by every policy."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import pytest

from cairn.crash.event import Event
from cairn.intake.upload import Attachment, Upload
from cairn.pipeline.symbolicating.dump_keeping import AT_ONCE, DumpKeeping
from cairn.pipeline.symbolicating.symbolicate import Outcome, Symbolication
from cairn.privacy.scrub_dump import scrub_dump
from cairn.privacy.settings import Privacy
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps
from cairn.store.crashes.events import Events
from cairn.store.crashes.notes import Notes, with_notes
from cairn.store.crashes.uploads import Uploads
from cairn.store.errors import RefusedError, UnavailableError
from cairn.store.projects import Projects
from cairn.store.settings import Settings
from cairn.store.symbols.waiting import WaitingCrashes
from tests.crash.symbol_files import SAMPLE
from tests.emulator import running_store

DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
SECRET = b"mail canary@example.com now"
NOW = time.time() // 1 - 3600


@dataclass(frozen=True)
class Place:
    """A deployment without functions; each test has a project of its own."""

    settings: Settings
    clients: Clients

    def project(self, **privacy: Any) -> int:
        projects = Projects(self.settings, self.clients)
        project = projects.create(secrets.token_hex(8), "Game")
        projects.set_privacy(project.id, Privacy(**privacy))
        return project.id

    def crash(self, project: int, age: int = 0, dump: bytes = DUMP + SECRET) -> str:
        """Store an upload that is ``age`` seconds older than now; returns its key."""
        files = (
            Attachment("a.dmp", "application/octet-stream", "event.minidump", len(dump), BytesIO(dump)),
            Attachment("log.txt", "text/plain", "event.attachment", len(SECRET), BytesIO(SECRET)),
        )
        upload = Upload(
            secrets.token_hex(16), project, NOW - age, files, {"extra": {"mail": "canary@example.com"}}, None
        )
        return Uploads(self.settings, self.clients).put(upload)

    def symbolicate(self, key: str) -> Outcome:
        return Symbolication(self.settings, self.clients).run(key).outcome

    def event(self, key: str) -> Event:
        project, event_id = int(key.split("/")[1]), key.split("/")[-2]
        record = Events(self.settings, self.clients).get(project, event_id)
        assert record is not None
        return with_notes(Event.from_json(record.body), Notes(self.settings, self.clients).of(project, event_id))

    def state(self, key: str) -> str | None:
        dump = self.event(key).cairn.dump
        return dump.state if dump else None

    def object(self, key: str, name: str = "dump") -> bytes | None:
        return Uploads(self.settings, self.clients).read(key.replace("upload.json", name), 10_000_000)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with running_store() as (settings, clients):
        yield Place(settings, clients)


def test_a_dump_is_scrubbed_in_its_place_unless_the_project_wants_otherwise(place: Place) -> None:
    key = place.crash(project=place.project())
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    dump = place.object(key)
    assert dump is not None and len(dump) == len(DUMP + SECRET) and dump != DUMP + SECRET
    assert b"canary" not in dump
    event = place.event(key)
    assert event.cairn.dump and event.cairn.dump.state == "scrubbed"
    assert event.extra == {"mail": "[email]"} and event.cairn.scrubbed == {"email": 1}
    assert place.object(key, "attachment-0") == SECRET, "what a client chose to send stays"

    raw = place.crash(project=place.project(scrub=False, scrub_dumps=False))
    place.symbolicate(raw)
    assert place.object(raw) == DUMP + SECRET
    assert place.event(raw).extra == {"mail": "canary@example.com"}
    assert place.state(raw) == "kept"


def said(place: Place, key: str) -> str:
    """The ``upload.json`` as text."""
    content = place.object(key, "upload.json")
    assert content is not None
    return content.decode()


def test_an_upload_that_came_unscrubbed_is_scrubbed_too(place: Place) -> None:
    key = place.crash(place.project())
    assert "canary@example.com" in said(place, key)
    place.symbolicate(key)
    kept = json.loads(said(place, key))
    assert kept["event"]["extra"] == {"mail": "[email]"} and kept["scrubbed"] == {"email": 1}
    assert place.event(key).cairn.scrubbed == {"email": 1}
    before = said(place, key)
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    assert said(place, key) == before and place.event(key).cairn.scrubbed == {"email": 1}

    raw = place.crash(place.project(scrub=False))
    place.symbolicate(raw)
    assert "canary@example.com" in said(place, raw)


def test_a_scrubbed_dump_gives_the_same_event_again(place: Place) -> None:
    key = place.crash(project=place.project())
    place.symbolicate(key)
    first, dump = place.event(key), place.object(key)
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    again = place.event(key)
    assert (again.exception, again.threads, again.cairn.grouping) == (
        first.exception,
        first.threads,
        first.cairn.grouping,
    )
    assert place.object(key) == dump


def test_a_dump_that_cannot_be_read_is_scrubbed_and_kept(place: Place) -> None:
    for policy in ("all", "none"):
        key = place.crash(place.project(dumps=policy), dump=b"MDMP" + SECRET)
        assert place.symbolicate(key) is Outcome.UNREADABLE
        assert place.state(key) == "scrubbed"
        dump = place.object(key)
        assert dump is not None and b"canary" not in dump


def test_none_is_kept_once_the_event_is_made(place: Place) -> None:
    project = place.project(dumps="none")
    key = place.crash(project)
    assert place.symbolicate(key) is Outcome.SYMBOLICATED
    assert place.object(key) is None
    event = place.event(key)
    assert event.cairn.dump and event.cairn.dump.state == "removed"
    assert place.object(key, "attachment-0") == SECRET
    waiting = WaitingCrashes(place.settings, place.clients).wanted(project, 10)
    assert waiting == (), "nothing could be done with symbols that come"
    assert place.symbolicate(key) is Outcome.GONE
    assert place.event(key) == event, "and the event stays as it was"


def test_a_removal_that_broke_off_is_done_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.crash(place.project(dumps="none"))

    def broken(*_: Any) -> None:
        raise UnavailableError("store_failed", "the function ends here")

    with monkeypatch.context() as patch:
        patch.setattr(DumpKeeping, "after", broken)
        with pytest.raises(UnavailableError):
            place.symbolicate(key)
    assert place.object(key) is not None
    place.symbolicate(key)
    assert place.object(key) is None


def test_the_newest_of_an_issue_are_kept_in_whatever_order_they_come(place: Place) -> None:
    project = place.project(dumps="newest=2")
    keys = {age: place.crash(project, age) for age in range(6)}
    for age in (3, 0, 5, 1, 4, 2, 3):
        place.symbolicate(keys[age])
    assert [age for age in keys if place.object(keys[age]) is not None] == [0, 1]
    states = [place.state(keys[age]) for age in keys]
    assert states == ["scrubbed"] * 2 + ["removed"] * 4
    assert place.symbolicate(keys[5]) is Outcome.GONE


def test_a_removal_for_newer_ones_that_broke_off_is_gone_on_with(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    project = place.project(dumps="newest=1")
    older, newer = place.crash(project, 5), place.crash(project)
    place.symbolicate(older)

    def broken(*_: Any) -> None:
        raise UnavailableError("store_failed", "the function ends here")

    with monkeypatch.context() as patch:
        patch.setattr(Dumps, "remove", broken)
        with pytest.raises(UnavailableError):
            place.symbolicate(newer)
    assert place.object(older) is not None
    place.symbolicate(newer)
    assert place.object(older) is None


def test_of_another_issue_nothing_is_removed(place: Place) -> None:
    project = place.project(dumps="newest=1")
    lighthouse, unreadable = place.crash(project, 5), place.crash(project, 3, dump=b"MDMP no")
    for key in (lighthouse, unreadable):
        place.symbolicate(key)
    assert place.object(lighthouse) is not None and place.object(unreadable) is not None


def test_one_crash_removes_a_bounded_number(place: Place) -> None:
    project = place.project(dumps="all")
    keys = [place.crash(project, age) for age in range(AT_ONCE + 4)]
    for key in keys:
        place.symbolicate(key)
    Projects(place.settings, place.clients).set_privacy(project, Privacy(dumps="newest=1"))
    place.symbolicate(keys[0])
    assert [place.object(key) is not None for key in keys] == [True] + [False] * AT_ONCE + [True] * 3


def test_a_dump_that_was_changed_meanwhile_is_not_written_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.crash(place.project())
    step = Symbolication(place.settings, place.clients)

    def slow(*arguments: Any) -> Any:
        place.clients.s3.delete_object(Bucket=place.settings.bucket, Key=key.replace("upload.json", "dump"))
        return scrub_dump(*arguments)

    monkeypatch.setattr("cairn.pipeline.symbolicating.dump_keeping.scrub_dump", slow)
    step.run(key)
    assert place.object(key) is None, "another one removed it"


def test_settings_that_make_no_sense_are_refused(place: Place) -> None:
    projects = Projects(place.settings, place.clients)
    project = place.project(dumps="newest=3", safe_fields=("a",))
    for bad in (Privacy(dumps="some"), Privacy(safe_fields=("",)), Privacy(sensitive_fields=("a",) * 101)):
        with pytest.raises(RefusedError):
            projects.set_privacy(project, bad)
    kept = projects.get(project)
    assert kept is not None and kept.privacy == replace(Privacy(), dumps="newest=3", safe_fields=("a",))
    assert projects.set_privacy(10_000_000, Privacy()) is None
