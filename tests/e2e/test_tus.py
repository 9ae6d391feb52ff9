"""Large attachments by tus against a running Cairn, with sentry-native's requests."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Running
from tests.e2e.test_envelopes import native_event, native_headers, send
from tests.intake.envelopes import envelope, item
from tests.minidump.test_distant import large_dump

CHUNK = 4_194_304
REFERENCE = "application/vnd.sentry.attachment-ref+json"
METADATA = "sentry " + base64.b64encode(b'{"attachment_type":"event.minidump"}').decode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(running: Running, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """A request with these headers, and no others but Host and Content-Length."""
    connection = http.client.HTTPConnection(urlsplit(running.cairn.url).netloc, timeout=60)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**headers, "content-length": str(len(body or b""))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def native(running: Running, **headers: str) -> dict[str, str]:
    """sentry-native's headers for tus."""
    kept = {name: value for name, value in native_headers(running).items() if name != "content-type"}
    return {**kept, "tus-resumable": "1.0.0", **{name.replace("_", "-"): value for name, value in headers.items()}}


def begin(running: Running, length: int) -> str:
    """Begin an upload, and give its place."""
    headers = native(running, upload_length=str(length), upload_metadata=METADATA)
    answer = ask(running, "POST", "/api/1/upload/", headers)
    assert (answer.status, answer.body, answer.headers["tus-resumable"]) == (201, b"", "1.0.0")
    assert answer.headers["upload-chunk-size"] == str(CHUNK)
    return answer.headers["location"]


def patch(running: Running, place: str, offset: int, content: bytes, **more: str) -> Answer:
    headers = native(running, content_type="application/offset+octet-stream", upload_offset=str(offset), **more)
    return ask(running, "PATCH", place, headers, content)


def upload(running: Running, content: bytes) -> str:
    """Send a file in pieces as large as Cairn says, and give its place."""
    place = begin(running, len(content))
    for offset in range(0, len(content), CHUNK):
        answer = patch(running, place, offset, content[offset : offset + CHUNK])
        assert answer.status == 204, answer.body
        assert answer.headers["upload-offset"] == str(min(offset + CHUNK, len(content)))
    return place


def refer(running: Running, place: str, length: int, **more: Any) -> str:
    """Send an event with a reference, as sentry-native does, and give its id."""
    event_id = secrets.token_hex(16)
    reference = item(
        "attachment",
        {"location": place},
        content_type=REFERENCE,
        filename="full.dmp",
        attachment_length=length,
        **more,
    )
    body = envelope(item("event", native_event(event_id=event_id)), reference, dsn=running.cairn.dsn, event_id=event_id)
    assert send(running, body, native_headers(running), query="") == event_id
    return event_id


def test_a_dump_that_comes_before_its_envelope(running: Running) -> None:
    content = large_dump(3 * CHUNK + 1000)
    place = upload(running, content)
    event_id = refer(running, place, len(content), attachment_type="event.minidump")
    event = running.event(event_id)
    assert running.record(event_id).status == "symbolicated"
    assert [(file.name, file.type, file.size) for file in event.cairn.attachments] == [
        ("full.dmp", "event.minidump", len(content))
    ]
    assert event.crash is not None and event.release == "lighthouse@1.4"


def test_a_file_that_comes_before_its_envelope(running: Running) -> None:
    event = running.event(refer(running, upload(running, b"a line\n" * 1000), 7000))
    assert [(file.name, file.size) for file in event.cairn.attachments] == [("full.dmp", 7000)]


def test_how_far_it_is_and_what_comes_twice(running: Running) -> None:
    place = begin(running, 10)
    assert patch(running, place, 0, b"01234").status == 204
    assert patch(running, place, 0, b"01234").status == 409
    assert patch(running, place, 5, b"567890").status == 400
    answer = ask(running, "HEAD", place, native(running))
    assert (answer.status, answer.headers["upload-offset"], answer.headers["upload-length"]) == (200, "5", "10")
    assert patch(running, place, 5, b"56789").headers["upload-offset"] == "10"


def test_a_whole_file_in_one_request_does_not_pass_the_gateway(running: Running) -> None:
    """sentry-native sends its envelope without the file then."""
    place = begin(running, 6 * 1024 * 1024)
    answer = patch(running, place, 0, bytes(6 * 1024 * 1024))
    assert (answer.status, json.loads(answer.body)) == (413, {"message": "Request Entity Too Large"})


def test_a_whole_file_in_one_request_passes_the_door_for_large_uploads(running: Running) -> None:
    content = large_dump(30_000_000)
    place = begin(running, len(content))
    url = urlsplit(running.cairn.large_minidump_url)
    headers = native(running, content_type="application/offset+octet-stream", upload_offset="0")
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.request("PATCH", place, content, headers)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("upload-offset")) == (204, str(len(content))), answer.read()
    connection.close()
    event_id = refer(running, place, len(content), attachment_type="event.minidump")
    assert running.record(event_id).status == "symbolicated"


@pytest.mark.parametrize("how", ["half", "length", "project", "unknown"])
def test_a_reference_that_leads_nowhere_loses_no_event(running: Running, how: str) -> None:
    place = begin(running, 10)
    assert patch(running, place, 0, b"01234" if how == "half" else b"0123456789").status == 204
    if how == "project":
        place = place.replace("/1/", "/2/")
    if how == "unknown":
        place = place[:-33] + "0" * 32 + "/"
    event = running.event(refer(running, place, 11 if how == "length" else 10))
    assert event.cairn.attachments == ()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"upload_length": "1", "tus_resumable": "0.9"}, 412),
        ("POST", {}, 400),
        ("POST", {"upload_length": "1", "content_type": "application/json"}, 415),
        ("POST", {"upload_length": str(2**31)}, 413),
        ("PATCH", {"upload_offset": "0", "content_type": "text/plain"}, 415),
        ("PATCH", {"upload_offset": "1", "content_type": "application/offset+octet-stream"}, 409),
    ],
    ids=["version", "length", "type", "large", "piece type", "offset"],
)
def test_errors(running: Running, method: str, headers: dict[str, str], status: int) -> None:
    path = "/api/1/upload/" if method == "POST" else begin(running, 10)
    answer = ask(running, method, path, native(running, **headers), b"x" if method == "PATCH" else b"")
    assert (answer.status, "detail" in json.loads(answer.body)) == (status, True)
