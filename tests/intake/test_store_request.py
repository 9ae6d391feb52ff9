"""The store endpoint, as the SDKs of before envelopes use it."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest

from cairn.intake.limits import Limits
from cairn.intake.messages import Request
from tests.intake.clients import KEY, NEW_ID, request
from tests.intake.envelopes import EVENT_ID, Sent, deliver

EVENT = {"event_id": EVENT_ID, "message": "out of paint", "platform": "c"}
DOCUMENT = json.dumps(EVENT).encode()
AUTH = {"x-sentry-auth": f"Sentry sentry_version=5, sentry_client=raven-python/4.2, sentry_key={KEY}, sentry_secret=x"}


def store(
    body: bytes, path: str = "/api/42/store/", limits: Limits | None = None, headers: dict[str, str] | None = None
) -> Sent:
    sent: Request = request(body, AUTH | (headers or {}), path, query="")
    return deliver(sent, limits)


@pytest.mark.parametrize("path", ["/api/42/store/", "/api/42/store", "/api/store/", "/api//store"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (DOCUMENT, {"content-type": "application/json"}),
        (b"\n " + DOCUMENT + b"\n", {}),
        (base64.b64encode(zlib.compress(DOCUMENT)), {"content-type": "application/octet-stream"}),
        (gzip.compress(DOCUMENT), {"content-encoding": "gzip"}),
        (zlib.compress(DOCUMENT), {"content-encoding": "deflate"}),
    ],
    ids=["JSON", "JSON with space", "base64", "gzip", "deflate"],
)
def test_an_event(path: str, body: bytes, headers: dict[str, str]) -> None:
    sent = store(body, path, headers=headers)
    assert (sent.response.status, sent.json) == (200, {"id": EVENT_ID})
    assert sent.response.event_id == EVENT_ID
    assert sent.event == EVENT
    assert sent.upload is not None
    assert (sent.upload.project_id, sent.upload.client, sent.upload.attachments) == (42, "raven-python/4.2", ())


@pytest.mark.parametrize("body", [b"{}", b'{"event_id":"x"}', b'{"event_id":null}'])
def test_an_event_without_an_id(body: bytes) -> None:
    assert store(body).json == {"id": NEW_ID}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty request body"),
        (b" \n", "empty request body"),
        (b"[]", "invalid JSON data"),
        (b'{"a":', "invalid JSON data"),
        (b"rubbish!", "invalid JSON data"),
        (base64.b64encode(b"rubbish"), "invalid JSON data"),
        (base64.b64encode(zlib.compress(DOCUMENT)[:-9]), "invalid JSON data"),
        (base64.b64encode(zlib.compress(b"[1]")), "invalid JSON data"),
    ],
)
def test_what_is_no_event(body: bytes, detail: str) -> None:
    sent = store(body)
    assert (sent.response.status, sent.json["detail"], sent.upload) == (400, detail, None)


@pytest.mark.parametrize(
    "body", [b'{"a":"' + b"x" * 6000 + b'"}', base64.b64encode(zlib.compress(b'{"a":"' + b"x" * 6000 + b'"}'))]
)
def test_an_event_that_is_too_large(body: bytes) -> None:
    sent = store(body, limits=Limits(event=5000))
    assert sent.response.error is not None
    assert (sent.response.status, sent.response.error.reason) == (413, "too_large:event")


def test_the_key_must_be_of_the_project() -> None:
    assert store(DOCUMENT, "/api/7/store/").response.status == 403
