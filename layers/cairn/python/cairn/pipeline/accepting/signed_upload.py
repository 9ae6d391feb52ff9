"""A crash in steps, for what does not fit into a request: begin, put the files into S3 by signed addresses, commit.

Every step may be done again. What has come whole and is not committed is committed after an hour
(``finish_uploads.py``), and what never comes whole goes away after a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from cairn.intake.dumps import check_magic
from cairn.intake.errors import (
    IncompleteUploadError,
    IntakeError,
    InvalidMinidumpError,
    NoSuchUploadError,
    StoringFailedError,
)
from cairn.intake.messages import Response, named, planned
from cairn.intake.signed_upload_request import AnnouncedUpload

if TYPE_CHECKING:
    from cairn.store.crashes.signed_uploads import Plan, Remaining, SignedUploads

MAGIC = 4
"""Bytes that tell a minidump."""


class SignedUploadSteps:
    """The steps in one project. Each raises an ``IntakeError``."""

    def __init__(self, uploads: SignedUploads, project_id: int) -> None:
        self._uploads = uploads
        self._project_id = project_id

    def begin(
        self, upload_id: str, announced: AnnouncedUpload, time: float, public_key: str, client: str | None
    ) -> Response:
        """Note what is to come (``time`` in Unix seconds), and answer where its first parts go."""
        with storing():
            plan = self._uploads.begin(upload_id, self._project_id, time, client, announced, public_key)
            return replace(self._answer(plan), status=201)

    def go_on(self, upload_id: str) -> Response:
        """Answer which parts are missing, and where they go."""
        with storing():
            return self._answer(self._find(upload_id))

    def commit(self, upload_id: str) -> tuple[Response, Plan | None]:
        """Accept the crash, of which all must be there; with its plan when it is new. What is no minidump goes away."""
        with storing():
            plan = self._find(upload_id)
            for part in self._remaining(plan).parts[:1]:
                raise IncompleteUploadError(
                    f"part {part.number} of file {part.file} is missing: put it, and commit again"
                )
            self._uploads.complete(plan)
            self._check(plan)
            is_new = self._uploads.keep(plan)
        return replace(named(plan.event_id), event_id=plan.event_id), plan if is_new else None

    def _check(self, plan: Plan) -> None:
        try:
            check_magic(self._uploads.head(plan, MAGIC))
        except InvalidMinidumpError:
            self._uploads.discard(plan)
            raise

    def _answer(self, plan: Plan) -> Response:
        return planned({"id": plan.id, "event_id": plan.event_id, **asdict(self._remaining(plan))})

    def _find(self, upload_id: str) -> Plan:
        plan = self._uploads.find(self._project_id, upload_id)
        if plan is None:
            raise no_such_upload()
        return plan

    def _remaining(self, plan: Plan) -> Remaining:
        remaining = self._uploads.remaining(plan)
        if remaining is None:
            raise no_such_upload()
        return remaining


@contextmanager
def storing() -> Iterator[None]:
    """Let whatever the store raises become a ``StoringFailedError``."""
    try:
        yield
    except IntakeError:
        raise
    except Exception as error:
        raise StoringFailedError("the upload could not go on just now: do this step again later") from error


def no_such_upload() -> NoSuchUploadError:
    """The error for an upload that is not there."""
    return NoSuchUploadError("the project has no such upload; one is kept for a day: begin another")
