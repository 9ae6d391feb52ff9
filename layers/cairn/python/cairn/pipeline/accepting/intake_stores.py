"""What intake looks up and writes, whatever stands behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cairn.intake.outcomes import Drop, Outcome
from cairn.intake.upload import Attachment, Crash, Feedback, Upload
from cairn.pipeline.accepting.gate import LimitedKey, OpenGate
from cairn.pipeline.accepting.upload_privacy import AsItCame, UploadPrivacy
from cairn.pipeline.recent import Recent

if TYPE_CHECKING:
    from cairn.store.crashes.signed_uploads import SignedUploads
    from cairn.store.crashes.tus_uploads import TusUploads


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
    uploads. ``privacy`` takes secrets out before anything is written."""

    projects: Projects
    uploads: Uploads
    notes: Notes
    gate: Gate = field(default_factory=OpenGate)
    outcomes: Outcomes = field(default_factory=NoOutcomes)
    signed_uploads: SignedUploads | None = None
    tus_uploads: TusUploads | None = None
    privacy: UploadPrivacy = field(default_factory=AsItCame)


class RecentKeys:
    """``Projects`` that asks once a minute for each key."""

    def __init__(self, projects: Projects, clock: Callable[[], float] = time.monotonic) -> None:
        self._recent = Recent(projects.key, clock)

    def key(self, public_key: str) -> ClientKey | None:
        """The key, ``None`` when there is none."""
        return self._recent.get(public_key)
