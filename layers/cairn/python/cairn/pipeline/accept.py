"""Accept a crash: who sends it, what is in it, keep it, answer. Nothing is answered 200 before it is kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from cairn.intake.attachments_request import read_attachments_request
from cairn.intake.auth import Credentials, credentials, envelope_credentials
from cairn.intake.bodies import NewFile, body_pieces
from cairn.intake.envelope_request import read_envelope
from cairn.intake.envelopes import EnvelopeReader
from cairn.intake.errors import IntakeError, ProjectRejectedError, ProjectUnavailableError, StoringFailedError
from cairn.intake.limits import SPOOL, Limits
from cairn.intake.messages import Request, Response, accepted, created, named, preflight, refused
from cairn.intake.minidump_request import read_minidump_request
from cairn.intake.routes import Endpoint, Route, route_of
from cairn.intake.store_request import read_store_request
from cairn.intake.upload import Attachment, Delivery, Feedback, Upload

KEPT_SECONDS = 60.0
"""How long a key is remembered: a disabled one is taken for so long still."""
KEPT_KEYS = 1024
"""Keys remembered, unknown ones included."""


class ClientKey(Protocol):
    """A client key of a project."""

    @property
    def project_id(self) -> int: ...
    @property
    def active(self) -> bool: ...


class Projects(Protocol):
    """Where keys are looked up."""

    def key(self, public_key: str) -> ClientKey | None: ...


class Uploads(Protocol):
    """Where crashes are kept. When ``put`` returns, the upload is safe."""

    def put(self, upload: Upload) -> object: ...


class Notes(Protocol):
    """Where feedback and attachments are kept that come on their own. When a call returns, its note is safe."""

    def put_feedback(self, project_id: int, received: float, feedback: Feedback) -> object: ...
    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> object: ...


@dataclass(frozen=True, slots=True)
class Stores:
    """All that intake looks up and writes."""

    projects: Projects
    uploads: Uploads
    notes: Notes


@dataclass(frozen=True, slots=True)
class Receipt:
    """To which project something came, when (Unix seconds), and from what client."""

    project_id: int
    time: float
    client: str | None


NewId = Callable[[], str]

READERS: dict[Endpoint, Callable[[Request, Limits, NewFile], Delivery]] = {
    Endpoint.MINIDUMP: read_minidump_request,
    Endpoint.STORE: read_store_request,
    Endpoint.ATTACHMENTS: read_attachments_request,
}
ANSWERS: dict[Endpoint, Callable[[str | None], Response]] = {
    Endpoint.MINIDUMP: lambda event_id: accepted(event_id or ""),
    Endpoint.ENVELOPE: named,
    Endpoint.STORE: named,
    Endpoint.ATTACHMENTS: lambda _: created(),
}


class RecentKeys:
    """``Projects`` that asks once a minute for each key, and forgets the one longest unused."""

    def __init__(self, projects: Projects, clock: Callable[[], float] = time.monotonic) -> None:
        self._projects = projects
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, ClientKey | None]] = OrderedDict()

    def key(self, public_key: str) -> ClientKey | None:
        """The key, ``None`` when there is none."""
        asked, key = self._kept.get(public_key, (float("-inf"), None))
        if self._clock() - asked >= KEPT_SECONDS:
            asked, key = self._clock(), self._projects.key(public_key)
        self._kept[public_key] = asked, key
        self._kept.move_to_end(public_key)
        if len(self._kept) > KEPT_KEYS:
            self._kept.popitem(last=False)
        return key


def accept(request: Request, stores: Stores, limits: Limits, now: Callable[[], float], new_id: NewId) -> Response:
    """Keep what a request brings, and answer the id of its crash; or answer why not.

    ``now`` gives Unix seconds, ``new_id`` 32 random hex digits. Whatever ``stores`` raise becomes a 503 or 500 whose
    ``error`` has it as its cause.
    """
    if request.method == "OPTIONS":
        return preflight()
    try:
        route = route_of(request.method, request.path)
        with ExitStack() as files:
            who, project_id, brought = read(request, route, stores.projects, limits, partial(temporary_file, files))
            if route.event_id:
                brought = replace(brought, about=route.event_id)
            receipt = Receipt(project_id, now(), who.client)
            event_id = keep(stores, brought, receipt, new_id)
    except IntakeError as error:
        return refused(error)
    response = ANSWERS[route.endpoint](event_id or brought.event_id)
    noted = len(brought.feedback) + len(brought.late)
    return replace(response, event_id=event_id, noted=noted, ignored=brought.ignored)


def read(
    request: Request, route: Route, projects: Projects, limits: Limits, new_file: NewFile
) -> tuple[Credentials, int, Delivery]:
    """Who sends, to which project, and what: the body is read once the key is known to be good, but for the first line
    of an envelope, which may hold the key."""
    if route.endpoint is Endpoint.ENVELOPE and route.project_id is not None:
        envelope = EnvelopeReader(body_pieces(request, limits))
        who = envelope_credentials(request, envelope.header.get("dsn"), route.project_id)
        return who, check_key(projects, who, route.project_id), read_envelope(envelope, limits, new_file)
    who = credentials(request)
    project_id = check_key(projects, who, route.project_id)
    return who, project_id, READERS[route.endpoint](request, limits, new_file)


def keep(stores: Stores, brought: Delivery, receipt: Receipt, new_id: NewId) -> str | None:
    """Store what came. Answers the id of the crash, ``None`` when there is none."""
    event_id = None
    try:
        if crash := brought.crash:
            event_id = crash.event_id or new_id()
            event = {**crash.event, "event_id": event_id}
            stores.uploads.put(
                Upload(event_id, receipt.project_id, receipt.time, crash.attachments, event, receipt.client)
            )
        for feedback in brought.feedback:
            stores.notes.put_feedback(receipt.project_id, receipt.time, feedback)
        for attachment in brought.late:
            stores.notes.put_attachment(receipt.project_id, brought.about or "", receipt.time, attachment)
    except Exception as error:
        raise StoringFailedError("the crash could not be stored just now: send it again later") from error
    return event_id


def temporary_file(files: ExitStack) -> BinaryIO:
    """An empty file that is closed with ``files``; on disk once it grows."""
    return cast(BinaryIO, files.enter_context(SpooledTemporaryFile(max_size=SPOOL)))


def check_key(projects: Projects, who: Credentials, project_id: int | None) -> int:
    """The project of an active key, which must be this one when it is told."""
    try:
        key = projects.key(who.public_key)
    except Exception as error:
        raise ProjectUnavailableError("the key could not be looked up just now: send the crash again later") from error
    if key is None:
        raise ProjectRejectedError("there is no such key: copy the DSN from the project's settings")
    if project_id not in (None, key.project_id):
        raise ProjectRejectedError(f"the key is not one of project {project_id}: copy the DSN as a whole")
    if not key.active:
        raise ProjectRejectedError("the key is disabled: use another key of the project")
    return key.project_id
