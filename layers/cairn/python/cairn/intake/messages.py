"""A request and a response, whatever front carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

from cairn.intake.errors import (
    IntakeError,
    OverloadedError,
    UnknownEncodingError,
    UploadVersionError,
    WrongMethodError,
)
from cairn.intake.outcomes import Drop

REQUEST_HEADERS = (
    "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, authentication, "
    "authorization, content-encoding, transfer-encoding"
)
COMMON = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-sentry-error, x-sentry-rate-limits, retry-after",
    "cross-origin-resource-policy": "cross-origin",
    "server": "cairn",
}
PREFLIGHT = {
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-allow-methods": "POST",
    "access-control-max-age": "3600",
}
ERROR_HEADERS: dict[type[IntakeError], dict[str, str]] = {
    UploadVersionError: {"tus-version": "1.0.0"},
    UnknownEncodingError: {"accept-encoding": "gzip, deflate, br, zstd"},
    OverloadedError: {"retry-after": "10"},
}

LIMITED = "error;attachment"
"""The categories, in the protocol's words, that a client holds back while a limit lasts: a crash, and the dump that
comes as an attachment beside it. Only crashes count, but a dump sent on its own would be a crash without its event."""


@dataclass(frozen=True, slots=True)
class Request:
    """``path`` is without the query, ``query`` without the ``?`` and still quoted, names of ``headers`` are lower-case.
    ``body`` is what came on the wire, chunked transfer joined, content encoding not undone; it is read once."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: BinaryIO


@dataclass(frozen=True, slots=True)
class Response:
    """``event_id`` (32 hex digits) is set when a crash was kept, ``dropped`` (the reason) when one was not wanted, and
    ``error`` when the request was refused. ``noted`` counts the feedback and late attachments that were kept,
    ``ignored`` the items passed over, by kind. ``uncounted`` are errors for which a limit was not checked or an outcome
    not counted; they change no answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    event_id: str | None = None
    error: IntakeError | None = None
    noted: int = 0
    ignored: Mapping[str, int] = field(default_factory=dict)
    dropped: str | None = None
    uncounted: tuple[Exception, ...] = ()


def accepted(event_id: str) -> Response:
    """200 with the hyphenated id as text: Crashpad takes no other 2xx for success, and keeps the body as its id."""
    headers = {**COMMON, "content-type": "text/plain; charset=utf-8"}
    return Response(200, headers, str(UUID(event_id)).encode(), event_id=event_id)


def named(event_id: str | None) -> Response:
    """200 with ``{"id": …}`` as SDKs know it, ``{}`` when what came belongs to no event."""
    body = {"id": event_id} if event_id else {}
    return Response(200, {**COMMON, "content-type": "application/json"}, json.dumps(body).encode())


def planned(body: Mapping[str, object], status: int = 200) -> Response:
    """What is left to do of an upload in steps, as JSON."""
    return Response(status, {**COMMON, "content-type": "application/json"}, json.dumps(body).encode())


def created() -> Response:
    """201 without a body, which is what attachments are answered."""
    return Response(201, COMMON)


def refused(error: IntakeError) -> Response:
    """The error as ``{"detail": …, "causes": […]}``, ``causes`` only where there are any."""
    body: dict[str, object] = {"detail": error.detail}
    if error.causes:
        body["causes"] = error.causes
    headers = {**COMMON, **ERROR_HEADERS.get(type(error), {}), "content-type": "application/json"}
    if isinstance(error, WrongMethodError):
        headers["allow"] = ", ".join(error.allowed)
    return Response(error.status, headers, json.dumps(body).encode(), error=error)


def limited(drop: Drop) -> Response:
    """429 for a crash above a limit, with the headers that SDKs heed: how long to send no more, of what, and why."""
    why = drop.reason.replace(":", "_")
    headers = {
        **COMMON,
        "content-type": "application/json",
        "retry-after": str(drop.retry_after),
        "x-sentry-rate-limits": f"{drop.retry_after}:{LIMITED}:{drop.scope}:{why}",
    }
    cause = f"{drop.reason}: a limit of this {drop.scope} is reached, and more is taken in {drop.retry_after} s"
    body = {"detail": "the crash was dropped: a limit is reached", "causes": [cause]}
    return Response(429, headers, json.dumps(body).encode(), dropped=drop.reason)


def unwanted(drop: Drop) -> Response:
    """403 for a crash that a filter keeps out, where the sender asks before it sends."""
    headers = {**COMMON, "content-type": "application/json"}
    body = {
        "detail": "the crash was dropped: a filter keeps it out",
        "causes": [f"{drop.reason}: do not send it again"],
    }
    return Response(403, headers, json.dumps(body).encode(), dropped=drop.reason)


def preflight() -> Response:
    """The answer to a browser that asks before it posts."""
    return Response(200, {**COMMON, **PREFLIGHT})
