"""What a request to the store endpoint brings, the way in of SDKs before there were envelopes: one event in JSON."""

from __future__ import annotations

import base64
import binascii

from cairn.intake.bodies import NewFile, body_pieces, limited
from cairn.intake.compression import CorruptStreamError, decompressed
from cairn.intake.envelope_request import event_of, too_large
from cairn.intake.errors import EmptyBodyError, InvalidJsonError
from cairn.intake.limits import Limits
from cairn.intake.messages import Request
from cairn.intake.upload import Crash, Delivery
from cairn.intake.values import event_id


def read_store_request(request: Request, limits: Limits, _new_file: NewFile) -> Delivery:
    """The event in a request. Raises a ``BodyError``, ``RequestTooLargeError`` or ``ItemTooLargeError``."""
    error = too_large("event", "the event", limits.event)
    body = b"".join(limited(body_pieces(request, limits), limits.event, error)).strip()
    if not body:
        raise EmptyBodyError("send the event as JSON")
    event = event_of(body if body[:1] == b"{" else unwrapped(body, limits), required=True)
    wanted = event_id(event.get("event_id"))
    return Delivery(wanted, Crash(wanted, event, ()))


def unwrapped(body: bytes, limits: Limits) -> bytes:
    """The JSON in base64 of zlib, as the first SDKs sent it without a word in the headers."""
    try:
        plain = decompressed([base64.b64decode(body, validate=True)], "deflate")
        return b"".join(limited(plain, limits.event, too_large("event", "the event, unpacked,", limits.event)))
    except (binascii.Error, CorruptStreamError) as error:
        raise InvalidJsonError("the body is neither a JSON object nor base64 of a compressed one") from error
