"""Header and directory: what makes a file unreadable, and what does not."""

from __future__ import annotations

import struct

import pytest

from cairn.minidump.errors import MinidumpError
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from tests.synth.minidump import MinidumpBuilder


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "truncated_header", "0 bytes"),
        (b"MDM", "truncated_header", "3 bytes"),
        (b"\x1f\x8b\x08\x00" + bytes(60), "not_a_minidump", "MDMP"),
        (b"MDMP\x93\xa7" + bytes(4), "truncated_header", "10 of the header's 32"),
        (b"MDMP" + struct.pack("<IIIIIQ", 0x1234, 1, 32, 0, 0, 0), "unknown_version", "0x1234"),
        (b"MDMP" + struct.pack("<IIIIIQ", 0xA793, 0xFFFFFFFF, 32, 0, 0, 0), "truncated_directory", "0x20"),
        (b"MDMP" + struct.pack("<IIIIIQ", 0xA793, 0, 0, 0, 0, 0), "no_system_info", "SystemInfo"),
        (MinidumpBuilder(system_info=False).stream(7, b"short").build(), "truncated_system_info", "needed"),
    ],
)
def test_an_unreadable_file_is_named_with_its_reason(data: bytes, code: str, says: str) -> None:
    with pytest.raises(MinidumpError, match=says) as caught:
        read(data)
    assert caught.value.code == code


def test_the_smallest_dump_is_readable() -> None:
    dump = read(MinidumpBuilder(Arch.AMD64, Os.LINUX, timestamp=7, flags=0x20).build())
    assert (dump.timestamp, dump.flags, dump.big_endian) == (7, 0x20, False)
    assert (dump.threads, dump.modules, dump.exception, dump.problems) == ((), (), None, ())
    assert not dump.crashed


@pytest.mark.parametrize("high_half", [0, 0x1234])
def test_the_high_half_of_the_version_belongs_to_the_writer(high_half: int) -> None:
    data = bytearray(MinidumpBuilder().build())
    struct.pack_into("<H", data, 6, high_half)
    assert read(bytes(data)).problems == ()


def test_big_endian_dumps_swap_every_field() -> None:
    dump = read(
        MinidumpBuilder(Arch.PPC, Os.MACOS, big_endian=True, version=(10, 4, 11), csd="8S2167")
        .thread(3, {"pc": 0x1000, "r1": 0xBFFF0000}, (0xBFFF0000, b"\x01\x02\x03\x04"), name="Main")
        .module(0x1000, 0x2000, "/Applications/A")
        .build()
    )
    (thread,) = dump.threads
    assert dump.big_endian
    assert (dump.system.os_version, dump.system.os_build) == ("10.4.11", "8S2167")
    assert (thread.name, thread.context and thread.context.pc) == ("Main", 0x1000)
    assert dump.memory.read_int(0xBFFF0000, 4) == 0x01020304
    assert dump.modules[0].name == "A"


def test_unused_entries_are_skipped_and_unknown_streams_listed() -> None:
    builder = MinidumpBuilder().entry(0, 0, 0).stream(0xFACEB00C, b"abc").entry(0, 99, 0xFFFFFFFF)
    dump = read(builder.build())
    assert [(stream.name, stream.size) for stream in dump.streams] == [("SystemInfo", 56), ("0xfaceb00c", 3)]
    assert dump.problems == ()


def test_of_a_stream_that_comes_twice_the_last_one_counts() -> None:
    dump = read(MinidumpBuilder().exception(1, 11).exception(2, 6).build())
    assert dump.exception is not None
    assert dump.exception.code == 6
    assert dump.problems == ("Exception: found more than once, the last one counts",)


def test_of_a_truncated_directory_what_is_there_is_read() -> None:
    data = MinidumpBuilder().soft_errors("[]").stream(0x10000, b"").build()
    dump = read(data[:-1])
    assert dump.soft_errors == "[]"
    assert dump.problems == ("directory: 1 entries are not in the file or too many",)


def test_a_stream_behind_the_end_of_the_file_is_left_out() -> None:
    dump = read(MinidumpBuilder().entry(3, 52, 0xFFFFFF00).entry(0x4D7A0004, 8, 40).build())
    assert dump.threads == ()
    assert dump.problems == (
        "ThreadList: cut off, 0 of 52 bytes are in the file",
        "threads: 4 bytes at offset 0x0 needed, 0 bytes there",
    )


def test_names_of_streams_cover_windows_and_the_extensions() -> None:
    builder = MinidumpBuilder()
    for kind in (8, 23, 24, 0x4767000A, 0x4D7A0003, 0x4B6B0002):
        builder.stream(kind, b"\0\0\0\0")
    names = [stream.name for stream in read(builder.build()).streams]
    assert names[1:] == [
        "ThreadExList",
        "IptTrace",
        "ThreadNames",
        "LinuxDsoDebug",
        "MozLinuxLimits",
        "StabilityReport",
    ]
