"""Conditional writes of objects, whole and in parts."""

from __future__ import annotations

import io
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from cairn.store.conditions import first_wins
from cairn.store.errors import UnavailableError
from cairn.store.objects import Objects
from tests.store.conftest import Store

PART = 64 * 1024


@pytest.fixture
def objects(store: Store, monkeypatch: pytest.MonkeyPatch) -> Objects:
    monkeypatch.setattr("cairn.store.parts.PART", PART)
    return Objects(store.clients, store.settings.bucket)


@pytest.mark.parametrize("size", [100, PART * 3 + 5])
def test_of_many_writers_one_wins_whole(objects: Objects, store: Store, size: int) -> None:
    key = f"crashes/{secrets.token_hex(8)}"
    contents = [bytes([n]) * size for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda content: objects.put_new_stream(key, io.BytesIO(content), size), contents))
    assert won.count(True) == 1
    assert objects.read(key, size) == contents[won.index(True)]
    assert objects.size(key) == size
    unfinished = store.clients.s3.list_multipart_uploads(Bucket=store.settings.bucket).get("Uploads", [])
    assert key not in [upload["Key"] for upload in unfinished]


def test_put_replaces_and_put_new_does_not(objects: Objects) -> None:
    key = f"events/{secrets.token_hex(8)}"
    objects.put(key, b"first")
    assert objects.put_new(key, b"second") is False
    assert objects.read(key, 10) == b"first"
    objects.put(key, b"third")
    assert objects.read(key, 10) == b"third"
    assert objects.read_range(key, 1, 4) == b"hir"
    assert objects.read_range(key, 1, 99) == b"hird"


class Socket(io.RawIOBase):
    """A stream that gives a few bytes at a time, as sockets do."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1000))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._content.seek(offset, whence)


@pytest.mark.parametrize("size", [2500, PART + 2500])
def test_short_reads_are_put_together(objects: Objects, size: int) -> None:
    key, content = f"crashes/{secrets.token_hex(8)}", secrets.token_bytes(size)
    stream: Any = Socket(content)
    assert objects.put_new_stream(key, stream, size)
    assert objects.read(key, size) == content


def test_more_than_the_size_that_was_told_is_left_out(objects: Objects) -> None:
    key = f"crashes/{secrets.token_hex(8)}"
    assert objects.put_new_stream(key, io.BytesIO(b"12345678"), 5)
    assert objects.read(key, 10) == b"12345"


def conflict(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]


def test_a_conflict_is_tried_again() -> None:
    answers = [conflict("ConditionalRequestConflict", 409), conflict("PreconditionFailed", 412)]

    def write() -> None:
        if answers:
            raise answers.pop(0)

    assert first_wins(write) is False
    answers = [conflict("ConditionalRequestConflict", 409)]
    assert first_wins(write) is True


def test_a_conflict_that_stays_is_for_later(objects: Objects, store: Store) -> None:
    def always(**_: Any) -> None:
        raise conflict("ConditionalRequestConflict", 409)

    store.clients.s3.meta.events.register("before-call.s3.PutObject", always, unique_id="always")
    try:
        with pytest.raises(UnavailableError) as caught:
            objects.put_new("crashes/conflict", b"x")
    finally:
        store.clients.s3.meta.events.unregister("before-call.s3.PutObject", unique_id="always")
    assert caught.value.code == "store_throttled"


def test_a_second_completion_meets_its_own_object(
    objects: Objects, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 completed the upload, its answer was lost, and botocore asked again."""
    complete = store.clients.s3.complete_multipart_upload

    def twice(**wanted: Any) -> Any:
        complete(**wanted)
        raise conflict("PreconditionFailed", 412)

    def gone(**_: Any) -> None:
        raise conflict("NoSuchUpload", 404)

    monkeypatch.setattr(store.clients.s3, "complete_multipart_upload", twice)
    monkeypatch.setattr(store.clients.s3, "abort_multipart_upload", gone)
    key = secrets.token_hex(8)
    assert objects.put_new_stream(key, io.BytesIO(bytes(2 * PART)), 2 * PART) is False
    assert objects.size(key) == 2 * PART


def test_parts_that_broke_off_leave_nothing(objects: Objects, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="https://s3.example")

    monkeypatch.setattr(store.clients.s3, "upload_part", unreachable)
    with pytest.raises(UnavailableError):
        objects.put_new_stream(key := secrets.token_hex(8), io.BytesIO(bytes(2 * PART)), 2 * PART)
    assert "Uploads" not in store.clients.s3.list_multipart_uploads(Bucket=objects.bucket, Prefix=key)
