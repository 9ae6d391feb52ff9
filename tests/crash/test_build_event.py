from __future__ import annotations

import struct
from typing import Any

import pytest

from cairn.crash.build_event import Received, build_event, unreadable_event
from cairn.crash.event import Event, ExceptionValue, ProcessingError
from cairn.crash.process import process
from cairn.minidump.errors import MinidumpError
from cairn.minidump.records import Arch, Os
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.crash.symbol_files import Files, compiled
from tests.synth.codeview import BuildId
from tests.synth.minidump import MinidumpBuilder

BASE = 0x400000
STACK = 0x7F0000000000
NOW = 1_700_000_100.0
BUILD_ID = "93ac61ec5a8eb139aabbccddeeff0011"
DEBUG_ID = "ec61ac93-8e5a-39b1-aabb-ccddeeff0011"
SYMBOLS = """MODULE Linux x86_64 EC61AC938E5A39B1AABBCCDDEEFF00110 app
FILE 0 /src/app.cpp
FILE 1 /src/widget.h
INLINE_ORIGIN 0 Widget::poke()
FUNC 1000 100 0 crash(int*)
INLINE 0 12 0 0 1010 10
1000 10 10 0
1010 10 3 1
1020 e0 13 0
FUNC 1200 100 0 main
1200 100 20 0
STACK CFI INIT 1000 100 .cfa: $rsp 8 + .ra: .cfa 8 - ^
STACK CFI INIT 1200 100 .cfa: $rsp 8 + .ra: .cfa 8 - ^
"""


def dump(**options: Any) -> MinidumpBuilder:
    """A program that crashes in a call that was inlined into ``crash``, which ``main`` called."""
    stack = struct.pack("<QQ", BASE + 0x1210, 0) + bytes(64)
    registers = {"rip": BASE + 0x1014, "rsp": STACK}
    return (
        MinidumpBuilder(Arch.AMD64, Os.LINUX, timestamp=int(NOW) - 5, csd="Linux 5.10.0 #1 x86_64", **options)
        .module(BASE, 0x2000, "/opt/app/bin/app", BuildId(BUILD_ID))
        .module(0x10000000, 0x1000, "/opt/app/lib/plugin.so", BuildId("11" * 20))
        .module(0x20000000, 0x1000, "/usr/lib/libc.so.6", BuildId("22" * 20))
        .thread(7, registers, (STACK, stack), name="main")
        .thread(8, {"rip": 0x10000010, "rsp": STACK + 0x10000}, (STACK + 0x10000, bytes(64)))
        .exception(7, code=11, flags=1, address=0x10, registers=registers)
    )


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> list[SymbolFile]:
    folder = tmp_path_factory.mktemp("symbols")
    (folder / "app.sym").write_text(SYMBOLS)
    return compiled(folder, folder / "app.sym")


@pytest.fixture
def files(symbols: list[SymbolFile]) -> Files:
    return Files(*symbols)


def event_of(builder: MinidumpBuilder, files: Files, **said: Any) -> Event:
    received = Received(event_id="ab" * 16, project=1, received=NOW, event=said)
    return build_event(process(builder.build(), files), received)


def test_the_crash_stands_on_the_exception(files: Files) -> None:
    event = event_of(dump(), files)
    crash = event.crash
    assert crash is not None
    assert crash.type == "SIGSEGV / SEGV_MAPERR / 0x10"
    assert crash.value == "Fatal Error: SIGSEGV / SEGV_MAPERR / 0x10"
    assert crash.thread_id == 7
    assert crash.stacktrace is not None
    assert [
        (frame.function, frame.filename, frame.lineno, frame.trust, frame.data.inlined)
        for frame in crash.stacktrace.frames
    ] == [
        ("main", "app.cpp", 20, "cfi", None),
        ("crash", "app.cpp", 12, "context", None),
        ("Widget::poke", "widget.h", 3, "context", True),
    ]
    assert crash.stacktrace.registers == {"rip": BASE + 0x1014, "rsp": STACK} | {
        name: 0 for name in crash.stacktrace.registers or {} if name not in ("rip", "rsp")
    }


def test_frames_keep_what_grouping_and_people_need(files: Files) -> None:
    crash = event_of(dump(), files).crash
    assert crash is not None and crash.stacktrace is not None
    outer = crash.stacktrace.frames[1]
    assert outer.raw_function == "crash(int*)"
    assert outer.symbol_addr == BASE + 0x1000
    assert outer.instruction_addr == BASE + 0x1014
    assert outer.package == "/opt/app/bin/app"
    assert outer.abs_path == "/src/app.cpp"
    assert outer.in_app


def test_other_threads_keep_their_own_stacks(files: Files) -> None:
    crashed, other = event_of(dump(), files).threads.values
    assert (crashed.id, crashed.name, crashed.crashed, crashed.stacktrace) == (7, "main", True, None)
    assert (other.id, other.crashed) == (8, None)
    assert other.stacktrace is not None
    assert other.stacktrace.frames[-1].data.symbolicator_status == "missing"


def test_images_say_what_became_of_their_symbols(files: Files) -> None:
    app, plugin, libc = event_of(dump(), files).debug_meta.images
    assert (app.type, app.debug_id, app.code_id, app.arch) == ("elf", DEBUG_ID, BUILD_ID, "x86_64")
    assert (app.debug_status, app.unwind_status) == ("found", "found")
    assert app.features.has_symbols and app.features.has_debug_info and app.features.has_unwind_info
    assert (plugin.debug_status, libc.debug_status) == ("missing", "unused")


