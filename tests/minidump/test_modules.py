"""Loaded and unloaded modules."""

from __future__ import annotations

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os, UnloadedModule
from tests.synth.minidump import MinidumpBuilder


def test_modules_stay_in_the_order_of_the_list() -> None:
    dump = read(
        MinidumpBuilder(Arch.AMD64, Os.WINDOWS)
        .module(0x9000, 0x100, r"C:\app.exe", checksum=5, timestamp=6)
        .module(0x1000, 0x100, r"C:\Windows\ntdll.dll")
        .module(0x1080, 0, "overlapping and empty")
        .build()
    )
    assert [module.name for module in dump.modules] == ["app.exe", "ntdll.dll", "overlapping and empty"]
    assert (dump.modules[0].checksum, dump.modules[0].timestamp, dump.modules[0].end) == (5, 6, 0x9100)


@pytest.mark.parametrize(
    ("os", "version"),
    [
        (Os.WINDOWS, "10.2.3.4"),
        (Os.MACOS, "10.2.3.4"),
        (Os.LINUX, "655362.196612.7.8"),
        (Os.ANDROID, "655362.196612.7.8"),
    ],
)
def test_versions_are_four_halves_or_four_numbers(os: Os, version: str) -> None:
    builder = MinidumpBuilder(Arch.AMD64, os).module(0, 1, "a", version=(10 << 16 | 2, 3 << 16 | 4, 7, 8))
    assert read(builder.build()).modules[0].version == version


def test_a_module_without_version_info_has_no_version() -> None:
    assert read(MinidumpBuilder().module(0, 1, "a").build()).modules[0].version is None


@pytest.mark.parametrize("name", ["/tmp/ü ☃.so", "/memfd:x (deleted)", "C:\\ends\\slash\\", "", "a\ud800b"])
def test_names_of_any_kind(name: str) -> None:
    (module,) = read(MinidumpBuilder().module(0, 1, name).build()).modules
    assert module.code_file == name.replace("\ud800", "�")


def test_a_module_whose_name_is_nowhere_stays() -> None:
    data = MinidumpBuilder().pack("QIIII", 0x1000, 0x100, 0, 0, 0xFFFFFFF0) + bytes(84)
    dump = read(MinidumpBuilder().stream(4, b"\1\0\0\0" + data).build())
    assert [(module.base, module.code_file) for module in dump.modules] == [(0x1000, "")]
    assert dump.problems[0].startswith("string at 0xfffffff0: ")


def test_unloaded_modules_have_a_code_id() -> None:
    dump = read(MinidumpBuilder(os=Os.WINDOWS).unloaded_module(0x5000, 0x2000, "gone.dll", timestamp=0xAB).build())
    assert dump.unloaded_modules == (UnloadedModule(0x5000, 0x2000, "gone.dll", "000000ab2000"),)
