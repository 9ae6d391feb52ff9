"""Which crashes are done again: those whose uploads are kept, with or without an event, and no others."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from io import BytesIO

import pytest

from cairn.intake.upload import Attachment, Upload
from cairn.pipeline.symbolicating.reprocess import BATCH, Chosen, Gone, Selection, Why
from cairn.pipeline.symbolicating.symbolicate import Symbolication
from cairn.store.aws import Clients
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import Uploads
from cairn.store.objects import Objects
from cairn.store.projects import Projects
from cairn.store.settings import Settings
from tests.emulator import running_store

Store = tuple[Settings, Clients]
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


@pytest.fixture
def project(store: Store) -> int:
    return Projects(*store).create(secrets.token_hex(4), "P").id


def crash(store: Store, project: int, received: float, *, with_dump: bool = True, with_event: bool = True) -> str:
    """An upload and, unless told otherwise, its event; answers the key."""
    content = b"MDMP garbage"
    file = Attachment("a.dmp", "application/x-dmp", "event.minidump", len(content), BytesIO(content))
    upload = Upload(secrets.token_hex(16), project, received, (file,) if with_dump else (), {}, None)
    key = Uploads(*store).put(upload)
    if with_event:
        Symbolication(*store).run(key)
    return key


def id_of(key: str) -> str:
    return key.split("/")[-2]


def forget(store: Store, key: str) -> None:
    settings, clients = store
    for listed in list(Objects(clients, settings.bucket).under(key.removesuffix("upload.json"))):
        clients.s3.delete_object(Bucket=settings.bucket, Key=listed.key)


def test_events_by_id(store: Store, project: int) -> None:
    now = time.time()
    kept, client, lost = (
        crash(store, project, now),
        crash(store, project, now, with_dump=False),
        crash(store, project, now),
    )
    forget(store, lost)
    named = [id_of(kept).upper(), id_of(client), id_of(lost), "0" * 32, id_of(kept)]
    chosen = Selection(*store).of_events(named)
    assert chosen.keys == (kept, client)
    assert chosen.gone == (Gone(id_of(lost), Why.RETENTION),)
    assert chosen.unknown == ("0" * 32,)


def test_an_upload_without_an_event_is_found_by_its_id(store: Store, project: int) -> None:
    key = crash(store, project, time.time() - 3 * DAY, with_event=False)
    assert Selection(*store).of_events([id_of(key)]).keys == (key,)


def test_a_dump_that_was_removed_alone_is_gone(store: Store, project: int) -> None:
    settings, clients = store
    key = crash(store, project, time.time())
    clients.s3.delete_object(Bucket=settings.bucket, Key=key.replace("upload.json", "dump"))
    assert Selection(*store).of_events([id_of(key)]).gone == (Gone(id_of(key), Why.POLICY),)
    chosen = Selection(*store).of_time(project, time.time() - HOUR, time.time() + HOUR)
    assert (chosen.keys, chosen.gone) == ((), (Gone(id_of(key), Why.POLICY),))


def test_all_of_a_time(store: Store, project: int) -> None:
    now = time.time()
    before, first, second, after = (crash(store, project, now - days * DAY) for days in (9, 7, 5, 3))
    lost = crash(store, project, now - 6 * DAY)
    forget(store, lost)
    chosen = Selection(*store).of_time(project, now - 8 * DAY, now - 4 * DAY)
    assert chosen.keys == (first, second)
    assert chosen.gone == (Gone(id_of(lost), Why.RETENTION),)
    assert before not in chosen.keys and after not in chosen.keys


def test_the_bounds_are_in_seconds(store: Store, project: int) -> None:
    noon = time.time() // DAY * DAY - 12 * HOUR
    keys = [crash(store, project, noon + seconds) for seconds in (-1, 0, 1, 59, 60)]
    assert Selection(*store).of_time(project, noon, noon + 60).keys == tuple(sorted(keys[1:4]))


def test_uploads_without_events_count_too(store: Store, project: int) -> None:
    now = time.time()
    key = crash(store, project, now, with_event=False)
    assert Selection(*store).of_time(project, now - HOUR, now + HOUR).keys == (key,)
    assert Selection(*store).of_time(project, now - HOUR, now - HOUR / 2).keys == ()


def test_other_projects_are_left_alone(store: Store, project: int) -> None:
    now = time.time()
    key = crash(store, project, now)
    other = Projects(*store).create(secrets.token_hex(4), "other").id
    crash(store, other, now)
    assert Selection(*store).of_time(project, now - HOUR, now + HOUR).keys == (key,)


def issue_of(store: Store, key: str) -> str:
    record = Events(*store).find(id_of(key))
    assert record is not None and record.issue
    return record.issue


def test_all_of_an_issue(store: Store, project: int) -> None:
    now = time.time()
    keys = [crash(store, project, now - days * DAY) for days in (5, 3, 1)]
    lost, emptied = crash(store, project, now - 6 * DAY), crash(store, project, now - 2 * DAY)
    issue = issue_of(store, keys[0])
    other = crash(store, project, now, with_dump=False)
    assert issue_of(store, other) != issue
    forget(store, lost)
    store[1].s3.delete_object(Bucket=store[0].bucket, Key=emptied.replace("upload.json", "dump"))
    looked: list[int] = []
    chosen = Selection(*store, looked.append).of_issue(project, issue.upper(), 0, now + HOUR)
    assert set(chosen.keys) == set(keys)
    assert set(chosen.gone) == {Gone(id_of(lost), Why.RETENTION), Gone(id_of(emptied), Why.POLICY)}
    assert looked == [5]
    assert Selection(*store).of_issue(project, issue, now - 4 * DAY, now - HOUR).keys == (keys[2], keys[1])
    assert Selection(*store).of_issue(project, "0" * 32, 0, now + HOUR) == Chosen(())


def test_many_are_looked_at_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    selection = Selection(*store, looked.append)
    monkeypatch.setattr(selection, "_why_gone", lambda key: None)
    keys = [f"crashes/1/2026-11-24/{number:032x}/upload.json" for number in range(2 * BATCH + 1)]
    assert selection._apart(keys) == (tuple(keys), ())
    assert looked == [BATCH, BATCH, 1]
