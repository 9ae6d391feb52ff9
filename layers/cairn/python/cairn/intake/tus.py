"""The tus protocol as sentry-native and Relay speak it: an attachment begun, sent in pieces, and referred to.

Sources: tus.io, protocol 1.0.0 with its creation extension; Relay's ``/api/<project>/upload/``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from cairn.intake.bodies import NO_ENCODING, NewFile, body_pieces, spooled
from cairn.intake.errors import InvalidUploadError, UploadTooLargeError, UploadTypeError, UploadVersionError
from cairn.intake.limits import Limits, human_size
from cairn.intake.messages import COMMON, Request, Response
from cairn.intake.values import parsed, text

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
NUMBER = re.compile(r"[0-9]{1,19}")
LOCATION = re.compile(
    r"(https?://[^/?#]+)?(/[^?#]*)?/api/(?P<project>[0-9]{1,20})/upload/(?P<upload>[0-9a-f]{32})/?(\?.*)?"
)
HEADERS = {**COMMON, "tus-resumable": VERSION}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an attachment lies that was sent before its envelope."""

    project_id: int
    upload_id: str


def check_version(request: Request) -> None:
    """Pass version 1.0.0 of the protocol. Raises ``UploadVersionError``."""
    if (said := request.headers.get("tus-resumable")) != VERSION:
        raise UploadVersionError(f"send the header Tus-Resumable: {VERSION}; it is {said!r}")


def announced_length(request: Request, limits: Limits) -> int | None:
    """How long the attachment will be; ``None`` when that is to be seen. Raises an ``UploadError``."""
    if "content-type" in request.headers:
        raise UploadTypeError("beginning an upload takes no body, and no Content-Type")
    check_metadata(request.headers.get("upload-metadata", ""))
    length, deferred = (request.headers.get(name) for name in ("upload-length", "upload-defer-length"))
    if (length is None) == (deferred is None) or deferred not in (None, "1"):
        raise InvalidUploadError("send Upload-Length with the number of bytes, or Upload-Defer-Length: 1")
    if length is None:
        return None
    size = whole(length, "Upload-Length")
    if size > limits.tus:
        raise UploadTooLargeError(f"an attachment may have {human_size(limits.tus)}, and this one has {size} bytes")
    return size


def check_metadata(said: str) -> None:
    """Pass pairs of a key and a value in base64; nothing is made of them: the envelope says it again. Raises
    ``InvalidUploadError``."""
    for pair in filter(None, map(str.strip, said.split(","))):
        _, _, value = pair.partition(" ")
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidUploadError("Upload-Metadata must be keys with values in base64") from error


def offset_of(request: Request) -> int:
    """Where a piece begins. Raises an ``UploadError``."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PIECE_TYPE:
        raise UploadTypeError(f"send pieces with Content-Type: {PIECE_TYPE}")
    return whole(request.headers.get("upload-offset", ""), "Upload-Offset")


def piece(request: Request, room: int, limits: Limits, new_file: NewFile) -> tuple[BinaryIO, int]:
    """The content of a piece, and its size; ``room`` is how much may come. Raises ``InvalidUploadError`` beyond that,
    or a ``BodyError``."""
    beyond = InvalidUploadError(f"the piece goes beyond the end of the upload, which has room for {room} bytes")
    packed = request.headers.get("content-encoding", "").strip().lower() not in NO_ENCODING
    most = min(room, limits.body) if packed else room
    return spooled(body_pieces(request, replace(limits, body=most), beyond), new_file)


def whole(said: str, header: str) -> int:
    """The number in a header. Raises ``InvalidUploadError``."""
    if not NUMBER.fullmatch(said):
        raise InvalidUploadError(f"{header} must be a whole number, and is {said[:40]!r}")
    return int(said)


def begun(project_id: int, upload_id: str, limits: Limits) -> Response:
    """201 with the place to send pieces to."""
    more = {
        "location": f"/api/{project_id}/upload/{upload_id}/",
        "tus-extension": "creation",
        "upload-chunk-size": str(limits.tus_chunk),
    }
    return Response(201, HEADERS | more)


def appended(offset: int) -> Response:
    """204 with where the next piece begins."""
    return Response(204, HEADERS | {"upload-offset": str(offset)})


def standing(offset: int, length: int | None) -> Response:
    """200 with how far an upload is."""
    known = {"upload-defer-length": "1"} if length is None else {"upload-length": str(length)}
    return Response(200, HEADERS | known | {"upload-offset": str(offset), "cache-control": "no-store"})


def reference(payload: bytes) -> Reference | None:
    """What an item of an envelope refers to; ``None`` when it cannot be told."""
    location: object = parsed(text(payload)).get("location")
    match = LOCATION.fullmatch(location) if isinstance(location, str) else None
    return Reference(int(match["project"]), match["upload"]) if match else None


def announced_size(header: Mapping[str, object]) -> int | None:
    """How long a reference says that its attachment is."""
    size = header.get("attachment_length")
    return size if isinstance(size, int) and not isinstance(size, bool) else None
