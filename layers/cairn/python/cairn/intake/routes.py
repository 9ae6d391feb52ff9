"""Paths that intake serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cairn.intake.errors import BadEventPathError, BadProjectError, NoSuchRouteError, WrongMethodError
from cairn.intake.values import event_id

PATHS = tuple(
    map(
        re.compile,
        (
            r"/api/(?P<project>[^/]+)/(?P<endpoint>minidump|envelope|store)/?",
            r"/api/(?P<endpoint>store)/?",
            r"/api/(?P<project>[^/]+)/events/(?P<event>[^/]+)/(?P<endpoint>attachments)/?",
        ),
    )
)
PROJECT = re.compile(r"[0-9]{1,20}")
LARGEST_PROJECT = 2**64 - 1


class Endpoint(StrEnum):
    """What can be posted; the value is the word in the path."""

    MINIDUMP = "minidump"
    ENVELOPE = "envelope"
    STORE = "store"
    ATTACHMENTS = "attachments"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. ``project_id`` is ``None`` for ``/api/store/``, where the key alone tells the project;
    ``event_id`` (32 hex digits) is that of the attachments."""

    endpoint: Endpoint
    project_id: int | None
    event_id: str | None = None


def route_of(method: str, path: str) -> Route:
    """The route of ``POST <path>``, with or without a slash at the end; repeated slashes count as one.

    Raises ``NoSuchRouteError``, ``WrongMethodError``, ``BadProjectError`` or ``BadEventPathError``.
    """
    clean = re.sub("/+", "/", path)
    match = next(filter(None, (pattern.fullmatch(clean) for pattern in PATHS)), None)
    if match is None:
        raise NoSuchRouteError("crashes are sent to /api/<project>/minidump/ or /api/<project>/envelope/")
    if method != "POST":
        raise WrongMethodError("send the crash with POST")
    parts = match.groupdict()
    project = project_id(parts["project"]) if "project" in parts else None
    return Route(Endpoint(parts["endpoint"]), project, event_of(parts["event"]) if "event" in parts else None)


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
