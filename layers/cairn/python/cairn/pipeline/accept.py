"""Accept a crash: who sends it, what is in it, keep it, answer. Nothing is answered 200 before it is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from cairn.intake.attachments_request import read_attachments_request
from cairn.intake.auth import Credentials, credentials, envelope_credentials
from cairn.intake.bodies import NewFile, body_pieces
from cairn.intake.envelope_request import OpenSent, read_envelope
from cairn.intake.envelopes import EnvelopeReader
from cairn.intake.errors import (
    IntakeError,
    NoSuchRouteError,
    ProjectRejectedError,
    ProjectUnavailableError,
    StoringFailedError,
    UploadError,
)
from cairn.intake.limits import SPOOL, Limits
from cairn.intake.messages import Request, Response, accepted, created, limited, named, preflight, refused, unwanted
from cairn.intake.minidump_request import read_minidump_request
from cairn.intake.outcomes import Drop, Outcome
from cairn.intake.routes import Endpoint, Route, route_of
from cairn.intake.signed_upload_request import read_signed_upload_request
from cairn.intake.store_request import read_store_request
from cairn.intake.tus import Reference
from cairn.intake.upload import Attachment, Crash, Delivery, Feedback, Upload
from cairn.pipeline.gate import LimitedKey, OpenGate
from cairn.pipeline.recent import Recent
from cairn.pipeline.signed_upload import SignedUploadSteps, storing
from cairn.pipeline.tus_upload import TusSteps

if TYPE_CHECKING:
    from cairn.store.signed_uploads import SignedUploads
    from cairn.store.tus_uploads import TusUploads


class ClientKey(LimitedKey, Protocol):
    """A client key of a project, with its limits."""

    @property
    def active(self) -> bool: ...


class Projects(Protocol):
    """Where keys are looked up."""

    def key(self, public_key: str) -> ClientKey | None: ...


class Uploads(Protocol):
    """Where crashes are kept. When ``put_new`` returns, the upload is safe; ``False`` when it was there already."""

    def put_new(self, upload: Upload) -> bool: ...


class Notes(Protocol):
    """Where feedback and attachments are kept that come on their own. When a call returns, its note is safe."""

    def put_feedback(self, project_id: int, received: float, feedback: Feedback) -> object: ...
    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> object: ...


class Gate(Protocol):
    """What decides which crashes are kept."""

    def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop | None: ...


class Outcomes(Protocol):
    """Where is counted what became of crashes."""

    def count(
        self, project_id: int, public_key: str, outcome: Outcome, reason: str, received: float, number: int
    ) -> object: ...


class NoOutcomes:
    """Counts nothing."""

    def count(
        self, project_id: int, public_key: str, outcome: Outcome, reason: str, received: float, number: int
    ) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Stores:
    """All that intake looks up and writes. Without ``signed_uploads`` or ``tus_uploads`` there are no such
    uploads."""

    projects: Projects
    uploads: Uploads
    notes: Notes
    gate: Gate = field(default_factory=OpenGate)
    outcomes: Outcomes = field(default_factory=NoOutcomes)
    signed_uploads: SignedUploads | None = None
    tus_uploads: TusUploads | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, with which key, and when (Unix seconds)."""

    who: Credentials
    key: ClientKey
    time: float


NewId = Callable[[], str]
Became = tuple[Outcome, str, int]
"""What became of crashes, for which reason, and of how many."""

READERS: dict[Endpoint, Callable[[Request, Limits, NewFile], Delivery]] = {
    Endpoint.MINIDUMP: read_minidump_request,
    Endpoint.STORE: read_store_request,
    Endpoint.ATTACHMENTS: read_attachments_request,
}
SIGNED = {Endpoint.SIGNED_UPLOADS, Endpoint.SIGNED_PARTS, Endpoint.COMMIT}
IN_STEPS = SIGNED | {Endpoint.TUS}
ANSWERS: dict[Endpoint, Callable[[str | None], Response]] = {
    Endpoint.MINIDUMP: lambda event_id: accepted(event_id or ""),
    Endpoint.ENVELOPE: named,
    Endpoint.STORE: named,
    Endpoint.ATTACHMENTS: lambda _: created(),
}


class RecentKeys:
    """``Projects`` that asks once a minute for each key."""

    def __init__(self, projects: Projects, clock: Callable[[], float] = time.monotonic) -> None:
        self._recent = Recent(projects.key, clock)

    def key(self, public_key: str) -> ClientKey | None:
        """The key, ``None`` when there is none."""
        return self._recent.get(public_key)


