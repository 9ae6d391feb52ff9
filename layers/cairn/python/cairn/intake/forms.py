"""multipart/form-data (RFC 7578), read the way Relay reads it.

A part with a file name is a file, one without is a field, one with neither name nor file name is passed over. So a
dump sent without a file name is a field, and no dump.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from cairn.intake.bodies import NewFile
from cairn.intake.errors import InvalidMultipartError, ItemTooLargeError, RequestTooLargeError
from cairn.intake.limits import PART_HEADER, Limits, human_size

MINIDUMP_FIELD = "upload_file_minidump"

MINIDUMP = "event.minidump"
EVENT_PAYLOAD = "event.payload"
BREADCRUMBS = "event.breadcrumbs"

KIND_BY_FIELD = {
    MINIDUMP_FIELD: MINIDUMP,
    "__sentry-event": EVENT_PAYLOAD,
    "__sentry-breadcrumb1": BREADCRUMBS,
    "__sentry-breadcrumb2": BREADCRUMBS,
    "view-hierarchy.json": "event.view_hierarchy",
}
KIND_BY_SUFFIX = {".nv-gpudmp": "event.nv_gpudmp", ".nvdbg": "event.nv_shader_debug"}
EVENT_KINDS = {EVENT_PAYLOAD: "attachment:event_payload", BREADCRUMBS: "attachment:breadcrumbs"}
"""Files that are part of the event, and the names their size limits go by."""


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form: ``field`` is the name of its part, ``name`` its file name; ``content`` stands at its start and
    holds ``size`` bytes."""

    field: str
    name: str
    content_type: str
    kind: str
    size: int
    content: BinaryIO


@dataclass(frozen=True, slots=True)
class Form:
    """Fields (name, value) and files, each in the order they came."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[FormFile, ...]


class Parser(PushMultipartParser):  # type: ignore[misc]
    """Takes a part without Content-Disposition, where the package's own would give up on the whole form."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        return MultipartSegment(headerlist)


def parser(boundary: str | bytes) -> Parser:
    """A parser for forms with this boundary. Header lines come out as Latin-1, which loses nothing (``text``)."""
    return Parser(boundary, header_charset="latin-1", max_header_size=PART_HEADER, strict=False)


def text(header_value: str | None) -> str | None:
    """A name from a part's header: UTF-8, what is not UTF-8 replaced."""
    return None if header_value is None else header_value.encode("latin-1").decode("utf-8", "replace")


def boundary_of(content_type: str) -> str:
    """The boundary that a ``Content-Type`` names. Raises ``InvalidMultipartError``."""
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data":
        raise InvalidMultipartError(
            "the Content-Type is not multipart/form-data: send a form (curl -F), or the bare dump as application/x-dmp"
        )
    boundary: str = options.get("boundary", "")
    if not boundary:
        raise InvalidMultipartError("the Content-Type names no boundary")
    return boundary


def read_form(body: Iterable[bytes], boundary: str, limits: Limits, new_file: NewFile) -> Form:
    """Take a form apart; each file is written to a file of its own.

    Raises ``InvalidMultipartError`` (also for a dump above the limit of a file), ``ItemTooLargeError`` (fields,
    ``__sentry-event``, breadcrumbs) and ``RequestTooLargeError`` (all files, number of files or of parts). Any other
    file above the limit of a file is left out.
    """
    reader = FormReader(limits, new_file)
    try:
        with parser(boundary) as form:
            for piece in body:
                for event in form.parse(piece):
                    reader.take(event)
    except (MultipartError, UnicodeError) as error:
        raise InvalidMultipartError(f"the form cannot be read: {error}") from error
    return Form(tuple(reader.fields), tuple(reader.files))


@dataclass(slots=True)
class OpenPart:
    """A part while it is read. ``content`` is ``None`` for what is passed over."""

    name: str
    filename: str | None
    content_type: str
    kind: str
    content: BinaryIO | None = None
    value: bytearray = dataclasses.field(default_factory=bytearray)
    size: int = 0


class FormReader:
    """Collects what the parser finds, and counts."""

    def __init__(self, limits: Limits, new_file: NewFile) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[FormFile] = []
        self._limits = limits
        self._new_file = new_file
        self._parts = self._files = self._files_size = self._fields_size = 0
        self._part: OpenPart | None = None

    def take(self, event: Any) -> None:
        """A segment's head, a piece of its body, or ``None`` at its end."""
        if event is None:
            self._end()
        elif isinstance(event, MultipartSegment):
            self._begin(text(event.name), text(event.filename), text(event.content_type))
        elif self._part is not None:
            self._add(self._part, event)

    def _begin(self, name: str | None, filename: str | None, content_type: str | None) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise RequestTooLargeError(f"the form has more than {self._limits.parts} parts")
        if name is None and filename is None:
            self._part = None
            return
        kind = kind_of(name or "", filename or "")
        self._part = OpenPart(name or "", filename, content_type or "application/octet-stream", kind)
        if filename is None:
            self._count_field_bytes(len(self._part.name.encode()))
        else:
            self._count_file()
            self._part.content = self._new_file()

    def _add(self, part: OpenPart, piece: bytes) -> None:
        part.size += len(piece)
        if part.filename is None:
            self._count_field_bytes(len(piece))
            part.value += piece
        elif part.content is not None:
            self._check_file(part)
            if part.content is not None:
                self._files_size += len(piece)
                part.content.write(piece)
            if self._files_size > self._limits.files:
                raise RequestTooLargeError(f"the files together are larger than {human_size(self._limits.files)}")

    def _end(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if part.filename is None:
            self.fields.append((part.name, part.value.decode("utf-8", "replace")))
        elif part.content is not None:
            part.content.seek(0)
            self.files.append(FormFile(part.name, part.filename, part.content_type, part.kind, part.size, part.content))

    def _check_file(self, part: OpenPart) -> None:
        """Refuse, or leave out, a file that has grown too large."""
        if part.kind in EVENT_KINDS and part.size > self._limits.event:
            limit = human_size(self._limits.event)
            raise ItemTooLargeError(EVENT_KINDS[part.kind], f"the file {part.name} is larger than {limit}")
        if part.size <= self._limits.file or part.content is None:
            return
        if part.kind == MINIDUMP:
            limit = human_size(self._limits.file)
            raise InvalidMultipartError(f"the field {part.name} is larger than {limit}: send a smaller dump")
        self._files_size -= part.content.tell()
        part.content.close()
        part.content = None

    def _count_file(self) -> None:
        self._files += 1
        if self._files > self._limits.attachments:
            raise RequestTooLargeError(f"the form has more than {self._limits.attachments} files")

    def _count_field_bytes(self, size: int) -> None:
        self._fields_size += size
        if self._fields_size > self._limits.event:
            limit = human_size(self._limits.event)
            raise ItemTooLargeError("form_data", f"the fields together are larger than {limit}: send less, or a file")


def kind_of(name: str, filename: str) -> str:
    """Sentry's attachment type of a file: by the end of its name, then by its field."""
    for suffix, kind in KIND_BY_SUFFIX.items():
        if filename.endswith(suffix):
            return kind
    return KIND_BY_FIELD.get(name, "event.attachment")
