"""Files put together from chunks: in order, checked, and a few pieces at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.pipeline.debug_files.assemble_debug_file import READ_AHEAD, ChunkError, ChunkStream
from cairn.store.parts import exactly
from cairn.store.symbols.assemblies import Plan


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class Source:
    """Chunks in memory, and how many were read."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks: dict[str, bytes | None] = {sha1(chunk): chunk for chunk in chunks}
        self.asked = 0
        self._lock = threading.Lock()
        self.plan = Plan(sha1(b"".join(chunks)), "file", tuple(map(sha1, chunks)), sum(map(len, chunks)))

    def read(self, chunk: str) -> bytes | None:
        with self._lock:
            self.asked += 1
        return self.chunks[chunk]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(READ_AHEAD) as threads:
        yield threads


def test_the_file_is_its_chunks_in_order(pool: ThreadPoolExecutor) -> None:
    parts = [bytes([number]) * (100 + number) for number in range(30)]
    source = Source(*parts)
    stream = ChunkStream(source.read, source.plan, pool)
    assert stream.seek(0) == 0
    assert exactly(stream, source.plan.size) == b"".join(parts)
    assert stream.read(10) == b""


def test_no_more_is_read_than_a_few_chunks_ahead(pool: ThreadPoolExecutor) -> None:
    source = Source(*(b"%04d" % number for number in range(100)))
    stream = ChunkStream(source.read, source.plan, pool)
    stream.read(1)
    pool.submit(lambda: None).result()
    assert source.asked <= READ_AHEAD


def test_a_wrong_file_is_never_read_to_its_end(pool: ThreadPoolExecutor) -> None:
    source = Source(b"one", b"two")
    plan = Plan(sha1(b"twoone"), "file", source.plan.chunks, 6)
    stream = ChunkStream(source.read, plan, pool)
    assert stream.read(3) == b"one"
    with pytest.raises(ChunkError, match="Reported checksum mismatch"):
        stream.read(3)


def test_a_file_shorter_than_its_size_is_a_mismatch(pool: ThreadPoolExecutor) -> None:
    source = Source(b"one")
    stream = ChunkStream(source.read, Plan(source.plan.sha1, "file", source.plan.chunks, 10), pool)
    with pytest.raises(ChunkError, match="Reported checksum mismatch"):
        exactly(stream, 10)


def test_a_chunk_that_is_gone_is_named(pool: ThreadPoolExecutor) -> None:
    source = Source(b"one", b"two")
    source.chunks[sha1(b"two")] = None
    stream = ChunkStream(source.read, source.plan, pool)
    stream.read(3)
    with pytest.raises(ChunkError, match="is gone: upload the file again") as caught:
        stream.read(3)
    assert (caught.value.code, caught.value.chunk) == ("chunk_gone", sha1(b"two"))


def test_it_is_read_once(pool: ThreadPoolExecutor) -> None:
    source = Source(b"one", b"two")
    stream = ChunkStream(source.read, source.plan, pool)
    stream.read(2)
    with pytest.raises(OSError, match="read once"):
        stream.seek(0)
