"""What becomes of the items of an envelope."""

from __future__ import annotations

import bz2
import gzip
import json
from dataclasses import replace
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
import zstandard

from cairn.intake.errors import SIZE_LIMITS_PAGE
from cairn.intake.limits import Limits
from cairn.intake.upload import Feedback
from tests.intake.clients import DUMP, KEY, NEW_ID, NOW, PROJECT, file_part, form, form_headers
from tests.intake.clients import request as form_request
from tests.intake.envelopes import (
    DSN,
    ENVELOPE_PATH,
    EVENT_ID,
    Sent,
    deliver,
    dump_item,
    envelope,
    envelope_request,
    item,
    line,
    post,
)

EVENT = {"level": "fatal", "tags": {"gpu": "none"}}
OTHER_ID = "0" * 31 + "1"


def kinds(sent: Sent) -> list[tuple[str, str]]:
    assert sent.upload is not None, sent.response.body
    return [(file.name, file.kind) for file in sent.upload.attachments]


def test_an_event_with_a_dump() -> None:
    sent = post(
        item("event", EVENT), dump_item(DUMP), item("attachment", b"a line\n", filename="a.log"), event_id=EVENT_ID
    )
    assert (sent.response.status, sent.json) == (200, {"id": EVENT_ID})
    assert sent.response.headers["content-type"] == "application/json"
    assert sent.response.event_id == EVENT_ID
    assert sent.event == {**EVENT, "event_id": EVENT_ID}
    assert kinds(sent) == [("a.dmp", "event.minidump"), ("a.log", "event.attachment")]
    assert sent.contents == [DUMP, b"a line\n"]


def test_an_event_alone() -> None:
    sent = post(item("event", EVENT), event_id=EVENT_ID)
    assert sent.json == {"id": EVENT_ID}
    assert sent.event == {**EVENT, "event_id": EVENT_ID}
    assert kinds(sent) == []


def test_a_dump_alone_gets_a_random_id() -> None:
    sent = post(dump_item(DUMP))
    assert sent.json == {"id": NEW_ID}
    assert sent.event == {"event_id": NEW_ID}


@pytest.mark.parametrize(
    ("header", "event", "expected"),
    [
        ({"event_id": "6F0B2C1E-5D0F-4A53-9B0B-1F8E3A2C7D44"}, {"event_id": OTHER_ID}, EVENT_ID),
        ({}, {"event_id": OTHER_ID}, OTHER_ID),
        ({"event_id": None}, {"event_id": OTHER_ID}, OTHER_ID),
        ({}, {"event_id": "rubbish"}, NEW_ID),
        ({}, {}, NEW_ID),
    ],
)
def test_whose_id_it_is(header: dict[str, Any], event: dict[str, Any], expected: str) -> None:
    sent = post(item("event", event), **header)
    assert sent.json == {"id": expected}
    assert sent.upload is not None
    assert (sent.upload.event_id, sent.event["event_id"]) == (expected, expected)


@pytest.mark.parametrize("header", [{}, {"event_id": EVENT_ID}])
def test_no_items(header: dict[str, Any]) -> None:
    sent = post(**header)
    assert (sent.response.status, sent.json) == (200, {"id": EVENT_ID} if header else {})
    assert sent.response.event_id is None
    assert sent.upload is None


def test_what_nothing_is_made_of_is_taken_and_counted() -> None:
    items = [item(kind, b"{}") for kind in ("session", "session", "client_report", "transaction", "made_up", "\n#")]
    sent = post(*items, line({"type": "log"}) + b"x" * 100 + b"\n")
    assert (sent.response.status, sent.json) == (200, {})
    assert sent.response.ignored == {"session": 2, "client_report": 1, "transaction": 1, "other": 2, "log": 1}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress])
def test_a_compressed_dump_is_unpacked(pack: Any) -> None:
    sent = post(item("attachment", pack(DUMP), attachment_type="event.minidump", filename="a.dmp.gz"))
    assert sent.contents == [DUMP]
    assert kinds(sent)[0][1] == "event.minidump"


@pytest.mark.parametrize(
    "content",
    [b"", b"rubbish", gzip.compress(b"rubbish"), gzip.compress(DUMP)[:-9]],
    ids=["nothing", "rubbish", "packed rubbish", "torn gzip"],
)
def test_what_is_no_dump_is_kept_as_it_is(content: bytes) -> None:
    """Relay does not look into an envelope's dump, and the event beside it is worth keeping."""
    sent = post(item("event", EVENT), dump_item(content))
    assert sent.contents == [content]
    assert kinds(sent) == [("a.dmp", "event.minidump")]