def accept(request: Request, stores: Stores, limits: Limits, now: Callable[[], float], new_id: NewId) -> Response:
    """Keep what a request brings, and answer the id of its crash; or answer why not.

    ``now`` gives Unix seconds, ``new_id`` 32 random hex digits. Whatever ``stores`` raise becomes a 503 or 500 whose
    ``error`` has it as its cause, but for the gate and the outcomes: without them the crash is kept all the same, and
    ``uncounted`` has what they raised.
    """
    if request.method == "OPTIONS":
        return preflight()
    try:
        route = route_of(request.method, request.path)
        sender, envelope = identify(request, route, stores.projects, limits, now)
    except IntakeError as error:
        return refused(error)
    try:
        with ExitStack() as files:
            new_file = partial(temporary_file, files)
            if route.endpoint in IN_STEPS:
                return take_step(request, route, sender, stores, limits, new_id, new_file)
            sent = partial(open_sent, stores.tus_uploads, sender.key.project_id)
            brought = read(request, route, envelope, limits, new_file, sent)
            return take(brought, route, sender, stores, new_id)
    except UploadError as error:  # a step went wrong, and no crash is lost by that
        return refused(error)
    except IntakeError as error:
        return counted(refused(error), [(Outcome.REJECTED, error.reason, 1)], sender, stores.outcomes)


def identify(
    request: Request, route: Route, projects: Projects, limits: Limits, now: Callable[[], float]
) -> tuple[Sender, EnvelopeReader | None]:
    """Who sends. Nothing is read of the body before the key is known to be good, but for the first line of an envelope,
    which may hold the key; the envelope is answered too."""
    envelope = None
    if route.endpoint is Endpoint.ENVELOPE and route.project_id is not None:
        envelope = EnvelopeReader(body_pieces(request, limits))
        who = envelope_credentials(request, envelope.header.get("dsn"), route.project_id)
    else:
        who = credentials(request)
    return Sender(who, check_key(projects, who, route.project_id), now()), envelope


def read(
    request: Request,
    route: Route,
    envelope: EnvelopeReader | None,
    limits: Limits,
    new_file: NewFile,
    sent: OpenSent,
) -> Delivery:
    """What the body brings, and what it refers to."""
    if envelope is not None:
        return read_envelope(envelope, limits, new_file, sent)
    return replace(READERS[route.endpoint](request, limits, new_file), about=route.event_id)


def take(brought: Delivery, route: Route, sender: Sender, stores: Stores, new_id: NewId) -> Response:
    """Keep what came, without a crash that is not wanted, and answer."""
    event_id = (brought.crash.event_id or new_id()) if brought.crash else None
    drop, problems = decided(brought.crash, sender, stores.gate)
    wanted = replace(brought, crash=None) if drop else brought
    is_new = keep(stores, wanted, event_id or "", sender)
    response = replace(
        answer(route, drop, event_id or brought.event_id),
        event_id=event_id if wanted.crash else None,
        dropped=drop.reason if drop else None,
        noted=len(brought.feedback) + len(brought.late),
        ignored=brought.ignored,
        uncounted=problems,
    )
    became: list[Became] = [(Outcome.DISCARDED, reason, number) for reason, number in brought.discarded.items()]
    if drop:
        became.append((Outcome.DROPPED, drop.reason, 1))
    elif is_new:
        became.append((Outcome.ACCEPTED, "", 1))
    return counted(response, became, sender, stores.outcomes)


def take_step(
    request: Request,
    route: Route,
    sender: Sender,
    stores: Stores,
    limits: Limits,
    new_id: NewId,
    new_file: NewFile,
) -> Response:
    """Do one step of an upload in steps: an attachment by tus, or a crash by signed addresses. Raises an
    ``IntakeError``."""
    project_id = sender.key.project_id
    if stores.tus_uploads and route.endpoint is Endpoint.TUS:
        return take_piece(request, route, TusSteps(stores.tus_uploads, limits, project_id), new_id, new_file)
    if stores.signed_uploads and route.endpoint in SIGNED:
        steps = SignedUploadSteps(stores.signed_uploads, project_id)
        return take_signed_step(request, route, sender, steps, stores, limits, new_id)
    raise NoSuchRouteError("uploads in steps are not served here")


