"""API Gateway (HTTP API, payload 2.0) to ``accept``: a crash is kept, and its id answered.

A schedule calls it too, to finish uploads that their clients left behind whole.
"""

from __future__ import annotations

import base64
import time
from io import BytesIO
from typing import Any
from uuid import uuid4

from cairn.intake.messages import Request
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.finish_uploads import FINISH_UPLOADS, finish_uploads
from cairn.pipeline.accepting.front import LIMITS, report, stores


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request, or the schedule."""
    if event == FINISH_UPLOADS:
        return finish()
    response = accept(request_of(event), stores(), LIMITS, time.time, lambda: uuid4().hex)
    report(response)
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body.decode(),
        "isBase64Encoded": False,
    }


def finish() -> dict[str, Any]:
    """Commit what can be, and answer how much that was."""
    known, number = stores(), 0
    if known.signed_uploads:
        for response in finish_uploads(known.signed_uploads, known.outcomes):
            report(response)
            number += response.event_id is not None
    return {"finished": number}


def request_of(event: dict[str, Any]) -> Request:
    """The request in an event."""
    body = (event.get("body") or "").encode()
    return Request(
        method=event["requestContext"]["http"]["method"],
        path=event["rawPath"],
        query=event.get("rawQueryString", ""),
        headers={name.lower(): value for name, value in event.get("headers", {}).items()},
        body=BytesIO(base64.b64decode(body) if event.get("isBase64Encoded") else body),
    )
