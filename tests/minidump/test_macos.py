"""Mozilla's macOS streams."""

from __future__ import annotations

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, MacCrashInfo, Os
from tests.synth.minidump import MinidumpBuilder

TEXTS = ("/usr/lib/libc", "abort() called", "", "0 main", "more")


@pytest.mark.parametrize(
    ("numbers", "record"),
    [
        ((7, 8), MacCrashInfo(*TEXTS, 7, 8)),
        ((7, 8, 9), MacCrashInfo(*TEXTS, 7, 8, 9)),
        ((7, 8, 9, 10), MacCrashInfo(*TEXTS, 7, 8, 9)),  # a version to come
        ((), MacCrashInfo(*TEXTS)),
    ],
)
def test_crash_info_by_version(numbers: tuple[int, ...], record: MacCrashInfo) -> None:
    dump = read(MinidumpBuilder(Arch.ARM64, Os.MACOS).mac_crash_info((numbers, TEXTS), (numbers, TEXTS)).build())
    assert dump.mac_crash_info == (record, record)


def test_a_record_that_is_nowhere_does_not_take_the_others_along() -> None:
    builder = MinidumpBuilder()
    good = builder.location(builder.pack("QQ", 0, 4) + b"m\0")
    stream = builder.pack("III", 0x4D7A0001, 99, 16) + builder.pack("II", 8, 0xFFFFFFF0) + good
    dump = read(builder.stream(0x4D7A0001, stream).build())
    assert dump.mac_crash_info == (MacCrashInfo(module="m"),)
    assert dump.problems[0] == "MozMacosCrashInfo: 99 records announced, 20 is the most"
    assert len(dump.problems) == 2


def test_boot_args() -> None:
    assert read(MinidumpBuilder(os=Os.MACOS).mac_boot_args("-v debug=0x1").build()).mac_boot_args == "-v debug=0x1"
