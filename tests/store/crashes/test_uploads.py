"""Uploads: order, first wins, completion after a break, and what comes back."""

from __future__ import annotations

import io
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.intake.upload import UPLOAD_VERSION, Attachment, Upload
from cairn.store.crashes.uploads import Uploads, parse_manifest
from cairn.store.errors import RefusedError, UnreadableError
from cairn.store.objects import Objects
from cairn.store.parts import PART
from tests.store.conftest import Store

RECEIVED = 1_767_225_599.5  # the last second of 2025 in UTC


@pytest.fixture
def uploads(store: Store) -> Uploads:
    return Uploads(store.settings, store.clients)


@pytest.fixture
def objects(store: Store) -> Objects:
    return Objects(store.clients, store.settings.bucket)


def attachment(content: bytes, name: str = "log.txt", kind: str = "event.attachment") -> Attachment:
    return Attachment(name, "text/plain", kind, len(content), io.BytesIO(content))


def upload(*files: Attachment, event_id: str | None = None) -> Upload:
    dump = attachment(b"MDMP" + bytes(60), "upload_file_minidump", "event.minidump")
    event = {"release": "paint@1.0", "tags": {"b": "c"}}
    return Upload(event_id or secrets.token_hex(16), 7, RECEIVED, (dump, *files), event, "sentry.native/0.7")


def test_an_upload_comes_back_as_it_was_sent(uploads: Uploads) -> None:
    sent = upload(attachment(b"first"), attachment(b"second", "ü/✓.bin"))
    key = uploads.put(sent)
    folder = f"crashes/7/2025-12-31/{sent.event_id}/"
    assert key == folder + "upload.json"

    stored = uploads.get(key)
    assert stored is not None
    assert (stored.key, stored.event_id, stored.project_id, stored.received) == (key, sent.event_id, 7, RECEIVED)
    assert (stored.event, stored.client) == (sent.event, sent.client)
    assert stored.dump_key == folder + "dump"
    assert [(file.key, file.name, file.kind, file.content_type, file.size) for file in stored.attachments] == [
        (folder + "attachment-0", "log.txt", "event.attachment", "text/plain", 5),
        (folder + "attachment-1", "ü/✓.bin", "event.attachment", "text/plain", 6),
    ]
    assert uploads.read(folder + "dump", 64) == b"MDMP" + bytes(60)
    assert uploads.read(folder + "attachment-1", 100) == b"second"


def test_an_upload_without_a_dump_has_none(uploads: Uploads) -> None:
    sent = replace(upload(), attachments=(attachment(b"only this"),))
    stored = uploads.get(uploads.put(sent))
    assert stored is not None
    assert stored.dump is None
    assert stored.dump_key is None
    assert len(stored.attachments) == 1


def test_a_second_dump_is_an_attachment(uploads: Uploads) -> None:
    sent = upload(attachment(b"MDMP second", kind="event.minidump"))
    stored = uploads.get(uploads.put(sent))
    assert stored is not None
    assert [file.kind for file in stored.attachments] == ["event.minidump"]
    assert uploads.read(stored.attachments[0].key, 100) == b"MDMP second"


def test_the_same_upload_again_changes_nothing(uploads: Uploads, objects: Objects) -> None:
    sent = upload(attachment(b"log"))
    key = uploads.put(sent)
    before = objects.read(key, 10_000)
    assert uploads.put(sent) == key
    assert uploads.put_new(sent) is False
    assert objects.read(key, 10_000) == before


def test_an_upload_is_new_once_it_is_whole(uploads: Uploads) -> None:
    sent = upload(Attachment("log", "text/plain", "event.attachment", 4, BreaksOff(b"tail")))
    with pytest.raises(OSError, match="disk"):
        uploads.put_new(sent)
    assert [uploads.put_new(sent) for _ in range(2)] == [True, False]


def test_the_first_of_two_uploads_with_one_event_id_wins(uploads: Uploads) -> None:
    first = upload(attachment(b"first log"))
    second = replace(upload(attachment(b"second")), event_id=first.event_id, client="other")
    key = uploads.put(first)
    assert uploads.put(second) == key
    stored = uploads.get(key)
    assert stored is not None
    assert stored.client == "sentry.native/0.7"
    assert uploads.read(stored.attachments[0].key, 100) == b"first log"


class BreaksOff(io.BytesIO):
    """A stream that fails when it is read for the first time."""

    broken = False

    def read(self, size: int | None = -1) -> bytes:
        if not self.broken:
            self.broken = True
            raise OSError("disk")
        return super().read(size)


