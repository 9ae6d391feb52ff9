"""Uploads in steps whose client put all parts and then never said so: an hour later they are committed in its place.

May be done any number of times, and while the client does it too: whoever is first makes the crash, and counts it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cairn.intake.errors import IntakeError, UploadError
from cairn.intake.messages import Response, refused
from cairn.pipeline.accepting.accept_step import count_new
from cairn.pipeline.accepting.signed_upload import SignedUploadSteps

if TYPE_CHECKING:
    from cairn.pipeline.accepting.intake_stores import Outcomes
    from cairn.store.crashes.signed_uploads import SignedUploads

FINISH_UPLOADS = {"cairn": 1, "finish_uploads": True}
"""What a schedule calls the ingest function with, once an hour."""

AGE = 3600
"""Seconds after its beginning: until then its client is left to it, whose signed addresses are good for as long."""

SECONDS = 20
"""How long one call goes on; the function has 29."""


def finish_uploads(
    uploads: SignedUploads, outcomes: Outcomes, clock: Callable[[], float] = time.monotonic
) -> Iterator[Response]:
    """Commit what has come whole, and give the responses that its clients would have got. What lacks parts is passed
    over. Raises ``StoreError`` when it cannot be told what there is.

    The order is another each time: however many are broken off, none is always behind them.
    """
    begun = clock()
    waiting = uploads.unfinished(time.time() - AGE)
    random.shuffle(waiting)
    for project_id, upload_id in waiting:
        if clock() - begun > SECONDS:
            return
        if response := finish(uploads, outcomes, project_id, upload_id):
            yield response


def finish(uploads: SignedUploads, outcomes: Outcomes, project_id: int, upload_id: str) -> Response | None:
    """Commit one upload; ``None`` when it is not whole, or was committed meanwhile."""
    try:
        response, new = SignedUploadSteps(uploads, project_id).commit(upload_id)
    except UploadError:
        return None
    except IntakeError as error:
        return refused(error)
    return count_new(response, new, outcomes) if new else None
