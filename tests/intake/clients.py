"""Crash clients in small: what they send, byte by byte, and a server that is made of fakes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.intake.rules import Rate
from cairn.intake.upload import Attachment, Feedback, Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import ClientKey, Stores

KEY = "0123456789abcdef0123456789abcdef"
PROJECT = 42
NEW_ID = "00112233445566778899aabbccddeeff"
NOW = 1_700_000_000.0
DUMP = b"MDMP\x93\xa7\x00\x00" + bytes(range(256)) * 8
BOUNDARY = "---MultipartBoundary-0123456789abcdefghijklmnopqrstuv---"
PATH = f"/api/{PROJECT}/minidump/"
QUERY = f"sentry_key={KEY}"


@dataclass(frozen=True)
class Key:
    project_id: int = PROJECT
    active: bool = True
    public_key: str = KEY
    rate: Rate | None = None
    daily: int | None = None


class OneProject:
    """Knows the key ``KEY`` of project 42."""

    def __init__(self, keys: Mapping[str, Key] | None = None) -> None:
        self.keys = {KEY: Key()} if keys is None else keys
        self.asked: list[str] = []

    def key(self, public_key: str) -> ClientKey | None:
        self.asked.append(public_key)
        return self.keys.get(public_key)


class UntouchedProjects:
    def key(self, public_key: str) -> ClientKey | None:
        raise AssertionError("the key was looked up")


class UntouchedUploads:
    def put_new(self, upload: Upload) -> bool:
        raise AssertionError("an upload was stored")


@dataclass
class KeptUploads:
    """Keeps uploads with the contents of their files, which are closed after the request; new ones and others."""

    kept: list[Upload] = field(default_factory=list)
    contents: list[list[bytes]] = field(default_factory=list)

    def put_new(self, upload: Upload) -> bool:
        is_new = upload.event_id not in [known.event_id for known in self.kept]
        self.kept.append(upload)
        read = [attachment.content.read() for attachment in upload.attachments]
        assert [len(content) for content in read] == [attachment.size for attachment in upload.attachments]
        self.contents.append(read)
        return is_new


@dataclass
class KeptNotes:
    """Keeps feedback, and late attachments with the event they are for and their contents; ``received`` tells project
    and time of each."""

    feedback: list[Feedback] = field(default_factory=list)
    attachments: list[tuple[str, Attachment, bytes]] = field(default_factory=list)
    received: list[tuple[int, float]] = field(default_factory=list)

    def put_feedback(self, project_id: int, received: float, feedback: Feedback) -> None:
        self.received.append((project_id, received))
        self.feedback.append(feedback)

    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> None:
        self.received.append((project_id, received))
        self.attachments.append((event_id, attachment, attachment.content.read()))


class UntouchedNotes:
    def put_feedback(self, project_id: int, received: float, feedback: Feedback) -> None:
        raise AssertionError("feedback was stored")

    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> None:
        raise AssertionError("an attachment was stored")


class Part:
    """A part of a form, as its bytes."""

    def __init__(self, content: bytes | str, disposition: str = "", *headers: str) -> None:
        lines = [f"Content-Disposition: form-data{disposition}", *headers]
        body = content.encode() if isinstance(content, str) else content
        self.data = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body + b"\r\n"


def field_part(name: str, value: str | bytes) -> Part:
    return Part(value, f'; name="{name}"')


def file_part(
    name: str, content: bytes, filename: str = "f.bin", content_type: str = "application/octet-stream"
) -> Part:
    return Part(content, f'; name="{name}"; filename="{filename}"', f"Content-Type: {content_type}")


def dump_part(content: bytes = DUMP, filename: str = "mini.dmp") -> Part:
    return file_part("upload_file_minidump", content, filename)


def form(*parts: Part, boundary: str = BOUNDARY, end: bytes = b"\r\n") -> bytes:
    delimiter = f"--{boundary}".encode()
    return b"".join(delimiter + b"\r\n" + part.data for part in parts) + delimiter + b"--" + end


def form_headers(boundary: str = BOUNDARY, **headers: str) -> dict[str, str]:
    return {"content-type": f"multipart/form-data; boundary={boundary}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }


def request(
    body: bytes | BinaryIO = b"",
    headers: Mapping[str, str] | None = None,
    path: str = PATH,
    query: str = QUERY,
    method: str = "POST",
) -> Request:
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    return Request(method, path, query, form_headers() if headers is None else headers, stream)


def send(sent: Request, limits: Limits | None = None) -> tuple[Response, Upload | None, list[bytes]]:
    """The answer, the upload that was kept, if any, and the contents of its files."""
    uploads = KeptUploads()
    response = accept(
        sent, Stores(OneProject(), uploads, UntouchedNotes()), limits or Limits(), lambda: NOW, lambda: NEW_ID
    )
    assert len(uploads.kept) == (response.status == 200)
    return (response, uploads.kept[0], uploads.contents[0]) if uploads.kept else (response, None, [])


def sent_event(*parts: Part, dump: bool = True) -> dict[str, Any]:
    """The event that a form makes."""
    response, upload, _ = send(request(form(*parts, *([dump_part()] if dump else []))))
    assert response.status == 200, response.body
    assert upload is not None
    return dict(upload.event)


def accepted_upload(sent: Request, limits: Limits | None = None) -> tuple[Upload, list[bytes]]:
    response, upload, contents = send(sent, limits)
    assert response.status == 200, response.body
    assert upload is not None
    return upload, contents


def refused_request(sent: Request, limits: Limits | None = None) -> Response:
    """The answer to a request that must not be stored."""
    stores = Stores(OneProject(), UntouchedUploads(), UntouchedNotes())
    return accept(sent, stores, limits or Limits(), lambda: NOW, lambda: NEW_ID)


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
