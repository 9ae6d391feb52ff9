"""Reading an object by ranges."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cairn.store.blobs import READS_AT_ONCE, S3Blob, put_file
from cairn.store.errors import RefusedError
from cairn.store.objects import Objects
from cairn.symbols.ranges.blob import Blob
from tests.store.conftest import Store

CONTENT = secrets.token_bytes(100_000)


@pytest.fixture
def key(store: Store, tmp_path: Path) -> str:
    key = f"symbols/{secrets.token_hex(8)}"
    (tmp_path / "file").write_bytes(CONTENT)
    assert put_file(store.clients, store.settings.bucket, tmp_path / "file", key) is True
    return key


def open_blob(store: Store, key: str, size: int | None = None) -> S3Blob:
    return S3Blob(store.clients, store.settings.bucket, key, size)


def test_ranges_come_in_the_order_asked(store: Store, key: str) -> None:
    blob: Blob = open_blob(store, key)
    assert blob.size == len(CONTENT)
    ranges = [(50_000, 50_010), (0, 1), (99_999, 100_000), (10, 60_000), (5, 5), (0, 1)] * 5
    assert blob.read(ranges) == [CONTENT[start:end] for start, end in ranges]
    assert blob.read([(7, 9)]) == [CONTENT[7:9]]
    assert blob.read([]) == []


def test_what_was_asked_of_s3_is_counted(store: Store, key: str) -> None:
    blob = open_blob(store, key)
    assert (blob.requests, blob.bytes_read) == (1, 0)
    known = open_blob(store, key, len(CONTENT))
    assert (known.requests, known.bytes_read) == (0, 0)
    known.read([(0, 10), (20, 50), (3, 3)])
    assert (known.requests, known.bytes_read) == (2, 40)


def test_reads_run_side_by_side_and_bounded(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = open_blob(store, key)
    running, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(READS_AT_ONCE, timeout=10)

    def read_range(_: Objects, key: str, start: int, end: int) -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return bytes(end - start)

    monkeypatch.setattr(Objects, "read_range", read_range)
    blob.read([(n, n + 1) for n in range(READS_AT_ONCE * 3)])
    assert most == READS_AT_ONCE


def test_threads_share_a_blob(store: Store, key: str) -> None:
    blob = open_blob(store, key, len(CONTENT))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: blob.read([(n, n + 100), (n + 100, n + 150)]), range(20)))
    assert [b"".join(answer) for answer in answers] == [CONTENT[n : n + 150] for n in range(20)]
    assert (blob.requests, blob.bytes_read) == (40, 20 * 150)


@pytest.mark.parametrize("span", [(-1, 5), (5, 4), (0, 100_001), (100_001, 100_001)])
def test_a_range_outside_is_refused(store: Store, key: str, span: tuple[int, int]) -> None:
    with pytest.raises(RefusedError, match="has 100000 bytes") as caught:
        open_blob(store, key).read([(0, 1), span])
    assert caught.value.code == "bad_range"


def test_an_object_shorter_than_told_is_noticed(store: Store, key: str) -> None:
    with pytest.raises(RefusedError) as caught:
        open_blob(store, key, len(CONTENT) + 10).read([(99_990, 100_005)])
    assert caught.value.code == "bad_range"


def test_an_object_that_is_gone_is_named(store: Store) -> None:
    with pytest.raises(RefusedError, match="symbols/none") as at_opening:
        open_blob(store, "symbols/none")
    with pytest.raises(RefusedError, match="symbols/none") as at_reading:
        open_blob(store, "symbols/none", 10).read([(0, 1)])
    assert at_opening.value.code == at_reading.value.code == "no_such_object"


def test_a_file_is_not_stored_twice(store: Store, key: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    assert put_file(store.clients, store.settings.bucket, tmp_path / "other", key) is False
    assert open_blob(store, key).size == len(CONTENT)
