"""Envelopes as clients write them, and what a server of fakes makes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.intake.upload import Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import Stores
from tests.intake.clients import KEY, NEW_ID, NOW, PROJECT, QUERY, KeptNotes, KeptUploads, OneProject

EVENT_ID = "6f0b2c1e5d0f4a539b0b1f8e3a2c7d44"
ENVELOPE_PATH = f"/api/{PROJECT}/envelope/"
DSN = f"https://{KEY}@crash.example/{PROJECT}"


def line(values: Any) -> bytes:
    """A line of JSON, as compact as SDKs write it."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def item(kind: str, payload: bytes | Mapping[str, Any], **header: Any) -> bytes:
    """An item with its length."""
    content = payload if isinstance(payload, bytes) else line(payload)[:-1]
    return line({"type": kind, "length": len(content), **header}) + content + b"\n"


def dump_item(content: bytes, **header: Any) -> bytes:
    """A minidump as an item."""
    return item("attachment", content, attachment_type="event.minidump", filename="a.dmp", **header)


def envelope(*items: bytes, **header: Any) -> bytes:
    return line(header) + b"".join(items)


def envelope_request(
    body: bytes, headers: Mapping[str, str] | None = None, query: str = QUERY, path: str = ENVELOPE_PATH
) -> Request:
    known = {"content-type": "application/x-sentry-envelope", **(headers or {})}
    return Request("POST", path, query, known, io.BytesIO(body))


@dataclass
class Sent:
    """What became of a request: ``contents`` are those of the files of the crash, if there is one."""

    response: Response
    upload: Upload | None
    contents: list[bytes]
    notes: KeptNotes

    @property
    def json(self) -> Any:
        return json.loads(self.response.body)

    @property
    def event(self) -> Mapping[str, Any]:
        assert self.upload is not None, self.response.body
        return self.upload.event


def deliver(request: Request, limits: Limits | None = None) -> Sent:
    """Send a request to a server that keeps all."""
    uploads, notes = KeptUploads(), KeptNotes()
    stores = Stores(OneProject(), uploads, notes)
    response = accept(request, stores, limits or Limits(), lambda: NOW, lambda: NEW_ID)
    assert len(uploads.kept) <= (response.status == 200)
    kept = uploads.kept[0] if uploads.kept else None
    return Sent(response, kept, uploads.contents[0] if kept else [], notes)


def post(*items: bytes, limits: Limits | None = None, **header: Any) -> Sent:
    """Send an envelope of these items."""
    return deliver(envelope_request(envelope(*items, **header)), limits)
