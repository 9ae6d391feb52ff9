"""Paths that intake serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cairn.intake.errors import (
    BadEventPathError,
    BadProjectError,
    NoSuchRouteError,
    NoSuchUploadError,
    WrongMethodError,
)
from cairn.intake.values import event_id

PATHS = tuple(
    map(
        re.compile,
        (
            r"/api/(?P<project>[^/]+)/(?P<endpoint>minidump|envelope|store)/?",
            r"/api/(?P<endpoint>store)/?",
            r"/api/(?P<project>[^/]+)/events/(?P<event>[^/]+)/(?P<endpoint>attachments)/?",
            r"/api/(?P<project>[^/]+)/(?P<endpoint>minidump/uploads)/?",
            r"/api/(?P<project>[^/]+)/minidump/(?P<endpoint>uploads)/(?P<upload>[^/]+)/?",
            r"/api/(?P<project>[^/]+)/minidump/uploads/(?P<upload>[^/]+)/(?P<endpoint>commit)/?",
            r"/api/(?P<project>[^/]+)/(?P<endpoint>upload)(/(?P<upload>[^/]+))?/?",
        ),
    )
)
UPLOAD = re.compile(r"[0-9a-f]{32}")
PROJECT = re.compile(r"[0-9]{1,20}")
TUS_METHODS = ("PATCH", "HEAD")
LARGEST_PROJECT = 2**64 - 1


class Endpoint(StrEnum):
    """What can be posted; the value is the word in the path."""

    MINIDUMP = "minidump"
    ENVELOPE = "envelope"
    STORE = "store"
    ATTACHMENTS = "attachments"
    SIGNED_UPLOADS = "minidump/uploads"
    SIGNED_PARTS = "uploads"
    COMMIT = "commit"
    TUS = "upload"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes, and its method. ``project_id`` is ``None`` for ``/api/store/``, where the key alone tells
    the project; ``event_id`` (32 hex digits) is that of the attachments, ``upload_id`` (likewise) that of an upload in
    steps."""

    endpoint: Endpoint
    project_id: int | None
    event_id: str | None = None
    upload_id: str | None = None
    method: str = "POST"


def route_of(method: str, path: str) -> Route:
    """The route of ``<method> <path>``, with or without a slash at the end; repeated slashes count as one.

    Raises ``NoSuchRouteError``, ``WrongMethodError``, ``BadProjectError``, ``BadEventPathError`` or
    ``NoSuchUploadError``.
    """
    clean = re.sub("/+", "/", path)
    match = next(filter(None, (pattern.fullmatch(clean) for pattern in PATHS)), None)
    if match is None:
        raise NoSuchRouteError("crashes are sent to /api/<project>/minidump/ or /api/<project>/envelope/")
    parts = {name: value for name, value in match.groupdict().items() if value is not None}
    methods = TUS_METHODS if parts["endpoint"] == Endpoint.TUS and "upload" in parts else ("POST",)
    if method not in methods:
        raise WrongMethodError(f"send this with {' or '.join(methods)}", allowed=methods)
    project = project_id(parts["project"]) if "project" in parts else None
    event = event_of(parts["event"]) if "event" in parts else None
    upload = upload_of(parts["upload"]) if "upload" in parts else None
    return Route(Endpoint(parts["endpoint"]), project, event, upload, method)


def project_id(text: str) -> int:
    """A project's number. Raises ``BadProjectError`` when it is not an unsigned number of 64 bits."""
    if not PROJECT.fullmatch(text) or int(text) > LARGEST_PROJECT:
        raise BadProjectError("the project in the path must be a number, as in the DSN: /api/42/minidump/")
    return int(text)


def event_of(text: str) -> str:
    """The event of attachments. Raises ``BadEventPathError``."""
    found = event_id(text)
    if found is None:
        raise BadEventPathError("the event in the path must be its id: 32 hex digits or a UUID")
    return found


def upload_of(text: str) -> str:
    """An upload in steps. Raises ``NoSuchUploadError`` for what is no id of one."""
    if not UPLOAD.fullmatch(text):
        raise NoSuchUploadError("the upload in the path must be the id that it was begun with")
    return text
