"""What a request to ``/events/<event id>/attachments/`` brings: files for an event that is sent on its own."""

from __future__ import annotations

from cairn.intake.bodies import NewFile, body_pieces
from cairn.intake.envelope_request import as_it_came
from cairn.intake.forms import boundary_of, read_form
from cairn.intake.limits import Limits
from cairn.intake.messages import Request
from cairn.intake.upload import Delivery


def read_attachments_request(request: Request, limits: Limits, new_file: NewFile) -> Delivery:
    """The files of a form; its fields say nothing. Raises a ``BodyError``, ``RequestTooLargeError`` or
    ``ItemTooLargeError``."""
    boundary = boundary_of(request.headers.get("content-type", ""))
    form = read_form(body_pieces(request, limits), boundary, limits, new_file)
    return Delivery(late=tuple(map(as_it_came, form.files)))
