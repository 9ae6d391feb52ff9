from __future__ import annotations

import io
import json
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from cairn.intake.errors import InvalidMsgpackError
from cairn.intake.forms import FormFile
from cairn.intake.limits import BREADCRUMBS, JSON_DEPTH, MSGPACK_ITEMS
from cairn.intake.payloads import breadcrumbs, event_from_files, event_payload, joined


def file(kind: str, data: bytes) -> FormFile:
    return FormFile(kind, "f", "application/octet-stream", f"event.{kind}", len(data), io.BytesIO(data))


def crumb(message: str, timestamp: object = None) -> dict[str, Any]:
    return {"message": message} | ({} if timestamp is None else {"timestamp": timestamp})


def packed(*values: object) -> bytes:
    return b"".join(msgpack.packb(value) for value in values)


def test_the_event_of_sentry_native() -> None:
    event = {
        "event_id": "6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44",
        "level": "fatal",
        "release": "app@1",
        "user": {"id": "7"},
        "contexts": {"os": {"name": "Linux", "rooted": False, "free": 2**40, "load": 0.5, "note": None}},
        "sdk": {"name": "sentry.native", "packages": [{"name": "github:getsentry/sentry-native"}]},
    }
    assert event_payload(packed(event)) == event


def test_what_json_cannot_hold() -> None:
    data = packed(
        {
            "time": msgpack.Timestamp(1700000000, 500_000_000),
            "ext": msgpack.ExtType(5, b"x"),
            "bytes": b"\xffa",
            "nan": float("nan"),
            7: "number",
            b"\xff": "bytes",
        }
    )
    event = event_payload(data)
    assert event == {"time": 1700000000.5, "ext": None, "bytes": "�a", "nan": None, "7": "number", "�": "bytes"}
    assert json.loads(json.dumps(event, allow_nan=False)) == event


@pytest.mark.parametrize("depth", [JSON_DEPTH + 10, 400])
def test_deep_events_are_cut(depth: int) -> None:
    assert json.dumps(event_payload(b"\x81\xa1a" * depth + b"\xc0")).count("{") == JSON_DEPTH


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        b"{",
        b"\x81\xa1a",
        b"\x90",
        b"\x07",
        b"\xc0",
        b"\x81\x90\x01",
        b"\x81\xa8event_id\x07",
        b"\x81\xa8event_id\xa1x",
        b"\x81\xa1a" * 100_000,
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
        b"\x81\xa1a\xdf\xff\xff\xff\xff",
        b"\x81\xa1a\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xd6\xff\x00",
        packed({"a": [0] * (MSGPACK_ITEMS + 1)}),
    ],
)
def test_events_that_are_none(data: bytes) -> None:
    with pytest.raises(InvalidMsgpackError):
        event_payload(data)


def test_breadcrumbs_are_read_as_far_as_they_go() -> None:
    assert breadcrumbs(b"") == []
    assert breadcrumbs(packed(crumb("a"), crumb("b"))) == [crumb("a"), crumb("b")]
    assert breadcrumbs(packed(crumb("a")) + b"\x82\xa1a") == [crumb("a")]
    assert breadcrumbs(packed(crumb("a"), 7, [], crumb("b")) + b"\xc1" + packed(crumb("c"))) == [crumb("a"), crumb("b")]


def test_a_flood_of_breadcrumbs() -> None:
    trail = breadcrumbs(b"\x80" * 100_000 + packed(crumb("last")))
    assert len(trail) == BREADCRUMBS
    assert trail[-1] == crumb("last")


@pytest.mark.parametrize(
    ("first", "second", "messages"),
    [
        ([], [], ""),
        ([crumb("a", 1)], [], "a"),
        ([], [crumb("b", 1)], "b"),
        ([crumb("c", 3), crumb("d", 4)], [crumb("a", 1), crumb("b", 2)], "cd"),
        ([crumb("a", 1), crumb("b", 2)], [crumb("c", 3)], "bc"),
        ([crumb("c", 3)], [crumb("a", 1), crumb("b", 2)], "bc"),
        ([crumb("b", "2026-01-02T00:00:00Z")], [crumb("a", "2026-01-01T00:00:00.123456Z")], "b"),
        ([crumb("a", "2026-01-01T00:00:00"), crumb("b")], [crumb("c", 1)], "bc"),
        ([crumb("b", 99), crumb("c", 100)], [crumb("a", "rubbish")], "bc"),
    ],
)
def test_two_trails_are_one(first: list[Any], second: list[Any], messages: str) -> None:
    assert "".join(crumb["message"] for crumb in joined(first, second)) == messages


def test_breadcrumbs_go_into_the_event() -> None:
    files = [
        file("breadcrumbs", packed(crumb("b", 2))),
        file("payload", packed({"level": "info", "breadcrumbs": {"values": [crumb("old")]}})),
        file("breadcrumbs", packed(crumb("a", 1), crumb("a2", 1))),
        file("breadcrumbs", packed(crumb("third", 9))),
        file("payload", packed({"level": "second"})),
    ]
    assert event_from_files(files) == {"level": "info", "breadcrumbs": {"values": [crumb("a2", 1), crumb("b", 2)]}}


def test_breadcrumbs_alone_make_an_event() -> None:
    assert event_from_files([file("breadcrumbs", packed(crumb("a")))]) == {"breadcrumbs": {"values": [crumb("a")]}}


def test_breadcrumbs_of_the_event_stay_when_there_are_no_others() -> None:
    event = {"breadcrumbs": {"values": [crumb("a")]}}
    assert event_from_files([file("payload", packed(event)), file("breadcrumbs", b"")]) == event


def test_neither_event_nor_breadcrumbs() -> None:
    assert event_from_files([file("attachment", b"")]) is None
