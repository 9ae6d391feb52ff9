"""Feedback and late attachments: kept beside the event, once, whether it is there or not."""

from __future__ import annotations

import io
import secrets
import time

import pytest

from cairn.crash.event import Event
from cairn.intake.upload import Attachment, Feedback
from cairn.store.crashes.events import EventRecord, Events
from cairn.store.crashes.notes import MOST, Notes, with_notes
from cairn.store.crashes.uploads import Uploads
from tests.store.conftest import Store

NOW = float(int(time.time()) - 1000)


@pytest.fixture
def notes(store: Store) -> Notes:
    return Notes(store.settings, store.clients)


def feedback(event_id: str, message: str = "it broke", name: str | None = "Jo") -> Feedback:
    return Feedback(event_id, name, None, message)


def attachment(content: bytes = b"png", name: str = "shot.png") -> Attachment:
    return Attachment(name, "image/png", "event.attachment", len(content), io.BytesIO(content))


def test_feedback_comes_back_in_the_order_it_came(notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    said = [feedback(event_id, str(number)) for number in range(3)]
    for number in (2, 0, 1):
        assert notes.put_feedback(project_id, NOW + number, said[number]) is True
    spelled = event_id.upper()
    assert notes.of(project_id, spelled).feedback == tuple((NOW + number, said[number]) for number in range(3))
    assert notes.of(project_id + 1_000_000, event_id).feedback == ()


def test_the_same_feedback_is_kept_once(notes: Notes, project_id: int) -> None:
    said = feedback(secrets.token_hex(16))
    assert notes.put_feedback(project_id, NOW, said) is True
    assert notes.put_feedback(project_id, NOW + 86400, said) is False
    assert notes.of(project_id, said.event_id).feedback == ((NOW, said),)


def test_an_attachment_is_kept_once_with_its_content(store: Store, notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    assert notes.put_attachment(project_id, event_id, NOW, attachment()) is True
    assert notes.put_attachment(project_id, event_id, NOW, attachment()) is False
    assert notes.put_attachment(project_id, event_id, NOW, attachment(b"other")) is True
    files = notes.of(project_id, event_id).attachments
    assert [(file.name, file.content_type, file.kind) for file in files] == [
        ("shot.png", "image/png", "event.attachment")
    ] * 2
    uploads = Uploads(store.settings, store.clients)
    assert {uploads.read(file.key, 100) for file in files} == {b"png", b"other"}
    assert all("/late-" in file.key and event_id in file.key for file in files)


def test_notes_do_not_hide_the_event(store: Store, notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    notes.put_feedback(project_id, NOW - 5, feedback(event_id))
    events = Events(store.settings, store.clients)
    assert events.find(event_id) is None
    key = f"crashes/{project_id}/{event_id}/upload.json"
    record = EventRecord(project_id, event_id, NOW, NOW, "t", None, "fatal", "Linux", None, "done", key, b"{}")
    assert events.put(record) is True
    assert events.find(event_id) == record
    assert [summary.event_id for summary in events.list(project_id).items] == [event_id]


def test_no_event_has_more_notes_than_can_be_shown(notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    for number in range(MOST + 5):
        notes.put_feedback(project_id, NOW + number, feedback(event_id, str(number)))
    found = notes.of(project_id, event_id).feedback
    assert len(found) == MOST
    assert found[0][1].message == "0"


def test_notes_expire(store: Store, notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    notes.put_feedback(project_id, NOW, feedback(event_id))
    answer = store.clients.dynamodb.query(
        TableName=store.settings.events_table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"event#{event_id}"}},
    )
    assert [item["expires"]["N"] for item in answer["Items"]] == [str(int(NOW) + store.settings.retention_days * 86400)]


def test_what_has_expired_is_not_given_out(store: Store, notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    notes.put_feedback(project_id, time.time() - store.settings.retention_days * 86400 - 5, feedback(event_id))
    assert notes.of(project_id, event_id).feedback == ()


def test_an_event_is_read_with_its_notes(notes: Notes, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    notes.put_feedback(project_id, NOW, feedback(event_id))
    notes.put_attachment(project_id, event_id, NOW, attachment())
    event = with_notes(Event(event_id=event_id, timestamp=NOW, received=NOW), notes.of(project_id, event_id))
    assert event.cairn.feedback is not None
    assert [(said.name, said.message, said.received) for said in event.cairn.feedback] == [("Jo", "it broke", NOW)]
    assert [(file.name, file.size) for file in event.cairn.attachments] == [("shot.png", 3)]
    assert Event.from_json(event.to_json()) == event
