"""Whatever the bytes are: a dump or a MinidumpError, and soon."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.minidump.errors import MinidumpError
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Minidump, Os
from tests.synth.codeview import BuildId, Pdb20, Pdb70
from tests.synth.minidump import MinidumpBuilder

SECONDS = 3
"""Of CPU time, so that a busy machine does not matter. The slowest takes about one."""


def full_dump(arch: Arch, os: Os, *, big_endian: bool = False, memory64: bool = False) -> bytes:
    """A small dump with every stream there is."""
    builder = MinidumpBuilder(arch, os, big_endian=big_endian, version=(1, 2, 3), csd="Linux 5.1 #1 x86_64")
    module = builder.crashpad_module({"k": "v"}, ["text"], [("name", 1, b"value")])
    builder.crashpad_info(simple={"a": "b"}, modules={0: module})
    builder.thread(1, {}, (0x7000, bytes(64)), name="main", teb=0x9000).thread(2, {}, (0x8000, bytes(16)))
    builder.module(0x1000, 0x1000, "/bin/a", BuildId("93ac61ec5a8eb139"), version=(1, 2, 3, 4))
    builder.module(0x3000, 0x1000, "b.dll", Pdb70("3249d99d-0c40-4931-8610-f4e4fb0b6936"))
    builder.module(0x5000, 0x1000, "c.dll", Pdb20(7)).unloaded_module(0x6000, 0x10, "d.dll")
    builder.exception(1, 11, 1, 0x10, (1, 2), {}).misc_info(1, (2, 3, 4), "build").breakpad_info(1, 2)
    builder.assertion(1, "e", "f", "g", 2).memory_info(0, 4096).thread_info(1, 5).handle(4, "File", "x")
    builder.linux(maps="0-1 r-xp 0 0:0 0 a\n", status="Pid:\t1\n", environment="A=B\0", auxv=bytes(32))
    builder.mac_crash_info(((1, 2, 3), ("a", "b", "c", "d", "e"))).mac_boot_args("x").soft_errors("[]")
    if memory64:
        builder.memory64(0xA000, bytes(32)).memory64(0xB000, bytes(8))
    return builder.build()


DUMPS = [
    full_dump(Arch.AMD64, Os.LINUX),
    full_dump(Arch.X86, Os.WINDOWS, memory64=True),
    full_dump(Arch.ARM64, Os.MACOS),
    full_dump(Arch.PPC, Os.MACOS, big_endian=True),
]
EVIL = [0, 1, 4, 8, 0x7F, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF]


def read_soon(data: bytes) -> Minidump | None:
    """The dump, or ``None`` where the file is unreadable."""
    start = time.process_time()
    try:
        return read(data)
    except MinidumpError as error:
        assert error.code
        assert str(error)
        return None
    finally:
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("data", DUMPS)
def test_the_dumps_that_are_mutated_are_whole(data: bytes) -> None:
    dump = read(data)
    allowed = {"handles: not read in a big-endian dump", "thread information: not read in a big-endian dump"}
    assert set(dump.problems) <= (allowed if dump.big_endian else set())
    assert (len(dump.threads), len(dump.modules)) == (2, 3)


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(DUMPS),
    patches=st.lists(
        st.tuples(st.integers(0, 1 << 14), st.sampled_from(EVIL) | st.integers(0, 0xFFFFFFFF)), max_size=12
    ),
    size=st.none() | st.integers(0, 1 << 14),
)
def test_mutated_dumps(data: bytes, patches: list[tuple[int, int]], size: int | None) -> None:
    changed = bytearray(data)
    for place, value in patches:
        struct.pack_into("<I", changed, place % (len(changed) - 3), value)
    read_soon(bytes(changed[:size]))


@settings(max_examples=100, deadline=None)
@given(tail=st.binary(max_size=2000), magic=st.sampled_from([b"MDMP\x93\xa7\0\0", b"PMDM\0\0\xa7\x93", b""]))
def test_any_bytes(tail: bytes, magic: bytes) -> None:
    read_soon(magic + tail)


@pytest.mark.parametrize("data", DUMPS)
def test_every_length(data: bytes) -> None:
    """The directory comes last, and SystemInfo first in it."""
    (directory,) = struct.unpack_from(">I" if data[:4] == b"PMDM" else "<I", data, 12)
    for size in range(0, len(data), 7):
        assert (read_soon(data[:size]) is None) == (size < directory + 12)


@pytest.mark.parametrize("data", DUMPS)
def test_every_cut_behind_a_directory_in_front(data: bytes) -> None:
    order = ">" if data[:4] == b"PMDM" else "<"
    count, rva = struct.unpack_from(order + "II", data, 8)
    directory = data[rva : rva + 12 * count]
    room = len(directory)
    moved = bytearray(data[:32] + directory + data[32:rva])
    struct.pack_into(order + "I", moved, 12, 32)
    for index in range(count):
        (old,) = struct.unpack_from(order + "I", moved, 32 + 12 * index + 8)
        struct.pack_into(order + "I", moved, 32 + 12 * index + 8, old + room)
    dumps = [read_soon(bytes(moved[:size])) for size in range(32, len(moved), 13)]
    assert sum(dump is not None for dump in dumps) > len(dumps) // 2
    assert all(dump.problems for dump in dumps[:-1] if dump is not None)


def test_overlapping_names_of_many_modules() -> None:
    """65,536 modules in 7 MB, each with a name of 196 KB: 13 GB if all were read."""
    builder = MinidumpBuilder()
    rva = builder.put((b"\0\0\3\0" + b"a" * 4092) * 80)
    names = (rva + 4096 * (index % 16) for index in range(70_000))
    entries = b"".join(builder.pack("QIIII", 0, 1, 0, 0, name) + bytes(84) for name in names)
    dump = read_soon(builder.stream(4, builder.pack("I", 70_000) + entries).build())
    assert dump is not None
    assert "modules: it asks for more than 64 MiB of strings and records in all" in dump.problems


@pytest.mark.parametrize(
    ("kind", "header", "size"),
    [(3, "I", 48), (5, "I", 16), (24, "I", 12), (14, "III", 24), (16, "IIQ", 48), (17, "III", 64), (12, "IIII", 32)],
)
def test_full_lists_of_every_kind(kind: int, header: str, size: int) -> None:
    count = (16 << 20) // size
    head = {"I": [count], "III": [12, size, count], "IIQ": [16, size, count], "IIII": [16, size, count, 0]}[header]
    data = MinidumpBuilder().stream(kind, struct.pack("<" + header, *head) + b"\1" * (count * size)).build()
    assert read_soon(data) is not None


def test_a_map_of_sixteen_megabytes() -> None:
    dump = read_soon(MinidumpBuilder().linux(maps="0-1 r-xp 0 0:0 0 a\n" * 900_000).build())
    assert dump is not None
    assert 0 < len(dump.mappings) <= 200_000