def test_a_broken_upload_has_no_manifest_and_a_retry_completes_it(uploads: Uploads, objects: Objects) -> None:
    torn = Attachment("log", "text/plain", "event.attachment", 4, BreaksOff(b"tail"))
    sent = upload(torn)
    folder = f"crashes/7/2025-12-31/{sent.event_id}/"
    with pytest.raises(OSError, match="disk"):
        uploads.put(sent)
    assert objects.size(folder + "dump") == 64
    assert uploads.get(folder + "upload.json") is None

    stored = uploads.get(uploads.put(sent))
    assert stored is not None
    assert uploads.read(stored.attachments[0].key, 10) == b"tail"


def test_what_another_upload_left_when_it_broke_off_stays(uploads: Uploads, objects: Objects) -> None:
    sent = upload(attachment(b"mine"))
    objects.put(f"crashes/7/2025-12-31/{sent.event_id}/attachment-0", b"of the one before")
    stored = uploads.get(uploads.put(sent))
    assert stored is not None
    assert uploads.read(stored.attachments[0].key, 100) == b"of the one before"


def test_many_writers_of_one_upload_agree(uploads: Uploads) -> None:
    event_id = secrets.token_hex(16)

    def put(n: int) -> str:
        return uploads.put(upload(attachment(b"%d" % n * 9), event_id=event_id))

    with ThreadPoolExecutor(8) as pool:
        (key,) = set(pool.map(put, range(8)))
    stored = uploads.get(key)
    assert stored is not None
    content = uploads.read(stored.attachments[0].key, 100)
    assert content in {b"%d" % n * 9 for n in range(8)}


def test_a_large_dump_goes_in_parts(uploads: Uploads, tmp_path: Path) -> None:
    content = secrets.token_bytes(1024) * (PART // 1024) + b"the rest"
    sent = replace(upload(), attachments=(attachment(content, "dump", "event.minidump"),))
    assert uploads.put(sent) == uploads.put(sent)
    stored = uploads.get(uploads.put(sent))
    assert stored is not None
    assert stored.dump is not None
    assert stored.dump.size == len(content)
    assert uploads.download(stored.dump.key, tmp_path / "dump")
    assert (tmp_path / "dump").read_bytes() == content


@pytest.mark.parametrize("size", [10, PART + 10])
def test_a_stream_that_ends_early_leaves_nothing(uploads: Uploads, store: Store, objects: Objects, size: int) -> None:
    sent = replace(upload(), attachments=(Attachment("d", "", "event.minidump", size, io.BytesIO(bytes(size - 1))),))
    with pytest.raises(RefusedError) as caught:
        uploads.put(sent)
    assert caught.value.code == "content_truncated"
    key = f"crashes/7/2025-12-31/{sent.event_id}/dump"
    assert objects.size(key) is None
    unfinished = store.clients.s3.list_multipart_uploads(Bucket=store.settings.bucket).get("Uploads", [])
    assert key not in [upload["Key"] for upload in unfinished]


def test_what_has_expired_is_an_answer_and_not_an_error(uploads: Uploads, tmp_path: Path) -> None:
    assert uploads.get("crashes/7/2020-01-01/none/upload.json") is None
    assert uploads.read("crashes/7/2020-01-01/none/dump", 10) is None
    assert uploads.download("crashes/7/2020-01-01/none/dump", tmp_path / "dump") is False
    assert list(tmp_path.iterdir()) == []


def test_a_read_is_limited(uploads: Uploads, objects: Objects) -> None:
    objects.put("crashes/limit", b"12345")
    assert uploads.read("crashes/limit", 5) == b"12345"
    with pytest.raises(UnreadableError) as caught:
        uploads.read("crashes/limit", 4)
    assert caught.value.code == "object_too_large"


MANIFEST = {"version": UPLOAD_VERSION, "event_id": "e" * 32, "project_id": 7, "received": RECEIVED}


def test_a_manifest_with_unknown_fields_and_without_the_optional_ones_is_read() -> None:
    stored = parse_manifest("k", json.dumps({**MANIFEST, "colour": "red"}).encode())
    assert (stored.dump, stored.attachments, stored.event, stored.client) == (None, (), {}, None)


def test_a_newer_manifest_asks_for_a_newer_cairn() -> None:
    newer = {"version": UPLOAD_VERSION + 1, "everything": "else"}
    with pytest.raises(UnreadableError, match="deploy the newer one") as caught:
        parse_manifest("crashes/k", json.dumps(newer).encode())
    assert caught.value.code == "upload_too_new"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"nonsense",
        b"\xff",
        b'{"version": "1"}',
        json.dumps({**MANIFEST, "dump": [1]}).encode(),
        json.dumps({**MANIFEST, "attachments": [{}]}).encode(),
        json.dumps({**MANIFEST, "attachments": 5}).encode(),
    ],
)
def test_what_is_no_manifest_is_named(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="crashes/k") as caught:
        parse_manifest("crashes/k", content)
    assert caught.value.code == "upload_malformed"