def test_of_several_dumps_the_first_is_the_dump() -> None:
    sent = post(item("attachment", b"x"), dump_item(DUMP + b"1"), dump_item(DUMP + b"2"))
    assert sent.contents == [DUMP + b"1", b"x", DUMP + b"2"]
    assert sent.upload is not None and sent.upload.dump is sent.upload.attachments[0]


def test_attachments_keep_the_kind_that_is_known() -> None:
    types = ["event.view_hierarchy", "event.applecrashreport", "made.up", 7, None]
    sent = post(item("event", EVENT), *(item("attachment", b"", attachment_type=kind, filename="f") for kind in types))
    assert [kind for _, kind in kinds(sent)] == [*types[:2], *["event.attachment"] * 3]


def test_names_and_types_have_defaults() -> None:
    sent = post(item("attachment", DUMP, attachment_type="event.minidump"), item("attachment", b"x", filename=""))
    assert sent.upload is not None
    assert [(file.name, file.content_type) for file in sent.upload.attachments] == [
        ("Minidump", "application/x-dmp"),
        ("attachment", "application/octet-stream"),
    ]


def test_msgpack_files_make_the_event_where_there_is_no_other() -> None:
    crumbs = item("attachment", msgpack.packb({"message": "opened"}), attachment_type="event.breadcrumbs", filename="b")
    packed = item("attachment", msgpack.packb({"release": "a@1"}), attachment_type="event.payload", filename="e")
    sent = post(packed, crumbs, dump_item(DUMP))
    assert sent.event == {"release": "a@1", "breadcrumbs": {"values": [{"message": "opened"}]}, "event_id": NEW_ID}
    assert sent.contents == [DUMP]
    both = post(packed, item("event", EVENT), dump_item(DUMP))
    assert both.event == {**EVENT, "event_id": NEW_ID}
    assert both.contents == [DUMP]


@pytest.mark.parametrize("payload", [b"", b"rubbish", b"[]", b'{"level":', b"\xff"], ids=[*"01234"])
def test_an_event_that_cannot_be_read_does_not_cost_the_dump(payload: bytes) -> None:
    sent = post(item("event", payload), dump_item(DUMP))
    assert sent.event == {"event_id": NEW_ID}
    assert post(item("event", payload)).json["detail"] == "invalid JSON data"


def test_references_to_uploads_are_left_out() -> None:
    reference = item(
        "attachment",
        {"location": "https://crash.example/api/42/upload/K/"},
        attachment_type="event.minidump",
        content_type="application/vnd.sentry.attachment-ref+json",
        attachment_length=150_000_000,
    )
    sent = post(item("event", EVENT), reference, event_id=EVENT_ID)
    assert kinds(sent) == []
    assert sent.response.ignored == {"attachment": 1}


def test_files_of_an_event_that_comes_on_its_own() -> None:
    sent = post(item("attachment", b"png", filename="screenshot.png"), event_id=EVENT_ID)
    assert sent.json == {"id": EVENT_ID}
    assert (sent.response.event_id, sent.response.noted, sent.upload) == (None, 1, None)
    ((about, file, content),) = sent.notes.attachments
    assert (about, file.name, content) == (EVENT_ID, "screenshot.png", b"png")
    assert sent.notes.received == [(PROJECT, NOW)]


def test_files_of_no_event_are_counted_and_gone() -> None:
    sent = post(item("attachment", b"png"), item("attachment", b"jpg"))
    assert (sent.json, sent.notes.attachments, sent.response.ignored) == ({}, [], {"attachment": 2})


def report(**said: Any) -> bytes:
    return item("user_report", said)


def feedback(context: Any, **said: Any) -> bytes:
    return item("feedback", {"contexts": {"feedback": context}, **said})


@pytest.mark.parametrize(
    ("written", "header", "expected"),
    [
        (report(event_id=OTHER_ID, name=" Jo ", email="jo@x", comments="it broke"), {}, (OTHER_ID, "Jo", "jo@x")),
        (report(name="", email=3, comments="it broke"), {"event_id": EVENT_ID}, (EVENT_ID, None, None)),
        (
            feedback({"message": "it broke", "contact_email": "jo@x", "name": "Jo", "associated_event_id": OTHER_ID}),
            {"event_id": EVENT_ID},
            (OTHER_ID, "Jo", "jo@x"),
        ),
        (feedback({"message": "it broke"}, event_id=OTHER_ID), {}, (OTHER_ID, None, None)),
    ],
)
def test_feedback(written: bytes, header: dict[str, Any], expected: tuple[str, str | None, str | None]) -> None:
    sent = post(written, **header)
    assert sent.response.status == 200
    assert sent.notes.feedback == [Feedback(*expected, "it broke")]
    assert sent.notes.received == [(PROJECT, NOW)]
    assert (sent.response.noted, sent.upload) == (1, None)


