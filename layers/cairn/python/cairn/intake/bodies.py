"""The body of a request as a bounded stream: its content encoding undone, and both sizes held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeAlias

from cairn.intake.compression import CorruptStreamError, decompressed
from cairn.intake.errors import IntakeError, InvalidBodyError, RequestTooLargeError, UnknownEncodingError
from cairn.intake.limits import PIECE, Limits, human_size
from cairn.intake.messages import Request

ENCODINGS = ("gzip", "deflate", "br", "zstd")
NO_ENCODING = ("", "utf-8", "identity")

NewFile: TypeAlias = Callable[[], BinaryIO]
"""Makes an empty file; who calls intake closes it."""


def body_pieces(request: Request, limits: Limits, too_large: IntakeError | None = None) -> Iterator[bytes]:
    """The decoded body, piece by piece.

    Raises ``UnknownEncodingError`` and, while it is read, ``InvalidBodyError``, ``RequestTooLargeError`` when it is
    too large on the wire, and ``too_large`` (by default ``RequestTooLargeError`` too) when it is so once decoded.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in NO_ENCODING:
        return limited(pieces(request.body), limits.body, too_large or request_too_large("the body", limits.body))
    if encoding not in ENCODINGS:
        raise UnknownEncodingError(f"send the body as it is, or encoded as one of {', '.join(ENCODINGS)}")
    on_wire = request_too_large(f"the {encoding} body", limits.compressed_body)
    wire = limited(pieces(request.body), limits.compressed_body, on_wire)
    decoded = too_large or request_too_large("the body, decompressed,", limits.body)
    return limited(decoded_pieces(wire, encoding), limits.body, decoded)


def request_too_large(what: str, limit: int) -> RequestTooLargeError:
    """The error for a body that passes its limit."""
    return RequestTooLargeError(f"{what} is larger than {human_size(limit)}: send a smaller dump or fewer attachments")


def decoded_pieces(wire: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body without its content encoding."""
    try:
        yield from decompressed(wire, encoding)
    except CorruptStreamError as error:
        raise InvalidBodyError(f"Content-Encoding: {error}") from error


def pieces(source: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, in pieces."""
    return iter(lambda: source.read(PIECE), b"")


def limited(source: Iterable[bytes], limit: int, error: IntakeError) -> Iterator[bytes]:
    """``source`` as long as it stays within ``limit`` bytes; past that ``error`` is raised."""
    size = 0
    for piece in source:
        size += len(piece)
        if size > limit:
            raise error
        yield piece


def spooled(source: Iterable[bytes], new_file: NewFile) -> tuple[BinaryIO, int]:
    """``source`` written to a new file, which stands at its start, and its size."""
    file = new_file()
    for piece in source:
        file.write(piece)
    size = file.tell()
    file.seek(0)
    return file, size
