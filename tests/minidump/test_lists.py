"""Counted and sized lists."""

from __future__ import annotations

import struct

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from tests.synth.minidump import MinidumpBuilder


@pytest.mark.parametrize("padded", [False, True])
def test_padded_lists_are_recognised_by_arithmetic(padded: bool) -> None:
    dump = read(
        MinidumpBuilder(Arch.AMD64, Os.MACOS, padded_lists=padded)
        .thread(7, {"rip": 1, "rsp": 0x1000}, (0x1000, b"stack"))
        .module(0x4000, 0x100, "/bin/one")
        .module(0x5000, 0x100, "/bin/two")
        .build()
    )
    assert [thread.id for thread in dump.threads] == [7]
    assert [(module.base, module.name) for module in dump.modules] == [(0x4000, "one"), (0x5000, "two")]
    assert dump.memory.read(0x1000, 5) == b"stack"
    assert dump.problems == ()


def test_a_list_of_another_size_is_taken_as_not_padded() -> None:
    entry = struct.pack("<QII", 0x1000, 4, 0)
    builder = MinidumpBuilder().stream(5, struct.pack("<I", 1) + entry + b"\0\0")
    assert [region.start for region in read(builder.build()).memory.regions] == [0x1000]


@pytest.mark.parametrize(
    ("kind", "name"), [(3, "ThreadList"), (4, "ModuleList"), (5, "MemoryList"), (24, "ThreadNames")]
)
def test_counts_are_bounded_by_the_stream(kind: int, name: str) -> None:
    dump = read(MinidumpBuilder().stream(kind, struct.pack("<I", 0xFFFFFFFF) + bytes(12)).build())
    read_entries = 1 if kind == 24 else 0
    assert dump.problems == (f"{name}: 4294967295 entries announced, {read_entries} read",)


def test_entries_of_sized_lists_are_stepped_by_their_declared_size() -> None:
    first = struct.pack("<QIIII", 0x1000, 0x200, 0, 0x5F, 0) + bytes(8)
    second = struct.pack("<QIIII", 0x8000, 0x300, 0, 0x60, 0) + bytes(8)
    stream = struct.pack("<IIII", 16, 32, 2, 0) + first + second
    modules = read(MinidumpBuilder().stream(14, stream).build()).unloaded_modules
    assert [(module.base, module.code_id) for module in modules] == [(0x1000, "0000005f200"), (0x8000, "00000060300")]


@pytest.mark.parametrize("entry_size", [0, 4, 0xFFFFFFFF])
def test_an_impossible_entry_size_leaves_the_list_out(entry_size: int) -> None:
    stream = struct.pack("<III", 12, entry_size, 5) + bytes(64)
    dump = read(MinidumpBuilder().stream(14, stream).build())
    assert dump.unloaded_modules == ()
    assert dump.problems == ("UnloadedModuleList: 5 entries announced, 0 read",)
