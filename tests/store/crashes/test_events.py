"""Events: first wins, replacement by the same upload, bodies, lists and retention."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest

from cairn.store.crashes.events import BODY_LIMIT, TEXT_LIMIT, EventRecord, Events, EventSummary
from cairn.store.errors import RefusedError, UnreadableError
from tests.store.conftest import Store

NOW = time.time() // 1 - 5000.25


@pytest.fixture
def events(store: Store) -> Events:
    return Events(store.settings, store.clients)


def record(project_id: int, received: float = NOW, body: bytes = b'{"a": 1}') -> EventRecord:
    event_id = secrets.token_hex(16)
    return EventRecord(
        project_id=project_id,
        event_id=event_id,
        received=received,
        timestamp=received - 2,
        title="SIGSEGV / SEGV_MAPERR / 0x0",
        culprit="crash_here",
        level="fatal",
        os="Linux",
        release="paint@1.0",
        status="done",
        upload_key=f"crashes/{project_id}/2026-01-01/{event_id}/upload.json",
        body=body,
    )


def item_of(store: Store, event: EventRecord) -> dict[str, dict[str, str]]:
    answer = store.clients.dynamodb.get_item(
        TableName=store.settings.events_table,
        Key={"pk": {"S": f"event#{event.event_id}"}, "sk": {"S": f"project#{event.project_id}"}},
    )
    item: dict[str, dict[str, str]] = answer["Item"]  # type: ignore[assignment]
    return item


def test_an_event_comes_back_by_project_and_id_and_by_id_alone(events: Events, project_id: int) -> None:
    event = record(project_id)
    assert events.put(event) is True
    assert events.get(project_id, event.event_id) == event
    assert events.find(event.event_id) == event
    spelled = str(uuid.UUID(event.event_id)).upper()
    assert events.find(spelled) == event
    assert events.get(project_id, spelled) == event


def test_fields_that_may_be_missing_come_back_as_none(events: Events, project_id: int) -> None:
    event = replace(record(project_id), culprit=None, release=None, received=float(int(NOW)))
    events.put(event)
    assert events.get(project_id, event.event_id) == event
    assert events.list(project_id).items[0].culprit is None


def test_what_is_not_there_is_none(events: Events, project_id: int) -> None:
    assert events.get(project_id, "0" * 32) is None
    assert events.find("not an id") is None
    assert events.list(project_id).items == ()


def test_the_same_upload_replaces_its_event_and_is_listed_once(events: Events, project_id: int) -> None:
    event = record(project_id)
    better = replace(event, title="SIGSEGV in paint", body=b'{"a": 2}')
    assert events.put(event)
    assert events.put(event)
    assert events.put(better)
    assert events.get(project_id, event.event_id) == better
    assert [summary.title for summary in events.list(project_id).items] == ["SIGSEGV in paint"]


def test_another_upload_with_the_id_changes_nothing(events: Events, project_id: int) -> None:
    first = record(project_id)
    second = replace(first, upload_key="crashes/other/upload.json", title="other", body=secrets.token_bytes(400_000))
    assert events.put(first) is True
    assert events.put(second) is False
    assert events.put(second) is False
    assert events.get(project_id, first.event_id) == first
    assert len(events.list(project_id).items) == 1


def test_of_many_uploads_at_once_one_wins(events: Events, project_id: int) -> None:
    event = record(project_id)
    rivals = [replace(event, upload_key=f"crashes/{n}/upload.json") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(events.put, rivals))
    assert won.count(True) == 1
    assert events.get(project_id, event.event_id) == rivals[won.index(True)]


def test_projects_that_choose_one_id_keep_their_own_events(events: Events, project_id: int) -> None:
    late = record(project_id)
    early = replace(late, project_id=project_id + 500_000, received=NOW - 60, upload_key="crashes/early/upload.json")
    assert events.put(late)
    assert events.put(early)
    assert events.get(late.project_id, late.event_id) == late
    assert events.get(early.project_id, late.event_id) == early
    assert events.find(late.event_id) == early


def test_the_events_of_an_issue_are_listed_newest_first_and_page_by_page(events: Events, project_id: int) -> None:
    mine = [replace(record(project_id, NOW - age), issue="ab" * 16) for age in range(5)]
    other = [replace(record(project_id), issue="cd" * 16), record(project_id)]
    elsewhere = replace(record(project_id + 500_000), issue="ab" * 16)
    for event in (*mine, *other, elsewhere):
        assert events.put(event)
    page = events.list_issue(project_id, "AB" * 16, limit=3)
    assert [event.event_id for event in page.items] == [event.event_id for event in mine[:3]]
    rest = events.list_issue(project_id, "ab" * 16, limit=3, cursor=page.cursor)
    assert [event.event_id for event in rest.items] == [event.event_id for event in mine[3:]]
    assert rest.cursor is None
    found = events.get(project_id, mine[0].event_id)
    assert found is not None and found.issue == "ab" * 16


def test_an_event_that_is_made_again_may_change_its_issue(events: Events, project_id: int) -> None:
    event = replace(record(project_id), issue="ab" * 16)
    events.put(event)
    events.put(replace(event, issue="cd" * 16))
    assert events.list_issue(project_id, "ab" * 16).items == ()
    assert len(events.list_issue(project_id, "cd" * 16).items) == 1


def test_a_body_above_the_limit_lies_in_s3_and_changes_in_one_write(
    events: Events, store: Store, project_id: int
) -> None:
    event = record(project_id, body=secrets.token_bytes(400_000))
    assert events.put(event)
    assert events.get(project_id, event.event_id) == event
    item = item_of(store, event)
    assert "body" not in item
    assert item["body_key"]["S"].startswith(f"events/{project_id}/{event.event_id}/")

    other = replace(event, body=secrets.token_bytes(400_000))
    assert events.put(other)
    assert events.find(event.event_id) == other
    small = replace(event, body=b"{}")
    assert events.put(small)
    assert "body_key" not in item_of(store, event)
    assert events.find(event.event_id) == small


def test_a_body_that_has_expired_takes_its_event_along(events: Events, store: Store, project_id: int) -> None:
    event = record(project_id, body=secrets.token_bytes(400_000))
    events.put(event)
    store.clients.s3.delete_object(Bucket=store.settings.bucket, Key=item_of(store, event)["body_key"]["S"])
    assert events.get(project_id, event.event_id) is None


def test_a_large_body_that_compresses_well_stays_in_the_item(events: Events, store: Store, project_id: int) -> None:
    event = record(project_id, body=json.dumps([{"function": "crash_here"}] * 50_000).encode())
    events.put(event)
    assert "body" in item_of(store, event)
    assert events.get(project_id, event.event_id) == event


def test_a_body_without_measure_is_refused(events: Events, project_id: int) -> None:
    with pytest.raises(RefusedError) as caught:
        events.put(record(project_id, body=bytes(BODY_LIMIT + 1)))
    assert caught.value.code == "event_too_large"


def test_a_body_of_another_hand_is_named(events: Events, store: Store, project_id: int) -> None:
    event = record(project_id)
    events.put(event)
    for body in (b"no zstd", b"\x28\xb5\x2f\xfd broken"):
        item = item_of(store, event) | {"body": {"B": body}}
        store.clients.dynamodb.put_item(TableName=store.settings.events_table, Item=item)
        with pytest.raises(UnreadableError) as caught:
            events.get(project_id, event.event_id)
        assert caught.value.code == "event_malformed"


def test_long_texts_are_cut(events: Events, project_id: int) -> None:
    event = replace(record(project_id), title="x" * 500_000, release="y" * 500_000)
    assert events.put(event)
    stored = events.get(project_id, event.event_id)
    assert stored is not None
    assert stored.title == "x" * TEXT_LIMIT
    assert stored.release == "y" * TEXT_LIMIT


def test_a_list_is_newest_first_in_pages_and_says_what_the_event_says(events: Events, project_id: int) -> None:
    made = [record(project_id, NOW + n * 0.125) for n in (3, 0, 6, 1, 5, 2, 4)]
    for event in made:
        events.put(event)
    events.put(record(project_id + 700_000))
    newest_first = sorted(made, key=lambda event: event.received, reverse=True)

    seen: list[EventSummary] = []
    cursor, sizes = None, []
    while True:
        page = events.list(project_id, 3, cursor)
        seen += page.items
        sizes.append(len(page.items))
        cursor = page.cursor
        if cursor is None:
            break
    assert sizes == [3, 3, 1]
    assert [summary.event_id for summary in seen] == [event.event_id for event in newest_first]
    summary = asdict(seen[0])
    assert summary == {name: value for name, value in asdict(newest_first[0]).items() if name in summary}


def test_a_cursor_holds_while_events_arrive(events: Events, project_id: int) -> None:
    old = [record(project_id, NOW + n) for n in range(4)]
    for event in old:
        events.put(event)
    first = events.list(project_id, 2)
    events.put(record(project_id, NOW + 100))
    second = events.list(project_id, 2, first.cursor)
    ids = [summary.event_id for summary in (*first.items, *second.items)]
    assert ids == [event.event_id for event in reversed(old)]


def test_events_of_one_moment_are_each_listed_once(events: Events, project_id: int) -> None:
    made = {record(project_id) for _ in range(5)}
    for event in made:
        events.put(event)
    first = events.list(project_id, 2)
    second = events.list(project_id, 10, first.cursor)
    ids = [summary.event_id for summary in (*first.items, *second.items)]
    assert len(ids) == 5
    assert set(ids) == {event.event_id for event in made}


@pytest.mark.parametrize("cursor", ["x", "2026-01-01", "2026-01-01T00:00:00.000000Z_zz", '{"pk": {"S": "a"}}'])
def test_a_foreign_cursor_is_refused(events: Events, project_id: int, cursor: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        events.list(project_id, 3, cursor)
    assert caught.value.code == "bad_cursor"


def test_an_event_expires_by_its_retention(store: Store, project_id: int) -> None:
    events = Events(replace(store.settings, retention_days=30), store.clients)
    day = 86400
    fresh, old = record(project_id, time.time() - 29 * day), record(project_id, time.time() - 31 * day)
    events.put(fresh)
    events.put(old)
    assert int(item_of(store, fresh)["expires"]["N"]) == int(fresh.received) + 30 * day
    assert events.get(project_id, fresh.event_id) == fresh
    assert events.get(project_id, old.event_id) is None
    assert events.find(old.event_id) is None
    assert [summary.event_id for summary in events.list(project_id).items] == [fresh.event_id]


def test_ninety_days_unless_told_otherwise(events: Events, store: Store, project_id: int) -> None:
    event = record(project_id)
    events.put(event)
    assert int(item_of(store, event)["expires"]["N"]) == int(event.received) + 90 * 86400
