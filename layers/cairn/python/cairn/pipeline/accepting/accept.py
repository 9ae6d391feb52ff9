"""Accept a crash: who sends it, what is in it, keep it, answer. Nothing is answered 200 before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from cairn.intake.attachments_request import read_attachments_request
from cairn.intake.auth import Credentials, carried_credentials, credentials, envelope_credentials
from cairn.intake.bodies import NewFile, body_pieces
from cairn.intake.envelope_request import OpenSent, read_envelope
from cairn.intake.envelopes import EnvelopeReader
from cairn.intake.errors import (
    IntakeError,
    ProjectRejectedError,
    ProjectUnavailableError,
    StoringFailedError,
    UploadError,
)
from cairn.intake.limits import SPOOL, Limits
from cairn.intake.messages import Request, Response, accepted, created, limited, named, preflight, refused
from cairn.intake.minidump_request import read_minidump_request
from cairn.intake.outcomes import Drop, Outcome
from cairn.intake.routes import Endpoint, Route, route_of
from cairn.intake.store_request import read_store_request
from cairn.intake.upload import Delivery, Upload
from cairn.pipeline.accepting.accept_step import IN_STEPS, NewId, open_sent, take_step
from cairn.pipeline.accepting.intake_stores import ClientKey, Projects, Stores
from cairn.pipeline.accepting.sender import Became, Sender, counted, decided
from cairn.pipeline.accepting.signed_upload import storing

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


def refused_by_head(request: Request, projects: Projects) -> Response | None:
    """The answer to a request that is refused whatever its body is, which is not read. ``accept`` answers the same."""
    try:
        if request.method != "OPTIONS":
            key_in_head(request, route_of(request.method, request.path), projects)
    except IntakeError as error:
        return refused(error)
    return None


def identify(
    request: Request, route: Route, projects: Projects, limits: Limits, now: Callable[[], float]
) -> tuple[Sender, EnvelopeReader | None]:
    """Who sends. Nothing is read of the body before the key is known to be good, but for the first line of an envelope
    when that alone can hold the key; the envelope is answered too."""
    found, envelope = key_in_head(request, route, projects), None
    if route.endpoint is Endpoint.ENVELOPE and route.project_id is not None:
        envelope = EnvelopeReader(body_pieces(request, limits))
        who = envelope_credentials(request, envelope.header.get("dsn"), route.project_id)
        found = found or (who, check_key(projects, who, route.project_id))
    assert found is not None  # noqa: S101 - only an envelope needs no key in its head
    return Sender(*found, now()), envelope


def key_in_head(request: Request, route: Route, projects: Projects) -> tuple[Credentials, ClientKey] | None:
    """The good key that query and headers carry; ``None`` for an envelope without one. Raises an ``IntakeError``."""
    if route.endpoint is Endpoint.ENVELOPE and route.project_id is not None:
        who = carried_credentials(request)
    else:
        who = credentials(request)
    return (who, check_key(projects, who, route.project_id)) if who else None


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
        with storing():  # what it refers to is read from there
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


def answer(route: Route, drop: Drop | None, event_id: str | None) -> Response:
    """What the client is told. Minidump uploaders take a 429 for a reason to send again, so they are told that all is
    well; SDKs heed it. A crash that a filter drops will not be taken later either: no client is told to wait."""
    if drop and drop.is_limit and route.endpoint is not Endpoint.MINIDUMP:
        return limited(drop)
    return ANSWERS[route.endpoint](event_id)


def keep(stores: Stores, brought: Delivery, event_id: str, sender: Sender) -> bool:
    """Store what came, its crash under ``event_id``. Answers whether there is a crash that is new."""
    project_id, is_new = sender.key.project_id, False
    try:
        if crash := brought.crash:
            event = {**crash.event, "event_id": event_id}
            upload = Upload(
                event_id,
                project_id,
                sender.time,
                crash.attachments,
                event,
                sender.who.client,
                sender.key.public_key,
            )
            is_new = stores.uploads.put_new(stores.privacy.upload(upload))
        for feedback in brought.feedback:
            stores.notes.put_feedback(project_id, sender.time, stores.privacy.feedback(project_id, feedback))
        for attachment in brought.late:
            file = stores.privacy.attachment(project_id, attachment)
            stores.notes.put_attachment(project_id, brought.about or "", sender.time, file)
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
