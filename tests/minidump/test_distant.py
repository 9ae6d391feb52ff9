"""A distant dump reads as a near one, in few blocks, and never more than it may."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from cairn.crash.process import process
from cairn.minidump import distant
from cairn.minidump.distant import BLOCK, MAX_PIECE, DistantFile
from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from tests.crash.symbol_files import SAMPLE, Files
from tests.minidump.test_hostile import DUMPS
from tests.synth.minidump import MinidumpBuilder


class Far:
    """A file that counts what is fetched of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def fetch(self, start: int, end: int) -> bytes:
        self.fetched.append((start, end))
        return self.content[start:end]

    def open(self) -> DistantFile:
        return DistantFile(len(self.content), self.fetch)


@pytest.mark.parametrize("dump", DUMPS, ids=["linux", "windows", "macos", "ppc"])
@pytest.mark.parametrize("block", [64, 4096])
def test_every_record_is_the_same(dump: bytes, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distant, "BLOCK", block)
    near, far = read(dump), read(Far(dump).open())
    regions = [(region.start, bytes(region.data)) for region in near.memory.regions]
    assert [(region.start, bytes(region.data)) for region in far.memory.regions] == regions
    for field in ("system", "modules", "exception", "misc", "crashpad", "linux", "handles", "problems"):
        assert getattr(far, field) == getattr(near, field), field
    assert [(thread.id, thread.name, thread.context) for thread in far.threads] == [
        (thread.id, thread.name, thread.context) for thread in near.threads
    ]


def test_a_walk_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distant, "BLOCK", 4096)
    content = (SAMPLE / "lighthouse.dmp").read_bytes()
    near, far = process(content, Files()), process(Far(content).open(), Files())
    assert [[named.frame for named in stack.frames] for stack in far.stacks] == [
        [named.frame for named in stack.frames] for stack in near.stacks
    ]
    assert (far.reason, far.facts, far.explanation) == (near.reason, near.facts, near.explanation)


def large_dump(size: int) -> bytes:
    """A dump with so many bytes of memory between what a walk needs."""
    builder = MinidumpBuilder(Arch.AMD64, Os.LINUX)
    builder.thread(1, {"rip": 0x1010, "rsp": 0x7000}, (0x7000, bytes(4096)))
    builder.module(0x1000, 0x1000, "/bin/a")
    builder.memory(0x10_0000_0000, bytes(size))
    return builder.exception(1, 11, 1, 0x10, (), {"rip": 0x1010, "rsp": 0x7000}).build()


def test_what_nobody_needs_is_not_fetched() -> None:
    far = Far(large_dump(40_000_000))
    assert [len(stack.frames) for stack in process(far.open(), Files()).stacks] == [1]
    assert sum(end - start for start, end in far.fetched) <= 4 * BLOCK < len(far.content) / 9


def test_blocks_are_kept_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distant, "KEPT_BLOCKS", 2)
    far = Far(bytes(4 * BLOCK))
    view = far.open().view()
    for start in (0, 1, BLOCK, 2, 2 * BLOCK, 0):
        bytes(view[start : start + 8])
    assert [start // BLOCK for start, _ in far.fetched] == [0, 1, 2]
    bytes(view[BLOCK : BLOCK + 8])
    assert [start // BLOCK for start, _ in far.fetched] == [0, 1, 2, 1]


def test_blocks_beside_each_other_are_fetched_at_once() -> None:
    far = Far(bytes(9 * BLOCK) + b"end")
    view = far.open().view()
    assert bytes(view[BLOCK : BLOCK + 1]) == b"\0"
    assert bytes(view[2 * BLOCK - 1 :])[-3:] == b"end"
    assert far.fetched == [(BLOCK, 2 * BLOCK), (2 * BLOCK, 9 * BLOCK + 3)]


def test_a_view_is_sliced_as_memory_is() -> None:
    content = bytes(range(100))
    near, far = memoryview(content), Far(content).open().view()
    for part in (slice(3, 9), slice(90, 200), slice(50, 40), slice(None, 4), slice(96, None), slice(200, 300)):
        assert bytes(far[part]) == bytes(near[part])
        assert len(far[part]) == len(near[part])
    assert bytes(far[10:50][5:9]) == bytes(near[15:19])


def test_a_piece_is_bounded() -> None:
    with pytest.raises(OutOfBoundsError, match="more than a list may have"):
        bytes(DistantFile(1 << 40, lambda _start, _end: pytest.fail("fetched")).view()[: MAX_PIECE + 1])


def test_a_dump_that_asks_for_too_much_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distant, "BLOCK", 512)
    monkeypatch.setattr(distant, "MAX_BLOCKS", 4)
    content = (SAMPLE / "lighthouse.dmp").read_bytes()
    far = Far(content)
    crash = process(far.open(), Files())
    assert len(far.fetched) == 4
    assert f"the dump has {len(content)} bytes" in crash.dump.problems[-1]


THREADS = 200
STACK = 0x10000
HEAP = 20 << 20
BESIDE = 1 << 20


def full_memory(path: Path) -> None:
    """A sparse file of 4 GiB: a dump of Windows with 200 threads and the memory between their stacks."""
    builder, order = MinidumpBuilder(Arch.AMD64, Os.WINDOWS), "<QQ"
    stacks = [0x7FF0_0000_0000 + (number << 24) for number in range(THREADS)]
    for number, start in enumerate(stacks):
        builder.thread(number + 1, {"rip": 0x1_4000_1010, "rsp": start + STACK // 2})
    builder.module(0x1_4000_0000, 0x10000, "C:\\a.exe").exception(1, 0xC0000005, 1, 0x10)
    regions = [pair for start in stacks for pair in ((start, STACK), (start - (1 << 40), HEAP))]
    rows = b"".join(struct.pack(order, *pair) for pair in regions)
    content = builder.stream(9, struct.pack(order, len(regions), BESIDE) + rows).build()
    assert len(content) < BESIDE
    with path.open("wb") as file:
        file.write(content)
        file.truncate(BESIDE + sum(size for _, size in regions))
        for number in range(THREADS):
            file.seek(BESIDE + number * (STACK + HEAP) + STACK // 2)
            file.write(struct.pack("<Q", 0x1_4000_1020) * 50)


def test_a_dump_of_4_gib_costs_little(tmp_path: Path) -> None:
    full_memory(tmp_path / "full.dmp")
    asked: list[int] = []
    with (tmp_path / "full.dmp").open("rb") as file:

        def fetch(start: int, end: int) -> bytes:
            asked.append(end - start)
            return os.pread(file.fileno(), end - start, start)

        size = (tmp_path / "full.dmp").stat().st_size
        crash = process(DistantFile(size, fetch), Files())
    assert size > 3.9 * 2**30
    assert [len(stack.frames) > 40 for stack in crash.stacks] == [True] * THREADS
    assert crash.dump.problems == ()
    assert len(asked) < 2 * THREADS and sum(asked) < 64 << 20
