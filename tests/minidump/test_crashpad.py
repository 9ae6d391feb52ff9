"""Crashpad's annotations."""

from __future__ import annotations

from cairn.minidump.reader import read
from cairn.minidump.records import CrashpadInfo, CrashpadModule
from tests.synth.minidump import MinidumpBuilder

REPORT = "725058a6-7289-480f-8a41-517bd0ba216b"
CLIENT = "01020304-0506-0708-090a-0b0c0d0e0f10"


def test_annotations_of_every_kind() -> None:
    builder = MinidumpBuilder()
    module = builder.crashpad_module(
        {"ptype": "renderer"},
        ["abort cause"],
        [("name", 1, "wért".encode()), ("blob", 0x8000, b"\xff"), ("off", 0, b"")],
    )
    other = builder.crashpad_module()
    dump = read(builder.crashpad_info(REPORT, CLIENT, {"prod": "App", "ver": ""}, {3: module, 9: other}).build())
    assert dump.crashpad == CrashpadInfo(
        REPORT,
        CLIENT,
        {"prod": "App", "ver": ""},
        (CrashpadModule(3, {"ptype": "renderer"}, ("abort cause",), {"name": "wért"}), CrashpadModule(9)),
    )
    assert dump.problems == ()


def test_without_any_annotation() -> None:
    crashpad = read(MinidumpBuilder().crashpad_info(REPORT, CLIENT).build()).crashpad
    assert crashpad == CrashpadInfo(REPORT, CLIENT)


def test_a_broken_module_does_not_take_the_others_along() -> None:
    builder = MinidumpBuilder()
    good = builder.crashpad_module({"a": "b"})
    dump = read(builder.crashpad_info(modules={1: b"short", 2: good}).build())
    assert dump.crashpad is not None
    assert [module.module_index for module in dump.crashpad.modules] == [2]
    assert dump.problems[0].startswith("Crashpad annotations of module 1: ")


def test_counts_are_bounded_by_their_list() -> None:
    builder = MinidumpBuilder()
    texts = builder.location(builder.pack("II", 0xFFFFFFFF, builder.utf8("only")))
    dump = read(builder.crashpad_info(modules={0: builder.pack("I", 1) + texts + bytes(16)}).build())
    assert dump.crashpad is not None
    assert dump.crashpad.modules[0].listed == ("only",)
    assert dump.problems[0].startswith("CrashpadInfo: 4294967295 entries announced")


def test_lists_that_are_named_again_and_again_end() -> None:
    """Half a megabyte that would be read as 150 GB of text if nothing bounded the work."""
    builder = MinidumpBuilder()
    rva = builder.utf8("x" * 60_000)
    texts = builder.location(builder.pack("I", 2000) + builder.pack("I", rva) * 2000)
    module = builder.location(builder.pack("I", 1) + texts + bytes(16))
    links = builder.location(builder.pack("I", 5000) + (builder.pack("I", 0) + module) * 5000)
    builder.stream(0x43500001, builder.pack("I", 1) + bytes(32) + bytes(8) + links)
    dump = read(builder.build())
    assert dump.crashpad is not None
    assert any("in all" in problem for problem in dump.problems)
