"""Exceptions, threads and modules of a client's own event: what makes sense is taken, the rest left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.crash.client_stacks import (
    MAX_EXCEPTIONS,
    client_exceptions,
    client_images,
    client_threads,
    crashed_thread,
)
from cairn.crash.event import Event, Exceptions, Frame, FrameData, Mechanism, Threads, ThreadValue
from cairn.crash.event_stacks import MAX_FRAMES

FRAME = {
    "function": "paint",
    "package": "/opt/app/paint",
    "instruction_addr": "0x401014",
    "symbol_addr": "0x401000",
    "filename": "paint.c",
    "abs_path": "/src/paint.c",
    "lineno": 7,
    "colno": 3,
    "in_app": True,
    "trust": "cfi",
}


def frames_of(*frames: Any) -> tuple[Frame, ...]:
    (only,) = client_exceptions({"exception": [{"type": "E", "stacktrace": {"frames": list(frames)}}]})
    assert only.stacktrace is not None
    return only.stacktrace.frames


def test_an_exception_as_sentry_native_sends_it() -> None:
    raw = {
        "type": "SIGSEGV",
        "value": "Segfault",
        "mechanism": {
            "type": "signalhandler",
            "synthetic": True,
            "handled": False,
            "meta": {"signal": {"number": 11, "name": "SIGSEGV", "code_name": "SEGV_MAPERR"}},
        },
        "stacktrace": {"frames": [FRAME], "registers": {"rip": "0x401014", "rsp": "0x7ffd0000", "bad": "x"}},
        "thread_id": 7,
    }
    (found,) = client_exceptions({"exception": {"values": [raw]}})
    assert (found.type, found.value, found.thread_id) == ("SIGSEGV", "Segfault", 7)
    meta = {"signal": {"number": 11, "name": "SIGSEGV", "code_name": "SEGV_MAPERR"}}
    assert found.mechanism == Mechanism(type="signalhandler", handled=False, synthetic=True, meta=meta)
    assert found.stacktrace is not None
    assert found.stacktrace.registers == {"rip": 0x401014, "rsp": 0x7FFD0000}


def test_a_frame_is_taken_as_it_is() -> None:
    assert frames_of(FRAME) == (
        Frame(
            function="paint",
            package="/opt/app/paint",
            instruction_addr=0x401014,
            symbol_addr=0x401000,
            filename="paint.c",
            abs_path="/src/paint.c",
            lineno=7,
            colno=3,
            in_app=True,
            trust="cfi",
            data=FrameData(symbolicator_status="symbolicated"),
        ),
    )


@pytest.mark.parametrize(
    ("raw", "status", "in_app"),
    [
        ({"package": "/opt/app/paint"}, "missing", True),
        ({"package": "/usr/lib/libc.so.6"}, "missing", False),
        ({"package": "/usr/lib/libc.so.6", "in_app": True}, "missing", True),
        ({"instruction_addr": 5}, "unknown_image", False),
        ({"filename": "a.js"}, "unknown_image", False),
        ({"filename": "a.js", "trust": ["cfi"], "in_app": "yes"}, "unknown_image", False),
    ],
)
def test_a_frame_without_a_name(raw: dict[str, Any], status: str, in_app: bool) -> None:
    (frame,) = frames_of(raw)
    assert (frame.data.symbolicator_status, frame.in_app, frame.trust) == (status, in_app, "prewalked")


@pytest.mark.parametrize("trust", [{}, [], 3, None, "sure"])
def test_a_trust_that_is_none(trust: Any) -> None:
    (frame,) = frames_of({"function": "f", "trust": trust})
    assert frame.trust == "prewalked"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("0x10", 16),
        ("0X10", 16),
        ("10", 10),
        (10, 10),
        (2**64 - 1, 2**64 - 1),
        (2**64, None),
        (-1, None),
        ("-1", None),
        (1.5, None),
        (True, None),
        ("0x", None),
        ("rubbish", None),
        ("9" * 10_000, None),
        ("0x0000000000401000", 0x401000),
        ([], None),
        (None, None),
    ],
)
def test_addresses(said: Any, address: int | None) -> None:
    assert frames_of({"instruction_addr": said})[0].instruction_addr == address


def test_a_client_does_not_pass_for_a_dump() -> None:
    (found,) = client_exceptions({"exception": [{"type": "E", "mechanism": {"type": "minidump"}}]})
    assert found.mechanism.type == "generic"


def test_what_makes_no_sense_is_left_out() -> None:
    raw = {"exception": {"values": [3, None, {}, {"type": ["x"], "value": ["y"]}, {"value": "v", "stacktrace": 7}]}}
    assert [(one.type, one.value) for one in client_exceptions(raw)] == [("Error", "['y']"), ("Error", "v")]
    nonsense: tuple[Any, ...] = ("x", 3, None, {"values": {}}, [])
    assert [client_exceptions({"exception": values}) for values in nonsense] == [()] * 5
    assert frames_of(3, None, {}, {"lineno": 3}, FRAME) == frames_of(FRAME)


def test_lists_are_bounded() -> None:
    assert len(client_exceptions({"exception": [{"type": str(n)} for n in range(100)]})) == MAX_EXCEPTIONS
    frames = frames_of(*[{"function": "f", "lineno": n} for n in range(1000)])
    assert len(frames) == MAX_FRAMES
    assert (frames[0].lineno, frames[-1].lineno) == (0, 999)


def test_threads() -> None:
    raw = {"values": [{"id": 1, "name": "main", "current": True}, {"id": "2", "crashed": True}, {"name": "?"}, 3]}
    threads = client_threads({"threads": raw})
    assert threads == (ThreadValue(id=1, name="main", current=True), ThreadValue(id=2, crashed=True))
    assert crashed_thread(threads) is threads[1]
    assert crashed_thread(threads[:1]) is threads[0]
    assert crashed_thread(()) is None


def test_images() -> None:
    elf = {
        "type": "elf",
        "code_file": "/opt/app",
        "debug_id": "d",
        "code_id": "c",
        "image_addr": "0x1000",
        "arch": "x86",
    }
    images = client_images({"debug_meta": {"images": [elf, {"type": "sourcemap", "debug_id": "x"}, {"image_addr": 5}]}})
    assert [(image.type, image.code_file, image.image_addr) for image in images] == [
        ("elf", "/opt/app", 0x1000),
        ("unknown", None, 5),
    ]
    assert {image.debug_status for image in images} == {"unused"}
    assert client_images({"debug_meta": []}) == client_images({}) == ()


VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
NAMES = [
    *("type", "value", "values", "exception", "mechanism", "meta", "handled", "stacktrace", "frames", "registers"),
    *(
        "id",
        "thread_id",
        "instruction_addr",
        "image_addr",
        "images",
        "function",
        "package",
        "trust",
        "in_app",
        "lineno",
    ),
]
JSON = st.recursive(
    VALUE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
)


@given(st.dictionaries(st.sampled_from(["exception", "threads", "debug_meta"]), JSON))
def test_any_json_makes_an_event_that_can_be_read_again(raw: dict[str, Any]) -> None:
    event = Event(
        event_id="0" * 32,
        timestamp=1.0,
        received=1.0,
        exception=Exceptions(values=client_exceptions(raw)),
        threads=Threads(values=client_threads(raw)),
    )
    client_images(raw)
    assert Event.from_json(event.to_json()) == event
