"""CodeView records to debug ids and code ids."""

from __future__ import annotations

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Module, Os
from tests.synth.codeview import BuildId, CodeView, Pdb20, Pdb70
from tests.synth.minidump import MinidumpBuilder

GUID = "3249d99d-0c40-4931-8610-f4e4fb0b6936"
ZERO = "00000000-0000-0000-0000-000000000000"


def module(os: Os, cv: CodeView | bytes | None, *, timestamp: int = 0x5AB38077, big_endian: bool = False) -> Module:
    builder = MinidumpBuilder(Arch.AMD64, os, big_endian=big_endian)
    (found,) = read(builder.module(0x1000, 0x9000, "/lib/libc.so.6", cv, timestamp=timestamp).build()).modules
    return found


@pytest.mark.parametrize(
    ("age", "debug_id"), [(1, f"{GUID}-1"), (0, GUID), (0x1A, f"{GUID}-1a"), (0xFFFFFFFF, f"{GUID}-ffffffff")]
)
def test_pdb70_is_guid_and_age_in_hex(age: int, debug_id: str) -> None:
    found = module(Os.WINDOWS, Pdb70(GUID, age, r"D:\build\app.pdb"))
    assert (found.debug_id, found.debug_file, found.code_id) == (debug_id, r"D:\build\app.pdb", "5ab380779000")


def test_guids_follow_the_byte_order_of_the_dump() -> None:
    assert module(Os.WINDOWS, Pdb70(GUID), big_endian=True).debug_id == f"{GUID}-1"


def test_a_zero_guid_is_no_id() -> None:
    found = module(Os.WINDOWS, Pdb70(ZERO, 1))
    assert (found.debug_id, found.code_id) == (None, "5ab380779000")


def test_pdb20_is_signature_and_age() -> None:
    found = module(Os.WINDOWS, Pdb20(0x3B7D84A5, 0x2C, "old.pdb"))
    assert (found.debug_id, found.debug_file, found.code_id) == ("3b7d84a5-2c", "old.pdb", "5ab380779000")


@pytest.mark.parametrize(
    ("build_id", "debug_id"),
    [
        ("93ac61ec5a8eb1390011223344556677deadbeef", "ec61ac93-8e5a-39b1-0011-223344556677"),
        ("93ac61ec5a8eb1390011223344556677", "ec61ac93-8e5a-39b1-0011-223344556677"),
        ("93ac61ec5a", "ec61ac93-005a-0000-0000-000000000000"),
    ],
)
def test_an_elf_build_id_is_the_code_id_and_its_head_the_debug_id(build_id: str, debug_id: str) -> None:
    found = module(Os.LINUX, BuildId(build_id), timestamp=0)
    assert (found.debug_id, found.code_id, found.debug_file) == (debug_id, build_id, "/lib/libc.so.6")


@pytest.mark.parametrize("build_id", ["", "00" * 20])
def test_an_empty_or_zero_build_id_is_no_id(build_id: str) -> None:
    found = module(Os.LINUX, BuildId(build_id))
    assert (found.debug_id, found.code_id) == (None, None)


def test_pdb70_on_linux_without_a_time_stamp_has_no_code_id() -> None:
    found = module(Os.LINUX, Pdb70(GUID, 0, "libc.so.6"), timestamp=0)
    assert (found.debug_id, found.debug_file, found.code_id) == (GUID, "libc.so.6", None)


@pytest.mark.parametrize("os", [Os.MACOS, Os.IOS])
def test_apple_code_ids_are_the_uuid(os: Os) -> None:
    found = module(os, Pdb70(GUID, 0, "libsystem"), timestamp=0)
    assert (found.debug_id, found.code_id) == (GUID, GUID.replace("-", ""))
    assert module(os, Pdb70(ZERO, 0)).code_id is None


@pytest.mark.parametrize("cv", [None, b"\1\2", b"WHAT" + bytes(20)])
def test_without_a_known_record_only_windows_has_a_code_id(cv: bytes | None) -> None:
    windows, linux = module(Os.WINDOWS, cv), module(Os.LINUX, cv)
    assert (windows.debug_id, windows.code_id) == (None, "5ab380779000")
    assert (linux.debug_id, linux.code_id, linux.debug_file) == (None, None, None)


@pytest.mark.parametrize("cv", [Pdb70(GUID).encode("<")[:20], Pdb20(1).encode("<")[:10]])
def test_a_record_that_ends_early_leaves_the_module(cv: bytes) -> None:
    dump = read(MinidumpBuilder(Arch.AMD64, Os.WINDOWS).module(0x1000, 0x9000, "C:\\a.dll", cv).build())
    assert (dump.modules[0].debug_id, dump.modules[0].code_id) == (None, "000000009000")
    assert dump.problems[0].startswith("ids of module C:\\a.dll: ")