def test_only_missing_symbols_of_ones_own_code_are_errors(files: Files) -> None:
    errors = event_of(dump(), files).errors
    assert [(error.type, error.image_path) for error in errors] == [("native_missing_dsym", "/opt/app/lib/plugin.so")]
    assert errors[0].image_arch == "x86_64"


def test_all_ids_are_asked_for_at_once(files: Files) -> None:
    event_of(dump(), files)
    assert len(files.expected) == 3
    assert files.expected[0] == (DEBUG_ID, BUILD_ID)


def test_the_title_is_the_function_to_look_at(files: Files) -> None:
    event = event_of(dump(), files)
    assert (event.title, event.culprit) == ("Widget::poke", "SIGSEGV / SEGV_MAPERR")


def test_without_symbols_the_title_is_the_place() -> None:
    assert event_of(dump(), Files()).title == "app+0x1014"


def test_contexts_keep_what_the_client_said(files: Files) -> None:
    event = event_of(dump(), files, contexts={"os": {"name": "SteamOS", "version": ""}, "gpu": {"name": "X"}})
    assert event.contexts["os"] == {"type": "os", "name": "SteamOS", "version": "5.10.0", "build": "#1"}
    assert event.contexts["device"]["arch"] == "x86_64"
    assert event.contexts["gpu"] == {"name": "X"}


def test_annotations_of_crashpad_are_contexts(files: Files) -> None:
    builder = dump()
    module = builder.crashpad_module(simple={"ptype": "gpu"}, listed=["abort!"], objects=[("mode", 1, b"fast")])
    event = event_of(builder.crashpad_info(simple={"prod": "app"}, modules={0: module}), files)
    assert event.contexts["crashpad"] == {"prod": "app"}
    assert event.contexts["app"] == {"type": "crashpad", "ptype": "gpu", "mode": "fast", "annotations": ["abort!"]}
    assert event.sdk["name"] == "minidump.crashpad"


def test_the_client_decides_the_level(files: Files) -> None:
    assert event_of(dump(), files).level == "fatal"
    assert event_of(dump(), files, level="error").level == "error"


def test_a_dump_without_a_crash_is_for_information(files: Files) -> None:
    builder = (
        MinidumpBuilder(timestamp=int(NOW))
        .module(BASE, 0x2000, "/opt/app/bin/app", BuildId(BUILD_ID))
        .thread(7, {"rip": BASE + 0x1014, "rsp": STACK}, (STACK, bytes(64)))
        .exception(7, code=0xFFFFFFFF)
    )
    event = event_of(builder, files)
    assert event.level == "info"
    assert event.threads.values[0].current and not event.threads.values[0].crashed


@pytest.mark.parametrize(
    ("timestamp", "expected", "error"),
    [
        (int(NOW) - 5, NOW - 5, None),
        (int(NOW) + 30, NOW + 30, None),
        (int(NOW) + 90, NOW, "future_timestamp"),
        (5, NOW, "past_timestamp"),
    ],
)
def test_a_wrong_clock_is_corrected(timestamp: int, expected: float, error: str | None) -> None:
    builder = MinidumpBuilder(timestamp=timestamp).thread(1, {"rip": 1, "rsp": 2}, (2, bytes(8)))
    event = event_of(builder, Files())
    assert event.timestamp == pytest.approx(expected, abs=1)
    assert [e.type for e in event.errors if e.type.endswith("timestamp")] == ([error] if error else [])


def test_a_dump_without_threads_says_so() -> None:
    event = event_of(MinidumpBuilder(timestamp=int(NOW)), Files())
    assert ProcessingError(type="native_symbolicator_failed", message="minidump has no thread list") in event.errors


def test_what_the_client_recorded_follows_the_crash(files: Files) -> None:
    recorded = {"type": "Panic", "value": "oh no", "mechanism": {"type": "signalhandler"}}
    event = event_of(dump(), files, exception={"values": [recorded]})
    second = event.exception.values[1]
    assert isinstance(second, ExceptionValue)
    assert (second.type, second.value, second.mechanism.type) == ("Panic", "oh no", "signalhandler")
    assert Event.from_json(event.to_json()) == event


def test_an_unreadable_dump_is_an_event_that_says_why() -> None:
    received = Received("ab" * 16, 1, NOW, {"release": "app@1", "tags": {"a": "b"}})
    with pytest.raises(MinidumpError) as caught:
        process(b"MDMP invalid garbage", Files())
    event = unreadable_event(caught.value, received)
    assert event.crash is not None
    assert (event.crash.type, event.crash.value) == ("Minidump", "Invalid Minidump")
    assert event.release == "app@1"
    assert event.errors[0].type == "native_symbolicator_failed"
    assert event.errors[0].message == event.cairn.explanation == str(caught.value)


def test_a_runaway_recursion_keeps_both_ends(files: Files) -> None:
    depth = 600
    stack = struct.pack("<Q", BASE + 0x1030) * depth + struct.pack("<QQ", BASE + 0x1210, 0)
    registers = {"rip": BASE + 0x1014, "rsp": STACK}
    builder = (
        MinidumpBuilder(timestamp=int(NOW))
        .module(BASE, 0x2000, "/opt/app/bin/app", BuildId(BUILD_ID))
        .thread(7, registers, (STACK, stack))
        .exception(7, code=11, flags=1, address=STACK, registers=registers)
    )
    crash = event_of(builder, files).crash
    assert crash is not None and crash.stacktrace is not None
    frames = crash.stacktrace.frames
    assert frames[0].function == "main"
    assert frames[-1].function == "Widget::poke"
    assert len(frames) == 251  # 250 of the stack, one of them with an inlined call
