"""Events without a dump."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.crash.build_client_event import build_client_event, client_time, message_of
from cairn.crash.build_event import Received, unreadable_event
from cairn.crash.event import Event
from cairn.minidump.errors import NotAMinidumpError

NOW = 1_700_000_100.0
STACK = {"frames": [{"function": "main"}, {"function": "paint(int)", "in_app": True}, {"function": "abort"}]}
NAMELESS = {
    "type": "SIGSEGV",
    "value": "Segfault",
    "mechanism": {"synthetic": True},
    "stacktrace": {"frames": [{"instruction_addr": "0x1014"}, {"instruction_addr": "0x9"}, {}]},
}
IMAGES = {"images": [{"type": "pe", "code_file": "C:\\paint\\paint.exe", "image_addr": "0x1000", "image_size": 64}]}
CRASH = {"type": "SIGABRT", "value": "Abort\nsecond line", "stacktrace": STACK, "thread_id": 7}


def event_of(**said: Any) -> Event:
    return build_client_event(Received("ab" * 16, 1, NOW, said, symbolicated=NOW))


def test_the_last_exception_names_the_event() -> None:
    event = event_of(exception={"values": [{"type": "Cause", "value": "x"}, CRASH]}, platform="native", level="fatal")
    assert (event.title, event.culprit) == ("SIGABRT: Abort", "paint")
    assert event.crash == event.exception.values[1]
    assert (event.platform, event.level, event.timestamp) == ("native", "fatal", NOW)


@pytest.mark.parametrize(
    ("said", "title", "culprit"),
    [
        ({"exception": [CRASH | {"mechanism": {"synthetic": True}}]}, "paint", "SIGABRT"),
        ({"exception": [{"type": "SIGABRT", "mechanism": {"synthetic": True}}]}, "SIGABRT", None),
        ({"exception": [NAMELESS], "debug_meta": IMAGES}, "paint.exe+0x14", "SIGSEGV"),
        ({"exception": [NAMELESS]}, "SIGSEGV: Segfault", None),
        ({"exception": [{"type": "E"}]}, "E", None),
        ({"exception": [CRASH], "transaction": "start"}, "SIGABRT: Abort", "start"),
        ({"message": "out of paint\nagain"}, "out of paint", None),
        ({"logentry": {"message": "out of %s at %s", "params": ["paint", 3]}}, "out of paint at 3", None),
        ({"logentry": {"formatted": "out of paint", "message": "out of %s"}}, "out of paint", None),
        ({"message": "x" * 500}, "x" * 100, None),
        ({"message": " \n "}, "<unlabeled event>", None),
        ({}, "<unlabeled event>", None),
    ],
)
def test_titles(said: dict[str, Any], title: str, culprit: str | None) -> None:
    event = event_of(**said)
    assert (event.title, event.culprit) == (title, culprit)


def test_a_senseless_message_is_no_title() -> None:
    assert message_of({"message": 3}) is None
    assert message_of({"logentry": {"message": ["x"]}}) is None
    assert message_of({"logentry": {"message": "%s %d %999999999s", "params": ["%s"]}}) == "%s %d %999999999s"


@pytest.mark.parametrize("thread_id", [7, None])
def test_the_crashed_threads_stack_goes_to_the_exception(thread_id: int | None) -> None:
    threads = [{"id": 7, "crashed": True, "stacktrace": STACK}, {"id": 8, "stacktrace": STACK}]
    event = event_of(exception=[{"type": "SIGABRT", "thread_id": thread_id}], threads={"values": threads})
    assert event.crash is not None and event.crash.stacktrace is not None
    assert (event.crash.thread_id, len(event.crash.stacktrace.frames)) == (7, 3)
    assert [thread.stacktrace is None for thread in event.threads.values] == [True, False]


def test_stacks_stay_where_they_are_otherwise() -> None:
    threads = [{"id": 7, "crashed": True, "stacktrace": STACK}]
    event = event_of(exception=[CRASH], threads=threads)
    assert event.threads.values[0].stacktrace is not None
    assert event_of(threads=threads).threads.values[0].stacktrace is not None
    assert event_of(threads=threads).crash is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (NOW - 5, NOW - 5),
        ("2023-11-14T22:15:00Z", datetime(2023, 11, 14, 22, 15, tzinfo=UTC).timestamp()),
        ("2023-11-14T22:15:00", datetime(2023, 11, 14, 22, 15, tzinfo=UTC).timestamp()),
        ("2023-11-14T22:15:00.5+01:00", datetime(2023, 11, 14, 21, 15, 0, 500_000, tzinfo=UTC).timestamp()),
        ("yesterday", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_the_clients_clock(said: Any, expected: float | None) -> None:
    assert client_time({"timestamp": said}) == expected
    assert event_of(timestamp=said).timestamp == (expected or NOW)


def test_a_wrong_clock_is_noted() -> None:
    event = event_of(timestamp=NOW + 1000)
    assert (event.timestamp, [error.type for error in event.errors]) == (NOW, ["future_timestamp"])


def test_defaults() -> None:
    event = event_of()
    assert (event.platform, event.level, event.cairn.project) == ("other", "error", 1)
    assert Event.from_json(event.to_json()) == event


def test_an_unreadable_dump_leaves_the_clients_own_stack() -> None:
    said = {
        "exception": [CRASH | {"mechanism": {"type": "signalhandler", "handled": True}}],
        "threads": [{"id": 7, "crashed": True}],
        "debug_meta": {"images": [{"type": "elf", "image_addr": "0x1000"}]},
    }
    event = unreadable_event(NotAMinidumpError("no"), Received("ab" * 16, 1, NOW, said))
    assert event.crash is not None and event.crash.stacktrace is not None
    assert (event.crash.type, event.crash.mechanism.type, event.crash.mechanism.handled) == (
        "Minidump",
        "minidump",
        True,
    )
    assert (event.crash.thread_id, len(event.crash.stacktrace.frames)) == (7, 3)
    assert (len(event.exception.values), len(event.threads.values), len(event.debug_meta.images)) == (2, 1, 1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["timestamp", "platform", "level", "message", "logentry", "transaction", "contexts", "threads", "exception", "tags"]
)


@given(st.dictionaries(NAMES, JSON))
def test_any_json_makes_an_event(said: dict[str, Any]) -> None:
    event = event_of(**said)
    assert event.title
    assert abs(event.timestamp - NOW) <= 90 * 86400
    assert Event.from_json(event.to_json()) == event