@pytest.mark.parametrize(
    "written",
    [
        report(comments="about nothing"),
        report(event_id=EVENT_ID, comments=" \n"),
        report(event_id=EVENT_ID),
        item("user_report", b"rubbish"),
        feedback({"message": "about nothing"}),
        feedback("text", event_id=EVENT_ID),
        item("feedback", {"contexts": []}),
        item("feedback", b"[]"),
    ],
)
def test_feedback_that_says_nothing_is_passed_over(written: bytes) -> None:
    sent = post(written)
    assert (sent.response.status, sent.notes.feedback) == (200, [])
    assert sum(sent.response.ignored.values()) == 1


def test_feedback_is_cut_to_size() -> None:
    (said,) = post(report(event_id=EVENT_ID, name="n" * 999, email="e" * 999, comments="c" * 99_999)).notes.feedback
    assert (len(said.name or ""), len(said.email or ""), len(said.message)) == (200, 200, 8192)


def test_a_screenshot_with_feedback_belongs_to_the_crash() -> None:
    written = feedback({"message": "look", "associated_event_id": OTHER_ID})
    sent = post(written, item("attachment", b"png"), event_id=EVENT_ID)
    assert sent.json == {"id": EVENT_ID}
    assert [about for about, _, _ in sent.notes.attachments] == [OTHER_ID]


def test_feedback_beside_a_crash() -> None:
    sent = post(item("event", EVENT), report(comments="it broke"), event_id=EVENT_ID)
    assert sent.response.event_id == EVENT_ID
    assert sent.notes.feedback == [Feedback(EVENT_ID, None, None, "it broke")]


SMALL = Limits(compressed_body=20_000, body=50_000, file=20_000, files=30_000, event=5_000, attachments=4)
INVALID = (400, "invalid event envelope", "invalid_envelope")
TOO_LARGE = (413, "request content exceeded size limits", "too_large:request")
BAD_DSN = (401, "bad envelope authentication header", "bad_envelope_auth")


def exceeded(what: str) -> tuple[int, str, str]:
    detail = f"envelope exceeded size limits for type '{what}' ({SIZE_LIMITS_PAGE})"
    return 413, detail, f"too_large:{what}"


