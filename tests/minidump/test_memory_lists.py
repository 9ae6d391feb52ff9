"""Memory, 32-bit and 64-bit lists."""

from __future__ import annotations

import mmap
from pathlib import Path

from cairn.minidump.reader import read
from tests.synth.minidump import MinidumpBuilder


def test_regions_are_views_into_the_dump() -> None:
    data = bytearray(MinidumpBuilder().memory(0x2000, b"before").build())
    dump = read(memoryview(data))
    position = data.index(b"before")
    data[position : position + 6] = b"after!"
    assert dump.memory.read(0x2000, 6) == b"after!"


def test_a_mapped_file_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.dmp"
    path.write_bytes(MinidumpBuilder().memory(0x2000, b"abc").build())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        dump = read(mapped)
        assert dump.memory.read(0x2001, 2) == b"bc"
        del dump


def test_the_64_bit_list_lies_end_to_end_and_wins() -> None:
    dump = read(MinidumpBuilder().memory(0x1, b"?").memory64(0x8000, b"one").memory64(0x4000, b"three").build())
    assert [(region.start, bytes(region.data)) for region in dump.memory.regions] == [
        (0x4000, b"three"),
        (0x8000, b"one"),
    ]


def test_a_region_is_cut_where_the_file_ends() -> None:
    builder = MinidumpBuilder()
    rva = builder.put(b"tail")
    builder.stream(5, builder.pack("IQIIQII", 2, 0x1000, 0x7FFFFFFF, rva, 0x9000, 16, 0xFFFFFFF0))
    dump = read(builder.build())
    (region,) = dump.memory.regions
    assert bytes(region.data[:4]) == b"tail"
    assert [problem.partition(":")[0] for problem in dump.problems] == ["memory at 0x1000", "memory at 0x9000"]


def test_a_64_bit_list_with_absurd_counts_and_sizes_ends() -> None:
    builder = MinidumpBuilder()
    builder.stream(9, builder.pack("QQQQ", 2**64 - 1, 2**64 - 1, 0x1000, 2**64 - 1))
    dump = read(builder.build())
    assert dump.memory.regions == ()
    assert dump.problems[0] == f"Memory64List: {2**64 - 1} regions announced, 1 read"
