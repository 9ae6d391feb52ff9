"""Attachments by tus: pieces of every size become one object, and a half stored piece is gone on with."""

from __future__ import annotations

import io
import random
import secrets
from dataclasses import replace

import pytest

from cairn.intake.upload import Attachment, Upload
from cairn.store.crashes.tus_uploads import TusUpload, TusUploads, rest_key
from cairn.store.crashes.uploads import Uploads
from cairn.store.multipart import SMALLEST_PART
from cairn.store.objects import Objects, StoredContent
from cairn.store.parts import PART
from tests.store.conftest import Store

MIB = 1024 * 1024
CONTENT = random.Random(1).randbytes(13 * MIB)


@pytest.fixture
def uploads(store: Store) -> TusUploads:
    return TusUploads(store.settings, store.clients)


def begin(uploads: TusUploads, project_id: int, length: int | None) -> str:
    upload_id = secrets.token_hex(16)
    uploads.begin(upload_id, project_id, length)
    return upload_id


def found(uploads: TusUploads, project_id: int, upload_id: str) -> TusUpload:
    upload = uploads.find(project_id, upload_id)
    assert upload is not None
    return upload


def append(uploads: TusUploads, project_id: int, upload_id: str, content: bytes) -> None:
    upload = found(uploads, project_id, upload_id)
    assert uploads.append(upload, io.BytesIO(content), len(content))
    assert found(uploads, project_id, upload_id).offset == upload.offset + len(content)


@pytest.mark.parametrize("piece", [3 * MIB, 4 * MIB, 5 * MIB, 13 * MIB], ids=["3", "4", "5", "all"])
@pytest.mark.parametrize("deferred", [False, True], ids=["told", "deferred"])
def test_pieces_become_one_object(uploads: TusUploads, project_id: int, piece: int, deferred: bool) -> None:
    upload_id = begin(uploads, project_id, None if deferred else len(CONTENT))
    for start in range(0, len(CONTENT), piece):
        assert deferred or uploads.content(project_id, upload_id) is None
        append(uploads, project_id, upload_id, CONTENT[start : start + piece])
    parts = found(uploads, project_id, upload_id).parts or {}
    assert all(SMALLEST_PART <= part.size <= PART for part in parts.values())
    for _ in range(2):
        content = uploads.content(project_id, upload_id)
        assert content is not None
        assert content.read() == CONTENT
    assert found(uploads, project_id, upload_id).parts is None


def test_nothing_at_all(uploads: TusUploads, project_id: int) -> None:
    content = uploads.content(project_id, begin(uploads, project_id, 0))
    assert content is not None and content.read() == b""


def test_a_piece_that_was_half_stored_is_gone_on_with(uploads: TusUploads, project_id: int) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= PART:
                raise OSError("the line broke")
            return super().read(size)

    upload_id = begin(uploads, project_id, len(CONTENT))
    with pytest.raises(OSError, match="broke"):
        uploads.append(found(uploads, project_id, upload_id), Breaking(CONTENT), len(CONTENT))
    assert found(uploads, project_id, upload_id).offset == PART
    append(uploads, project_id, upload_id, CONTENT[PART:])
    content = uploads.content(project_id, upload_id)
    assert content is not None and content.read() == CONTENT


def test_of_two_pieces_at_one_place_the_first_wins(uploads: TusUploads, project_id: int) -> None:
    upload_id = begin(uploads, project_id, 100)
    append(uploads, project_id, upload_id, b"a" * 10)
    upload = found(uploads, project_id, upload_id)
    assert [uploads.append(upload, io.BytesIO(content), 5) for content in (b"bbbbb", b"ccccc")] == [True, False]
    assert found(uploads, project_id, upload_id).rest == b"a" * 10 + b"bbbbb"


def test_a_rest_that_is_used_up_does_not_count(uploads: TusUploads, store: Store, project_id: int) -> None:
    upload_id = begin(uploads, project_id, None)
    append(uploads, project_id, upload_id, CONTENT[: 4 * MIB])
    append(uploads, project_id, upload_id, CONTENT[4 * MIB : 8 * MIB])
    upload = found(uploads, project_id, upload_id)
    assert Objects(store.clients, store.settings.bucket).size(rest_key(upload.folder, 0)) == 4 * MIB
    assert (upload.offset, upload.rest) == (8 * MIB, b"")


def test_other_projects_have_other_uploads(uploads: TusUploads, project_id: int) -> None:
    upload_id = begin(uploads, project_id, 0)
    assert uploads.find(project_id + 500, upload_id) is None
    assert uploads.content(project_id, secrets.token_hex(16)) is None


@pytest.mark.parametrize("size", [0, 10, 300], ids=["empty", "one part", "parts"])
def test_what_was_sent_is_copied_to_its_crash(
    store: Store, project_id: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.store.parts.COPIED_PART", 100)
    objects = Objects(store.clients, store.settings.bucket)
    objects.put(f"uploads/{project_id}/x/content", CONTENT[:size])
    content = StoredContent(objects, f"uploads/{project_id}/x/content", size)
    file = Attachment("a", "text/plain", "event.minidump", size, content)  # type: ignore[arg-type]
    upload = Upload(secrets.token_hex(16), project_id, 0.0, (file,))
    uploads = Uploads(store.settings, store.clients)
    for sent in (upload, replace(upload, client="again")):
        stored = uploads.get(uploads.put(sent))
        assert stored is not None and stored.dump is not None and stored.client is None
        assert uploads.read(stored.dump.key, 1000) == CONTENT[:size]


def test_a_stored_content_reads_as_a_file(store: Store) -> None:
    objects = Objects(store.clients, store.settings.bucket)
    objects.put("uploads/0/x/content", b"0123456789")
    content = StoredContent(objects, "uploads/0/x/content", 10)
    assert (content.read(3), content.tell(), content.read()) == (b"012", 3, b"3456789")
    assert (content.seek(-4, 2), content.read(2), content.seek(1, 1), content.read(99), content.read(1)) == (
        6,
        b"67",
        9,
        b"9",
        b"",
    )
    with pytest.raises(OSError, match="there is no object"):
        StoredContent(objects, "uploads/0/none", 10).read(1)
