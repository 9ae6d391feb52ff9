"""An attachment on its own, piece by piece, before the envelope that refers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cairn.intake import tus
from cairn.intake.bodies import NewFile
from cairn.intake.errors import UploadOffsetError
from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.pipeline.accepting.signed_upload import no_such_upload, storing

if TYPE_CHECKING:
    from cairn.store.crashes.tus_uploads import TusUpload, TusUploads


class TusSteps:
    """The requests of the tus protocol, to one project. Each raises an ``IntakeError``."""

    def __init__(self, uploads: TusUploads, limits: Limits, project_id: int) -> None:
        self._uploads = uploads
        self._limits = limits
        self._project_id = project_id

    def begin(self, request: Request, upload_id: str) -> Response:
        """Note what is to come, and answer where."""
        tus.check_version(request)
        length = tus.announced_length(request, self._limits)
        with storing():
            self._uploads.begin(upload_id, self._project_id, length)
        return tus.begun(self._project_id, upload_id, self._limits)

    def append(self, request: Request, upload_id: str, new_file: NewFile) -> Response:
        """Add a piece, which must begin where the one before it ended."""
        tus.check_version(request)
        offset = tus.offset_of(request)
        upload = self._find(upload_id)
        if offset != upload.offset or upload.parts is None:
            raise UploadOffsetError(f"the next piece begins at {upload.offset}, and this one at {offset}")
        most = self._limits.tus if upload.length is None else upload.length
        content, size = tus.piece(request, most - offset, self._limits, new_file)
        with storing():
            if not self._uploads.append(upload, content, size):
                raise UploadOffsetError(f"another piece came at {offset}: ask how far the upload is")
        return tus.appended(offset + size)

    def tell(self, request: Request, upload_id: str) -> Response:
        """Answer how far an upload is."""
        tus.check_version(request)
        upload = self._find(upload_id)
        return tus.standing(upload.offset, upload.length)

    def _find(self, upload_id: str) -> TusUpload:
        with storing():
            upload = self._uploads.find(self._project_id, upload_id)
        if upload is None:
            raise no_such_upload()
        return upload
