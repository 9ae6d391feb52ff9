"""Dumps that are read in blocks are scrubbed as small ones are, or not kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cairn.pipeline.symbolicating.scrub_large_dump import EFFORT, LargeDumpScrubbing, Outcome
from cairn.pipeline.symbolicating.symbolicate import Symbolication
from cairn.privacy.scrub_dump import BLOCK, Effort, scrub_dump
from cairn.privacy.settings import Privacy
from cairn.store.crashes.dumps import Dumps
from cairn.store.crashes.event_files import EventFiles
from cairn.store.notifications import scrub_in
from cairn.store.parts import PART
from cairn.store.projects import Projects
from cairn.store.queues import Queue
from tests.emulator import running_store
from tests.pipeline.symbolicating.test_dump_keeping import DUMP, Place

SECRET = b"DB_PASSWORD=hunter2hunter2\0 canary@example.com\0"
LARGE = DUMP + bytes(2 * BLOCK) + SECRET + bytes(3 * BLOCK) + b"again hunter2hunter2 \0"
"""Its blocks 0 to 5: some untouched, and a copy of a value far from where it is named."""


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with running_store() as (settings, clients):
        yield Place(settings, clients)


@pytest.fixture
def queue(place: Place) -> Queue:
    return Queue(place.clients, place.clients.sqs.create_queue(QueueName=f"q-{secrets.token_hex(4)}")["QueueUrl"])


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.pipeline.symbolicating.symbolicate.WHOLE_DUMP", 1000)


def symbolicate(place: Place, key: str, queue: Queue | None) -> list[str]:
    """Make the event; answers the uploads whose dumps are to be scrubbed."""
    Symbolication(place.settings, place.clients, debug_files=queue).run(key)
    got = queue.receive() if queue else []
    for message in got:
        queue.delete([message])  # type: ignore[union-attr]
    return [wanted for message in got if (wanted := scrub_in(message.body))]


def scrub(place: Place, key: str, effort: Effort = EFFORT) -> Outcome:
    return LargeDumpScrubbing(place.settings, place.clients, effort).run(key)


def test_parts_are_told_as_they_are_stored() -> None:
    assert BLOCK == PART


def test_a_large_dump_waits_and_is_scrubbed_as_a_small_one(place: Place, queue: Queue) -> None:
    project = place.project()
    key = place.crash(project, dump=LARGE)
    assert symbolicate(place, key, queue) == [key]
    assert place.state(key) == "waiting"
    event_id = key.split("/")[-2]
    assert [one.id for one in EventFiles(place.settings, place.clients).of(project, event_id) or ()] == ["attachment-0"]
    assert scrub(place, key) is Outcome.SCRUBBED
    assert place.state(key) == "scrubbed"
    content = read_whole(place, key)
    assert content == scrub_dump(LARGE, None, Privacy()).data
    assert b"hunter2" not in content and b"canary" not in content
    assert scrub(place, key) is Outcome.SCRUBBED, "twice is harmless"
    assert read_whole(place, key) == content
    assert symbolicate(place, key, queue) == [], "and is not searched again for symbols that come"
    assert place.state(key) == "scrubbed"
    files = EventFiles(place.settings, place.clients).of(project, event_id) or ()
    assert [one.id for one in files] == ["dump", "attachment-0"]


def read_whole(place: Place, key: str) -> bytes:
    answer = place.clients.s3.get_object(Bucket=place.settings.bucket, Key=key.replace("upload.json", "dump"))
    return answer["Body"].read()


def test_what_cannot_be_scrubbed_in_time_is_not_kept(place: Place, queue: Queue) -> None:
    for effort in (replace(EFFORT, work=1), replace(EFFORT, seconds=0.0)):
        key = place.crash(place.project(), dump=LARGE)
        symbolicate(place, key, queue)
        assert scrub(place, key, effort) is Outcome.REMOVED
        assert place.object(key) is None and place.state(key) == "removed"
        assert place.object(key, "attachment-0") is not None
        assert scrub(place, key) is Outcome.GONE


def test_without_anyone_to_scrub_it_is_not_kept_either(place: Place) -> None:
    key = place.crash(place.project(), dump=LARGE)
    symbolicate(place, key, None)
    assert place.object(key) is None and place.state(key) == "removed"


def test_where_the_project_wants_it_raw(place: Place, queue: Queue) -> None:
    project = place.project(scrub_dumps=False)
    key = place.crash(project, dump=LARGE)
    assert symbolicate(place, key, queue) == []
    assert place.state(key) == "kept" and read_whole(place, key) == LARGE

    changed = place.crash(place.project(), dump=LARGE)
    symbolicate(place, changed, queue)
    projects = Projects(place.settings, place.clients)
    projects.set_privacy(int(changed.split("/")[1]), Privacy(scrub_dumps=False))
    assert scrub(place, changed) is Outcome.KEPT
    assert place.state(changed) == "kept" and read_whole(place, changed) == LARGE
    projects.set_privacy(int(changed.split("/")[1]), Privacy())
    assert symbolicate(place, changed, queue) == [changed]
    assert scrub(place, changed) is Outcome.SCRUBBED and place.state(changed) == "scrubbed"


def test_a_dump_that_cannot_be_read(place: Place, queue: Queue) -> None:
    key = place.crash(place.project(dumps="none"), dump=b"MDMP" + SECRET + bytes(BLOCK))
    assert symbolicate(place, key, queue) == [key]
    assert scrub(place, key) is Outcome.SCRUBBED
    assert b"canary" not in read_whole(place, key)


def test_one_that_is_removed_meanwhile_stays_so(place: Place, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.crash(place.project(), dump=LARGE)
    symbolicate(place, key, queue)
    whole = Dumps.replace_parts

    def slow(self: Dumps, *arguments: Any) -> bool:
        project, event_id = int(key.split("/")[1]), key.split("/")[-2]
        self.note_and_remove(project, event_id, place.event(key).received)
        return whole(self, *arguments)

    monkeypatch.setattr(Dumps, "replace_parts", slow)
    assert scrub(place, key) is Outcome.GONE
    assert place.object(key) is None and place.state(key) == "removed"
    monkeypatch.undo()
    assert scrub(place, key) is Outcome.GONE


def test_what_is_gone(place: Place) -> None:
    key = place.crash(place.project(), dump=LARGE)
    place.clients.s3.delete_object(Bucket=place.settings.bucket, Key=key.replace("upload.json", "dump"))
    assert scrub(place, key) is Outcome.GONE
    assert scrub(place, key.replace("upload.json", "none")) is Outcome.GONE
