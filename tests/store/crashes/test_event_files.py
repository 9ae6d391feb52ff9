"""The files of an event: listed while they are there, and fetched."""

from __future__ import annotations

import io
import secrets
import time
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cairn.intake.upload import Attachment, Upload
from cairn.store.crashes.event_files import EventFiles
from cairn.store.crashes.events import EventRecord, Events
from cairn.store.crashes.notes import Notes
from cairn.store.crashes.uploads import Uploads
from tests.store.conftest import Store

NOW = time.time() // 1 - 1000


def attachment(name: str, content: bytes, kind: str = "event.attachment") -> Attachment:
    return Attachment(name, "text/plain", kind, len(content), io.BytesIO(content))


def stored(store: Store, project_id: int, *files: Attachment) -> str:
    """An event with its upload; answers its id."""
    event_id = secrets.token_hex(16)
    upload = Upload(event_id, project_id, NOW, files)
    key = Uploads(store.settings, store.clients).put(upload)
    Events(store.settings, store.clients).put(
        EventRecord(project_id, event_id, NOW, NOW, "", None, "", "", None, "", key, b"{}")
    )
    return event_id


@pytest.fixture
def files(store: Store) -> EventFiles:
    return EventFiles(store.settings, store.clients)


def test_all_that_came_is_listed_the_dump_first(store: Store, files: EventFiles, project_id: int) -> None:
    log, dump = attachment("log.txt", b"hello"), attachment("a.dmp", b"MDMP", "event.minidump")
    event_id = stored(store, project_id, log, dump)
    late = attachment("late.txt", b"later")
    Notes(store.settings, store.clients).put_attachment(project_id, event_id, NOW, late)
    found = files.of(project_id, event_id) or ()
    assert [(one.file.name, one.is_dump, one.received) for one in found] == [
        ("a.dmp", True, NOW),
        ("log.txt", False, NOW),
        ("late.txt", False, NOW),
    ]
    assert [one.id for one in found[:2]] == ["dump", "attachment-0"]
    assert found[2].id.startswith("late-")


def test_what_is_gone_is_not_listed(store: Store, files: EventFiles, project_id: int) -> None:
    event_id = stored(store, project_id, attachment("a.dmp", b"MDMP", "event.minidump"), attachment("log.txt", b""))
    found = files.of(project_id, event_id) or ()
    store.clients.s3.delete_object(Bucket=store.settings.bucket, Key=found[0].file.key)
    assert [one.id for one in files.of(project_id, event_id) or ()] == ["attachment-0"]
    key = found[0].file.key.replace("dump", "upload.json")
    store.clients.s3.delete_object(Bucket=store.settings.bucket, Key=key)
    assert files.of(project_id, event_id) == ()


def test_without_an_event_there_is_nothing(files: EventFiles, store: Store, project_id: int) -> None:
    assert files.of(project_id, "0" * 32) is None
    event_id = stored(store, project_id, attachment("log.txt", b""))
    assert files.of(project_id + 1_000_000, event_id) is None, "nor in another project"


def test_a_file_is_fetched_by_itself_and_by_its_link(
    store: Store, files: EventFiles, project_id: int, tmp_path: Path
) -> None:
    content = b"MDMP" + bytes(3_000_000)
    event_id = stored(store, project_id, attachment('crash "1" é.dmp', content, "event.minidump"))
    (dump,) = files.of(project_id, event_id) or ()
    came: list[int] = []
    assert files.download(dump, tmp_path / "dump", came.append)
    assert (tmp_path / "dump").read_bytes() == content
    assert sum(came) == len(content) and len(came) > 1
    with urllib.request.urlopen(files.link(dump), timeout=30) as answer:
        assert answer.read() == content
    query = parse_qs(urlsplit(files.link(dump)).query)
    assert query["X-Amz-Expires"] == ["60"]
    assert query["response-content-disposition"] == ['attachment; filename="crash__1___.dmp"']
    store.clients.s3.delete_object(Bucket=store.settings.bucket, Key=dump.file.key)
    assert not files.download(dump, tmp_path / "gone")
