"""Accept a crash: who sends it, what is in it, keep it, answer. Nothing is answered 200 before it is kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from cairn.intake.auth import Credentials, credentials
from cairn.intake.errors import IntakeError, ProjectRejectedError, ProjectUnavailableError, StoringFailedError
from cairn.intake.limits import SPOOL, Limits
from cairn.intake.messages import Request, Response, accepted, preflight, refused
from cairn.intake.minidump_request import read_minidump_request
from cairn.intake.routes import minidump_project
from cairn.intake.upload import Upload

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


def accept(
    request: Request,
    projects: Projects,
    uploads: Uploads,
    limits: Limits,
    now: Callable[[], float],
    new_id: Callable[[], str],
) -> Response:
    """Keep the crash that a request brings, and answer its id; or answer why not.

    ``now`` gives Unix seconds, ``new_id`` 32 random hex digits. Whatever ``projects`` or ``uploads`` raise becomes a
    503 or 500 whose ``error`` has it as its cause.
    """
    if request.method == "OPTIONS":
        return preflight()
    try:
        project_id = minidump_project(request.method, request.path)
        who = credentials(request)
        check_key(projects, who, project_id)
        with ExitStack() as files:
            crash = read_minidump_request(request, limits, partial(temporary_file, files))
            event_id = crash.event_id or new_id()
            event = {**crash.event, "event_id": event_id}
            keep(uploads, Upload(event_id, project_id, now(), crash.attachments, event, who.client))
    except IntakeError as error:
        return refused(error)
    return accepted(event_id)


def temporary_file(files: ExitStack) -> BinaryIO:
    """An empty file that is closed with ``files``; on disk once it grows."""
    return cast(BinaryIO, files.enter_context(SpooledTemporaryFile(max_size=SPOOL)))


def check_key(projects: Projects, who: Credentials, project_id: int) -> None:
    """Pass an active key of this project."""
    try:
        key = projects.key(who.public_key)
    except Exception as error:
        raise ProjectUnavailableError("the key could not be looked up just now: send the crash again later") from error
    if key is None:
        raise ProjectRejectedError("there is no such key: copy the DSN from the project's settings")
    if key.project_id != project_id:
        raise ProjectRejectedError(f"the key is not one of project {project_id}: copy the DSN as a whole")
    if not key.active:
        raise ProjectRejectedError("the key is disabled: use another key of the project")


def keep(uploads: Uploads, upload: Upload) -> None:
    """Store an upload."""
    try:
        uploads.put(upload)
    except Exception as error:
        raise StoringFailedError("the crash could not be stored just now: send it again later") from error
