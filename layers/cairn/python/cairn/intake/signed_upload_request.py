"""What begins an upload whose files go to S3 by signed addresses: a JSON object that tells of them.

==================  ===========================================================================
``name``, ``size``  of the dump, in bytes
``fields``          form fields by name, as in a form: ``sentry[release]``, ``sentry`` …; optional
``attachments``     a list of other files, each ``name``, ``size`` and ``content_type``; optional
==================  ===========================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cairn.intake.bodies import body_pieces, limited
from cairn.intake.dumps import CONTENT_TYPE
from cairn.intake.errors import InvalidUploadError, RequestTooLargeError, UploadTooLargeError
from cairn.intake.fields import event_from_fields, event_id_from_fields
from cairn.intake.forms import MINIDUMP
from cairn.intake.limits import FILE_NAME, Limits, human_size
from cairn.intake.messages import Request
from cairn.intake.values import Object, text


@dataclass(frozen=True, slots=True)
class AnnouncedFile:
    """A file that is to come: what a stored one has, but for its content."""

    name: str
    content_type: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class AnnouncedUpload:
    """A crash whose files are to come: the id that it asks for, its event, and its files, the dump first. ``scrubbed``
    is that of ``Upload``."""

    event_id: str | None
    event: Mapping[str, Any]
    files: tuple[AnnouncedFile, ...]
    scrubbed: Mapping[str, int] | None = None


def read_signed_upload_request(request: Request, limits: Limits) -> AnnouncedUpload:
    """The crash that a request announces. Raises ``InvalidUploadError``, ``UploadTooLargeError`` or what reading a
    body raises."""
    said = announcement(request, limits)
    attachments = said.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(entry, dict) for entry in attachments):
        raise InvalidUploadError("attachments must be a list of objects with name and size")
    if len(attachments) >= limits.attachments:
        raise RequestTooLargeError(f"the upload has more than {limits.attachments} files")
    dump = file_of({**said, "content_type": CONTENT_TYPE}, MINIDUMP)
    files = (dump, *(file_of(entry, "event.attachment") for entry in attachments))
    if sum(file.size for file in files) > limits.upload:
        raise UploadTooLargeError(f"the files together have more than {human_size(limits.upload)}")
    fields = fields_of(said.get("fields") or {})
    return AnnouncedUpload(event_id_from_fields(fields), event_from_fields(fields), files)


def announcement(request: Request, limits: Limits) -> Object:
    """The object in the body."""
    too_large = RequestTooLargeError(f"the description of the upload is larger than {human_size(limits.event)}")
    body = b"".join(limited(body_pieces(request, limits), limits.event, too_large))
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InvalidUploadError("the body must be a JSON object with name and size of the dump")
    return said


def file_of(said: Mapping[str, Any], kind: str) -> AnnouncedFile:
    """The file that an object tells of. Raises ``InvalidUploadError``."""
    name, size, content_type = (said.get(key) for key in ("name", "size", "content_type"))
    if not isinstance(name, str) or not name:
        raise InvalidUploadError("name must be the name of the file")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise InvalidUploadError(f"size of {name[:100]!r} must be its number of bytes, 1 or more")
    content_type = content_type if isinstance(content_type, str) and content_type else "application/octet-stream"
    return AnnouncedFile(text(name)[:FILE_NAME], text(content_type)[:FILE_NAME], kind, size)


def fields_of(said: Any) -> list[tuple[str, str]]:
    """The form fields. Raises ``InvalidUploadError``."""
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise InvalidUploadError("fields must be an object of texts, as the fields of a form are")
    return list(said.items())
