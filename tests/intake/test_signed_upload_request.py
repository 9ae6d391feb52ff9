"""What announces an upload in steps: good ones, and every bad one with what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cairn.intake.errors import IntakeError, InvalidUploadError
from cairn.intake.limits import UPLOAD, Limits
from cairn.intake.signed_upload_request import AnnouncedFile, AnnouncedUpload, read_signed_upload_request
from tests.intake.clients import gzipped, request

DUMP = {"name": "crash.dmp", "size": 5_000_000_000}


def read(said: Any, limits: Limits | None = None) -> AnnouncedUpload:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return read_signed_upload_request(request(body, {}), limits or Limits())


def test_a_dump_alone() -> None:
    (dump,) = read(DUMP).files
    assert dump == AnnouncedFile("crash.dmp", "application/x-dmp", "event.minidump", 5_000_000_000)
    assert (read(DUMP).event_id, read(DUMP).event) == (None, {})


def test_fields_are_those_of_a_form() -> None:
    fields = {"sentry[release]": "a@1", "sentry": '{"event_id": "' + "A" * 32 + '", "tags": {"gpu": "x"}}', "ver": "7"}
    upload = read({**DUMP, "fields": fields})
    assert upload.event_id == "a" * 32
    assert (upload.event["release"], upload.event["tags"], upload.event["extra"]) == ("a@1", {"gpu": "x"}, {"ver": "7"})


def test_other_files() -> None:
    logs = [{"name": "a.log", "size": 3, "content_type": "text/plain"}, {"name": "../../etc/passwd\0", "size": 1}]
    _, first, second = read({**DUMP, "attachments": logs}).files
    assert first == AnnouncedFile("a.log", "text/plain", "event.attachment", 3)
    assert (second.name, second.content_type) == ("../../etc/passwd\0", "application/octet-stream")


def test_the_body_may_be_compressed() -> None:
    sent = request(gzipped(json.dumps(DUMP).encode()), {"content-encoding": "gzip"})
    assert len(read_signed_upload_request(sent, Limits()).files) == 1


def test_names_are_made_safe() -> None:
    dump = read(b'{"name": "\\ud800' + b"n" * 1000 + b'", "size": 1}').files[0]
    assert len(dump.name) == 255
    dump.name.encode()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        [],
        {},
        {"name": "a.dmp"},
        {"size": 1},
        {"name": "", "size": 1},
        {"name": 1, "size": 1},
        {"name": "a", "size": 0},
        {"name": "a", "size": -1},
        {"name": "a", "size": 1.5},
        {"name": "a", "size": True},
        {"name": "a", "size": "1"},
        {"name": "a", "size": 1e400},
        {**DUMP, "fields": []},
        {**DUMP, "fields": ["a"]},
        {**DUMP, "fields": {"a": 1}},
        {**DUMP, "attachments": {"name": "a"}},
        {**DUMP, "attachments": ["a"]},
        {**DUMP, "attachments": [{"name": "a"}]},
        {**DUMP, "attachments": [{"name": "a", "size": -5}]},
    ],
    ids=str,
)
def test_what_announces_nothing(said: Any) -> None:
    if said in ({**DUMP, "fields": []},):
        read(said)  # nothing is no fields
        return
    with pytest.raises(InvalidUploadError) as raised:
        read(said)
    assert raised.value.causes[0]


@pytest.mark.parametrize(
    ("said", "limits", "reason"),
    [
        ({"name": "a", "size": UPLOAD + 1}, Limits(), "too_large:upload"),
        ({"name": "a", "size": 10**30}, Limits(), "too_large:upload"),
        ({"name": "a", "size": 9, "attachments": [{"name": "b", "size": 2}]}, Limits(upload=10), "too_large:upload"),
        ({"name": "a", "size": 1, "attachments": [{"name": "b", "size": 1}] * 30}, Limits(), "too_large:request"),
        ({"name": "a" * 2_000_000, "size": 1}, Limits(), "too_large:request"),
    ],
    ids=["dump", "huge", "together", "files", "description"],
)
def test_what_is_too_large(said: Any, limits: Limits, reason: str) -> None:
    with pytest.raises(IntakeError) as raised:
        read(said, limits)
    assert (raised.value.status, raised.value.reason) == (413, reason)
