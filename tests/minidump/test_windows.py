"""Process information, address space, handles and thread information."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Handle, MappedRange, MiscInfo, Os
from tests.synth.minidump import MinidumpBuilder


@pytest.mark.parametrize(
    ("process_id", "times", "build", "misc"),
    [
        (42, (1, 2, 3), None, MiscInfo(42, 1, 2, 3)),
        (42, None, None, MiscInfo(42)),
        (None, (1, 2, 3), None, MiscInfo(None, 1, 2, 3)),
        (42, None, "19041.1.amd64fre", MiscInfo(42, build="19041.1.amd64fre")),
    ],
)
@pytest.mark.parametrize("big_endian", [False, True])
def test_misc_info_has_what_its_flags_say(
    process_id: int | None, times: tuple[int, int, int] | None, build: str | None, misc: MiscInfo, big_endian: bool
) -> None:
    dump = read(MinidumpBuilder(big_endian=big_endian).misc_info(process_id, times, build).build())
    assert (dump.misc, dump.process_id) == (misc, process_id)


def test_a_build_string_that_an_old_version_cannot_have_is_not_read() -> None:
    data = MinidumpBuilder().pack("6I", 24, 0x101, 42, 0, 0, 0)
    assert read(MinidumpBuilder().stream(15, data.ljust(832, b"x")).build()).misc == MiscInfo(42)


@pytest.mark.parametrize(
    ("state", "protect", "permissions", "committed"),
    [
        (0x1000, 0x01, "---", True),
        (0x1000, 0x02, "r--", True),
        (0x1000, 0x04, "rw-", True),
        (0x1000, 0x08, "rw-", True),
        (0x1000, 0x10, "--x", True),
        (0x1000, 0x20, "r-x", True),
        (0x1000, 0x40, "rwx", True),
        (0x1000, 0x80, "rwx", True),
        (0x1000, 0x104, "---", True),  # a guard page
        (0x1000, 0x404, "rw-", True),  # write-combined
        (0x2000, 0x04, "---", False),
        (0x10000, 0x00, "---", False),
    ],
)
def test_memory_info_becomes_mappings(state: int, protect: int, permissions: str, committed: bool) -> None:
    dump = read(MinidumpBuilder(os=Os.WINDOWS).memory_info(0x1000, 0x3000, state, protect).build())
    assert dump.mappings == (MappedRange(0x1000, 0x4000, permissions, committed=committed),)


def test_handles() -> None:
    dump = read(MinidumpBuilder(os=Os.WINDOWS).handle(4, "File", "\\Device\\x").handle(8).build())
    assert dump.handles == (Handle(4, "File", "\\Device\\x"), Handle(8))


def test_old_handle_descriptors_are_shorter() -> None:
    builder = MinidumpBuilder()
    entry = builder.pack("QIIIIII", 12, builder.utf16("Event"), 0, 0, 0, 1, 1)
    dump = read(builder.stream(12, builder.pack("IIII", 16, 32, 1, 0) + entry).build())
    assert dump.handles == (Handle(12, "Event"),)


def test_handles_of_a_big_endian_dump_are_left_out() -> None:
    dump = read(MinidumpBuilder(big_endian=True).handle(4, "File").thread_info(1, 5).build())
    assert dump.handles == ()
    assert set(dump.problems) == {
        "handles: not read in a big-endian dump",
        "thread information: not read in a big-endian dump",
    }


def test_the_packages_parsers_are_imported_only_for_dumps_that_need_them() -> None:
    """They take some 50 ms, a cold start's worth."""
    code = "import sys, cairn.minidump.reader; sys.exit('minidump.streams' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
