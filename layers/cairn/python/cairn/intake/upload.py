"""What a client sent, taken apart: the record that intake makes and that S3 keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

UPLOAD_VERSION = 1
"""Version of ``upload.json``. Raise it when a field changes its meaning; readers accept this one and older ones."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an upload. ``kind`` is Sentry's attachment type (``event.minidump``, ``event.attachment`` …);
    ``content`` is open for reading at its start and holds ``size`` bytes."""

    name: str
    content_type: str
    kind: str
    size: int
    content: BinaryIO


@dataclass(frozen=True, slots=True)
class Crash:
    """A crash in a request: the id it asks for, if it does (32 hex digits), its event, and its files, the dump first,
    each open at its start. There is no dump when the client walked the stack itself."""

    event_id: str | None
    event: Mapping[str, Any]
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user said of the event ``event_id`` (32 hex digits); it may arrive before the event does."""

    event_id: str
    name: str | None
    email: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that a request brings. ``event_id`` (32 hex digits) is the one it names. ``late`` are files for the event
    ``about``, which came or comes on its own. ``ignored`` counts the items of kinds that nothing is made of,
    ``discarded`` the crashes that the client says it did not send, by its reason."""

    event_id: str | None = None
    crash: Crash | None = None
    feedback: tuple[Feedback, ...] = ()
    about: str | None = None
    late: tuple[Attachment, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    discarded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """One crash as it was sent.

    ``event_id`` is 32 lower-case hex digits, ``received`` Unix seconds, ``event`` the event payload that the form
    fields (or an event item) make. The first ``event.minidump`` among ``attachments`` is the dump. ``public_key`` is
    the one it was sent with, which its outcome is counted by. ``scrubbed`` counts the secrets that were taken out, by
    rule; ``None`` where nothing was looked for.
    """

    event_id: str
    project_id: int
    received: float
    attachments: tuple[Attachment, ...]
    event: Mapping[str, Any] = field(default_factory=dict)
    client: str | None = None
    public_key: str = ""
    scrubbed: Mapping[str, int] | None = None

    @property
    def dump(self) -> Attachment | None:
        """The minidump to process, if there is one."""
        return next((a for a in self.attachments if a.kind == "event.minidump"), None)
