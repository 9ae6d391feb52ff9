"""What clients say, without its secrets before it is stored.

A project's settings are looked up once a minute. Where that fails the crash is kept as it came, and its ``upload.json``
says that nothing was looked for: the symbolicate step does it then, as it does for uploads of a Cairn that did not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from cairn.intake.signed_upload_request import AnnouncedUpload
from cairn.intake.upload import Attachment, Feedback, Upload
from cairn.privacy.scrub_upload import scrub_message, scrub_upload
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
        privacy = self._known(upload.project_id)
        if privacy is None or not privacy.scrub:
            return upload
        done = scrub_upload(upload.event, [file.name for file in upload.attachments], privacy)
        files = (replace(file, name=name) for file, name in zip(upload.attachments, done.names, strict=True))
        return replace(upload, event=done.event, attachments=tuple(files), scrubbed=done.counts)

    def announced(self, project_id: int, announced: AnnouncedUpload) -> AnnouncedUpload:
        """A crash whose files are to come, as it is to be stored."""
        privacy = self._known(project_id)
        if privacy is None or not privacy.scrub:
            return announced
        done = scrub_upload(announced.event, [file.name for file in announced.files], privacy)
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
