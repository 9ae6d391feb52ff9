"""From a form's file to the dump: out of an inner form, out of its compression, and with the right first bytes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import BinaryIO

from multipart import MultipartError, MultipartSegment  # type: ignore[import-untyped]

from cairn.intake.bodies import NewFile, limited, pieces, spooled
from cairn.intake.compression import CorruptStreamError, container, decompressed
from cairn.intake.errors import InvalidCompressionError, InvalidMinidumpError, ItemTooLargeError
from cairn.intake.forms import MINIDUMP, MINIDUMP_FIELD, parser, text
from cairn.intake.limits import Limits, human_size
from cairn.intake.upload import Attachment

CONTENT_TYPE = "application/x-dmp"
MAGICS = (b"MDMP", b"PMDM")
SUFFIXES = {".gz", ".xz", ".bz2", ".zst"}
HEAD = 1024
INNER_BOUNDARY = re.compile(rb"[\r\n]*--([^\r\n]+)[\r\n]")


def dump(name: str, content: BinaryIO, limits: Limits, new_file: NewFile) -> Attachment:
    """The dump as it will be stored, unpacked when it was compressed (one layer; told by its first bytes).

    Raises ``InvalidCompressionError``, ``ItemTooLargeError`` or ``InvalidMinidumpError``.
    """
    head = peek(content)
    packed = container(head)
    if packed:
        content = unpacked(content, packed, limits, new_file)
        name = without_suffix(name)
        head = peek(content)
    check_magic(head)
    return Attachment(name, CONTENT_TYPE, MINIDUMP, size_of(content), content)


def peek(content: BinaryIO) -> bytes:
    """The first bytes of a file, which stands at its start before and after."""
    head = content.read(HEAD)
    content.seek(0)
    return head


def size_of(content: BinaryIO) -> int:
    """Bytes in a file, which stands at its start after."""
    size = content.seek(0, 2)
    content.seek(0)
    return size


def unpacked(content: BinaryIO, packed: str, limits: Limits, new_file: NewFile) -> BinaryIO:
    """A compressed file's content, up to the limit of a file."""
    cause = f"the dump, unpacked from {packed}, is larger than {human_size(limits.file)}"
    try:
        plain = decompressed(pieces(content), packed)
        return spooled(limited(plain, limits.file, ItemTooLargeError("attachment:minidump", cause)), new_file)[0]
    except CorruptStreamError as error:
        raise InvalidCompressionError(f"{error}; its first bytes say that it is {packed}") from error


def without_suffix(name: str) -> str:
    """The name without one suffix of compression."""
    path = PurePosixPath(name)
    return name.removesuffix(path.suffix) if path.suffix in SUFFIXES else name


def check_magic(head: bytes) -> None:
    """Pass what begins as a minidump does, in either byte order."""
    if head[:4] in MAGICS:
        return
    seen = head[:4].hex(" ") or "nothing"
    raise InvalidMinidumpError(f"a minidump begins with the letters MDMP or PMDM; this file begins with {seen}")


def embedded(content: BinaryIO, new_file: NewFile) -> BinaryIO:
    """The dump inside a dump that is a form itself, else ``content``.

    Old Electron on Linux sent the body it had prepared as the file of another form.
    """
    match = INNER_BOUNDARY.match(peek(content))
    if match is None:
        return content
    try:
        return inner_dump(content, match[1], new_file) or content
    except MultipartError:
        return content
    finally:
        content.seek(0)


def inner_dump(content: BinaryIO, boundary: bytes, new_file: NewFile) -> BinaryIO | None:
    """The first whole part called ``upload_file_minidump``, with or without a file name."""
    inner: BinaryIO | None = None
    form = parser(boundary)
    for piece in pieces(content):
        for event in form.parse(piece):
            if isinstance(event, MultipartSegment):
                inner = new_file() if text(event.name) == MINIDUMP_FIELD else None
            elif inner is not None and event is None:
                inner.seek(0)
                return inner
            elif inner is not None:
                inner.write(event)
    return None
