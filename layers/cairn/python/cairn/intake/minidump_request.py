"""What a request to the minidump endpoint brings."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from cairn.intake.bodies import NewFile, body_pieces, spooled
from cairn.intake.dumps import dump, embedded
from cairn.intake.errors import ItemTooLargeError, MissingMinidumpError
from cairn.intake.fields import event_from_fields, event_id_from_fields
from cairn.intake.forms import EVENT_KINDS, MINIDUMP, MINIDUMP_FIELD, Form, boundary_of, read_form
from cairn.intake.limits import Limits, human_size
from cairn.intake.messages import Request
from cairn.intake.payloads import event_from_files
from cairn.intake.upload import Attachment, Crash, Delivery
from cairn.intake.values import Object, event_id

RAW_CONTENT_TYPES = ("application/octet-stream", "application/x-dmp")
"""Compared as they are, as Relay does: with a parameter behind, it is a form that has no boundary."""
RAW_NAME = "Minidump"
"""Name of a dump that came without one."""


def read_minidump_request(request: Request, limits: Limits, new_file: NewFile) -> Delivery:
    """The crash in a request. Raises a ``BodyError``, ``RequestTooLargeError`` or ``ItemTooLargeError``."""
    content_type = request.headers.get("content-type", "")
    if content_type in RAW_CONTENT_TYPES:
        content = read_raw(request, limits, new_file)
        return Delivery(crash=Crash(None, {}, (dump(RAW_NAME, content, limits, new_file),)))
    form = read_form(body_pieces(request, limits), boundary_of(content_type), limits, new_file)
    attachments = form_attachments(form, limits, new_file)
    return Delivery(crash=Crash(*form_event(form), tuple(attachments)))


def read_raw(request: Request, limits: Limits, new_file: NewFile) -> BinaryIO:
    """The whole body, as a file."""
    limits = replace(limits, body=min(limits.body, limits.file))
    cause = f"the dump is larger than {human_size(limits.body)}: send a smaller one"
    return spooled(body_pieces(request, limits, ItemTooLargeError("attachment:minidump", cause)), new_file)[0]


def form_attachments(form: Form, limits: Limits, new_file: NewFile) -> list[Attachment]:
    """The dump, then the other files as they came; those that make the event are not among them."""
    dumps = [file for file in form.files if file.kind == MINIDUMP]
    if not dumps:
        raise MissingMinidumpError(missing(form))
    first = dumps[0]
    found = dump(first.name, embedded(first.content, new_file), limits, new_file)
    others = (file for file in form.files if file is not first and file.kind not in EVENT_KINDS)
    return [found, *(Attachment(file.name, file.content_type, file.kind, file.size, file.content) for file in others)]


def missing(form: Form) -> str:
    """Why a form has no dump."""
    if any(name == MINIDUMP_FIELD for name, _ in form.fields):
        return (
            f'the field {MINIDUMP_FIELD} came without a file name: add filename="crash.dmp" to its Content-Disposition'
        )
    names = ", ".join(repr(file.field[:40]) for file in form.files[:5]) or "none"
    return f"the dump must be a file in the field {MINIDUMP_FIELD}; the files of this form are in: {names}"


def form_event(form: Form) -> tuple[str | None, Object]:
    """The id that the form asks for, and its event: from ``__sentry-event`` and breadcrumb files where there are any,
    and else from the fields, never from both."""
    event = event_from_files(form.files)
    from_files = event_id(event.get("event_id")) if event else None
    chosen = from_files or event_id_from_fields(form.fields)
    return chosen, event if event is not None else event_from_fields(form.fields)