def take_signed_step(
    request: Request,
    route: Route,
    sender: Sender,
    steps: SignedUploadSteps,
    stores: Stores,
    limits: Limits,
    new_id: NewId,
) -> Response:
    """Begin a crash whose files go to S3 by signed addresses, go on with it, or commit it.

    Whether the crash is wanted is asked before it is sent: nobody should send gigabytes to be told afterwards.
    """
    if route.endpoint is Endpoint.SIGNED_PARTS:
        return steps.go_on(route.upload_id or "")
    if route.endpoint is Endpoint.COMMIT:
        response, is_new = steps.commit(route.upload_id or "")
        return counted(response, [(Outcome.ACCEPTED, "", 1)] if is_new else [], sender, stores.outcomes)
    announced = read_signed_upload_request(request, limits)
    drop, problems = decided(Crash(announced.event_id, announced.event, ()), sender, stores.gate)
    if drop:
        dropped = limited(drop) if drop.is_limit else unwanted(drop)
        return counted(dropped, [(Outcome.DROPPED, drop.reason, 1)], sender, stores.outcomes)
    begun = steps.begin(new_id(), announced, sender.time, sender.who.client)
    return replace(begun, uncounted=problems)


def take_piece(request: Request, route: Route, steps: TusSteps, new_id: NewId, new_file: NewFile) -> Response:
    """Begin an attachment by tus, add to it, or tell how far it is."""
    if route.upload_id is None:
        return steps.begin(request, new_id())
    if route.method == "PATCH":
        return steps.append(request, route.upload_id, new_file)
    return steps.tell(request, route.upload_id)


def open_sent(uploads: TusUploads | None, project_id: int, place: Reference) -> tuple[BinaryIO, int] | None:
    """What was sent by tus to this project, and its size; ``None`` when it is not there, or not all of it."""
    if uploads is None or place.project_id != project_id:
        return None
    with storing():
        content = uploads.content(project_id, place.upload_id)
    return None if content is None else (cast(BinaryIO, content), content.size)


def decided(crash: Crash | None, sender: Sender, gate: Gate) -> tuple[Drop | None, tuple[Exception, ...]]:
    """What the gate says of a crash. Where it fails, the crash is kept: a limit is worth less than a crash."""
    try:
        return (gate.drop(crash, sender.key, sender.time) if crash else None), ()
    except Exception as error:
        return None, (error,)


def answer(route: Route, drop: Drop | None, event_id: str | None) -> Response:
    """What the client is told. Minidump uploaders take a 429 for a reason to send again, so they are told that all is
    well; SDKs heed it. A crash that a filter drops will not be taken later either: no client is told to wait."""
    if drop and drop.is_limit and route.endpoint is not Endpoint.MINIDUMP:
        return limited(drop)
    return ANSWERS[route.endpoint](event_id)


def counted(response: Response, became: Iterable[Became], sender: Sender, outcomes: Outcomes) -> Response:
    """Count outcomes. The response says when that failed, and is the same."""
    try:
        for outcome, reason, number in became:
            outcomes.count(sender.key.project_id, sender.key.public_key, outcome, reason, sender.time, number)
    except Exception as error:
        return replace(response, uncounted=(*response.uncounted, error))
    return response


def keep(stores: Stores, brought: Delivery, event_id: str, sender: Sender) -> bool:
    """Store what came, its crash under ``event_id``. Answers whether there is a crash that is new."""
    project_id, is_new = sender.key.project_id, False
    try:
        if crash := brought.crash:
            event = {**crash.event, "event_id": event_id}
            upload = Upload(event_id, project_id, sender.time, crash.attachments, event, sender.who.client)
            is_new = stores.uploads.put_new(upload)
        for feedback in brought.feedback:
            stores.notes.put_feedback(project_id, sender.time, feedback)
        for attachment in brought.late:
            stores.notes.put_attachment(project_id, brought.about or "", sender.time, attachment)
    except Exception as error:
        raise StoringFailedError("the crash could not be stored just now: send it again later") from error
    return is_new


def temporary_file(files: ExitStack) -> BinaryIO:
    """An empty file that is closed with ``files``; on disk once it grows."""
    return cast(BinaryIO, files.enter_context(SpooledTemporaryFile(max_size=SPOOL)))


def check_key(projects: Projects, who: Credentials, project_id: int | None) -> ClientKey:
    """The active key, which must be one of this project when that is told."""
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
    return key
