"""Accept one step of an upload in steps: a crash whose files go to S3 by signed addresses, or an attachment by tus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

from cairn.intake.bodies import NewFile
from cairn.intake.errors import NoSuchRouteError
from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response, limited, unwanted
from cairn.intake.outcomes import Outcome
from cairn.intake.routes import Endpoint, Route
from cairn.intake.signed_upload_request import read_signed_upload_request
from cairn.intake.tus import Reference
from cairn.intake.upload import Crash
from cairn.pipeline.accepting.intake_stores import Outcomes, Stores
from cairn.pipeline.accepting.sender import Sender, counted, decided
from cairn.pipeline.accepting.signed_upload import SignedUploadSteps, storing
from cairn.pipeline.accepting.tus_upload import TusSteps

if TYPE_CHECKING:
    from cairn.store.crashes.signed_uploads import Plan
    from cairn.store.crashes.tus_uploads import TusUploads

NewId = Callable[[], str]

SIGNED = {Endpoint.SIGNED_UPLOADS, Endpoint.SIGNED_PARTS, Endpoint.COMMIT}
IN_STEPS = SIGNED | {Endpoint.TUS}


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
        response, new = steps.commit(route.upload_id or "")
        return count_new(response, new, stores.outcomes) if new else response
    announced = read_signed_upload_request(request, limits)
    drop, problems = decided(Crash(announced.event_id, announced.event, ()), sender, stores.gate)
    if drop:
        dropped = limited(drop) if drop.is_limit else unwanted(drop)
        return counted(dropped, [(Outcome.DROPPED, drop.reason, 1)], sender, stores.outcomes)
    private = stores.privacy.announced(sender.key.project_id, announced)
    begun = steps.begin(new_id(), private, sender.time, sender.key.public_key, sender.who.client)
    return replace(begun, uncounted=problems)


def count_new(response: Response, new: Plan, outcomes: Outcomes) -> Response:
    """Count a crash that was committed, when it was begun and for the key that it was begun with."""
    try:
        outcomes.count(new.project_id, new.public_key, Outcome.ACCEPTED, "", new.begun, 1)
    except Exception as error:
        return replace(response, uncounted=(error,))
    return response


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
