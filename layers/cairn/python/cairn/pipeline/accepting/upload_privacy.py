"""What clients say, without its secrets before it is stored.

A project's settings are looked up once a minute. Where that fails the crash is kept as it came, and its ``upload.json``
says that nothing was looked for: the symbolicate step does it then, as it does for uploads of a Cairn that did not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from cairn.intake.signed_upload_request import AnnouncedUpload
from cairn.intake.upload import Attachment, Feedback, Upload
from cairn.privacy.scrub_upload import ScrubbedUpload, scrub_message, scrub_upload
from cairn.privacy.settings import DEFAULT, Privacy


class PrivateProject(Protocol):
    """A project, as far as it says what is private."""

    @property
    def privacy(self) -> Privacy: ...


class UploadPrivacy:
    """The privacy of all projects. ``project`` looks one up, and is asked for each crash."""

    def __init__(self, project: Callable[[int], PrivateProject | None]) -> None:
        self._project = project

    def upload(self, upload: Upload) -> Upload:
        """A crash as it is to be stored."""
        done = self._scrub(upload.project_id, upload.event, [file.name for file in upload.attachments])
        if done is None:
            return upload
        files = (replace(file, name=name) for file, name in zip(upload.attachments, done.names, strict=True))
        return replace(upload, event=done.event, attachments=tuple(files), scrubbed=done.counts)

    def announced(self, project_id: int, announced: AnnouncedUpload) -> AnnouncedUpload:
        """A crash whose files are to come, as it is to be stored."""
        done = self._scrub(project_id, announced.event, [file.name for file in announced.files])
        if done is None:
            return announced
        files = (replace(file, name=name) for file, name in zip(announced.files, done.names, strict=True))
        return replace(announced, event=done.event, files=tuple(files), scrubbed=done.counts)

    def feedback(self, project_id: int, feedback: Feedback) -> Feedback:
        """Feedback as it is to be stored. Nobody looks at it later, so where the project is not known the usual rules
        hold."""
        privacy = self._known(project_id) or DEFAULT
        return replace(feedback, message=scrub_message(feedback.message, privacy))

    def attachment(self, project_id: int, attachment: Attachment) -> Attachment:
        """A file that comes on its own, with its name as it is to be stored. Where the project is not known as in
        ``feedback``."""
        privacy = self._known(project_id) or DEFAULT
        if not privacy.scrub:
            return attachment
        return replace(attachment, name=scrub_upload({}, [attachment.name], privacy).names[0])

    def _scrub(self, project_id: int, event: Mapping[str, Any], names: Sequence[str]) -> ScrubbedUpload | None:
        """An event and names of files without secrets; ``None`` where nothing is to be looked for."""
        privacy = self._known(project_id)
        return scrub_upload(event, names, privacy) if privacy and privacy.scrub else None

    def _known(self, project_id: int) -> Privacy | None:
        """The settings of a project, ``None`` where they cannot be looked up just now."""
        try:
            project = self._project(project_id)
        except Exception:
            return None
        return project.privacy if project else DEFAULT


class AsItCame(UploadPrivacy):
    """Leaves all as it is."""

    def __init__(self) -> None:
        super().__init__(lambda project_id: _Open())


class _Open:
    privacy = Privacy(scrub=False)
