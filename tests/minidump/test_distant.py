"""A distant dump reads as a near one, in few blocks, and never more than it may."""

from __future__ import annotations

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


def big(regions: int = 1) -> bytes:
    """A dump with 40 MB of memory between what a walk needs."""
    builder = MinidumpBuilder(Arch.AMD64, Os.LINUX)
    builder.thread(1, {"rip": 0x1010, "rsp": 0x7000}, (0x7000, bytes(4096)))
    builder.module(0x1000, 0x1000, "/bin/a")
    for number in range(regions):
        builder.memory(0x10_0000_0000 + (number << 28), bytes(40_000_000 // regions))
    return builder.build()


def test_what_nobody_needs_is_not_fetched() -> None:
    far = Far(big())
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