REFUSED = {
    "nothing": (b"", (400, "empty request body", "empty_body")),
    "not an envelope": (b"hello", INVALID),
    "a bad id": (envelope(event_id="rubbish"), INVALID),
    "an id that is a number": (envelope(event_id=7), INVALID),
    "two events": (envelope(item("event", EVENT), item("event", EVENT)), INVALID),
    "cut off": (envelope(item("event", EVENT), dump_item(DUMP))[:-500], INVALID),
    "too many items": (envelope(*[item("session", b"")] * 501), INVALID),
    "broken event": (envelope(item("event", b"{")), (400, "invalid JSON data", "invalid_json")),
    "broken msgpack": (
        envelope(item("attachment", b"\xc1", attachment_type="event.payload"), dump_item(DUMP)),
        (400, "invalid messagepack data", "invalid_msgpack"),
    ),
    "a large event": (envelope(item("event", b" " * 5001)), exceeded("event")),
    "large feedback": (envelope(item("feedback", b" " * 5001)), exceeded("feedback")),
    "a large report": (envelope(item("user_report", b" " * 5001)), exceeded("user_report")),
    "a large dump": (envelope(dump_item(bytes(20_001))), exceeded("attachment:minidump")),
    "a large dump, unpacked": (envelope(dump_item(gzip.compress(bytes(20_001)))), exceeded("attachment:minidump")),
    "a large file": (envelope(item("attachment", bytes(20_001))), exceeded("attachment:attachment")),
    "large files": (envelope(*[item("attachment", bytes(15_001))] * 2), TOO_LARGE),
    "many files": (envelope(*[item("attachment", b"")] * 5), TOO_LARGE),
    "a large body": (envelope(item("session", bytes(50_001))), TOO_LARGE),
    "another project": (envelope(dsn=DSN[:-1]), INVALID),
    "another key": (envelope(dsn=DSN.replace(KEY, "f" * 32)), INVALID),
    "no DSN": (envelope(dsn="crash.example"), BAD_DSN),
    "a DSN that is a number": (envelope(dsn=42), BAD_DSN),
    "a DSN with a short key": (envelope(dsn="https://abc@crash.example/42"), BAD_DSN),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    body, expected = REFUSED[name]
    sent = deliver(envelope_request(body), SMALL)
    assert sent.response.error is not None
    assert (sent.response.status, sent.json["detail"], sent.response.error.reason) == expected
    assert sent.json["causes"]
    assert (sent.upload, sent.notes.feedback, sent.notes.attachments) == (None, [], [])


@pytest.mark.parametrize(
    ("query", "headers", "dsn"),
    [
        (f"sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.electron/7.15.0", {}, None),
        ("", {"x-sentry-auth": f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.native/0.16.3"}, None),
        ("", {}, DSN),
        ("", {}, DSN.replace("@", ":@")),
        ("", {}, f"http://{KEY}:secret@crash.example:8080/some/path/42"),
        (f"sentry_key={KEY}", {}, DSN),
        (f"sentry_key={KEY}", {}, None),
    ],
)
def test_the_key_is_in_the_request_or_in_the_envelope(query: str, headers: dict[str, str], dsn: str | None) -> None:
    body = envelope(item("event", EVENT), dsn=dsn)
    assert deliver(envelope_request(body, headers, query)).response.status == 200


def test_no_key_at_all() -> None:
    sent = deliver(envelope_request(envelope(), query=""))
    assert (sent.response.status, sent.json["detail"]) == (401, "missing authorization information")


def test_a_key_in_two_carriers() -> None:
    sent = deliver(envelope_request(envelope(), {"x-sentry-auth": f"Sentry sentry_key={KEY}"}))
    assert (sent.response.status, sent.json["detail"]) == (401, "multiple authorization payloads detected")


def test_a_key_that_is_not_known_is_refused_before_the_items_are_read() -> None:
    sent = envelope_request(envelope(item("session", bytes(5_000_000)), dsn=DSN.replace(KEY, "f" * 32)), query="")
    response = deliver(sent).response
    assert response.status == 403
    assert sent.body.tell() < 200_000


@pytest.mark.parametrize("path", [ENVELOPE_PATH, ENVELOPE_PATH.rstrip("/"), "//api/42//envelope/"])
def test_slashes(path: str) -> None:
    assert deliver(envelope_request(envelope(item("event", EVENT)), path=path)).response.status == 200


@pytest.mark.parametrize("path", ["/api/42/upload/", "/api/42/unreal/k/", "/api/envelope/"])
def test_what_is_not_served_is_404(path: str) -> None:
    assert deliver(envelope_request(b"", path=path)).response.status == 404


def test_a_compressed_envelope() -> None:
    body = envelope(item("event", EVENT), dump_item(DUMP), event_id=EVENT_ID)
    for encoding, packed in {"gzip": gzip.compress(body), "zstd": zstandard.compress(body)}.items():
        assert deliver(envelope_request(packed, {"content-encoding": encoding})).contents == [DUMP]


ATTACHMENTS_PATH = f"/api/42/events/{EVENT_ID}/attachments/"


def test_attachments_of_an_event() -> None:
    body = form(file_part("log", b"line\n", "app.log", "text/plain"), file_part("shot", b"png", "s.png"))
    sent = deliver(form_request(body, path=ATTACHMENTS_PATH.replace(EVENT_ID, EVENT_ID.upper())))
    assert (sent.response.status, sent.response.body, sent.response.noted) == (201, b"", 2)
    assert [(about, file.name, content) for about, file, content in sent.notes.attachments] == [
        (EVENT_ID, "app.log", b"line\n"),
        (EVENT_ID, "s.png", b"png"),
    ]
    assert sent.upload is None


def test_attachments_are_refused_as_forms_are() -> None:
    assert deliver(form_request(b"hello", path=ATTACHMENTS_PATH)).json["detail"] == "invalid multipart data"
    many = form(*[file_part(str(n), b"") for n in range(5)])
    assert deliver(form_request(many, form_headers(), ATTACHMENTS_PATH), replace(SMALL, parts=9)).response.status == 413
    bad = deliver(form_request(form(), path="/api/42/events/rubbish/attachments/"))
    assert (bad.response.status, bad.json["detail"]) == (400, "bad event path parameter")


def test_events_are_writable_as_json() -> None:
    payload = b'{"a":NaN,"b":1e999,"c":"\\ud800","d":' + b"[" * 200 + b"]" * 200 + b"}"
    json.dumps(post(item("event", payload)).event, allow_nan=False).encode()
