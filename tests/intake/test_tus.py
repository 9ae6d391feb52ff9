"""The tus protocol at the door: begun, sent, referred to, and every way to get it wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, cast

import pytest

from cairn.intake.limits import Limits
from cairn.intake.messages import Response
from cairn.intake.tus import Reference, reference
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import Stores
from cairn.store.crashes.tus_uploads import TusUpload, TusUploads
from tests.intake.clients import DUMP, KEY, NEW_ID, NOW, PROJECT, KeptNotes, KeptUploads, OneProject, request
from tests.intake.envelopes import EVENT_ID, envelope, item

PATH = f"/api/{PROJECT}/upload/"
PLACE = f"{PATH}{NEW_ID}/"
TUS = {"tus-resumable": "1.0.0"}
PIECE = {**TUS, "content-type": "application/offset+octet-stream"}


@dataclass
class Pieces:
    """Keeps one upload in memory."""

    length: int | None = 10
    content_so_far: bytes | None = None
    completed: bool = False
    lost_races: int = 0
    begun: list[Any] = field(default_factory=list)

    def begin(self, upload_id: str, project_id: int, length: int | None) -> None:
        self.begun.append((upload_id, project_id, length))

    def find(self, project_id: int, upload_id: str) -> TusUpload | None:
        if self.content_so_far is None or (project_id, upload_id) != (PROJECT, NEW_ID):
            return None
        parts: dict[int, Any] | None = None if self.completed else {}
        return TusUpload("", self.length, len(self.content_so_far), cast(Any, None), parts)

    def append(self, upload: TusUpload, content: BinaryIO, size: int) -> bool:
        if self.lost_races:
            return False
        self.content_so_far = (self.content_so_far or b"") + content.read(size)
        return True

    def content(self, project_id: int, upload_id: str) -> Any:
        if self.find(project_id, upload_id) is None or self.content_so_far is None:
            return None
        return Sized(self.content_so_far)


class Sized(BytesIO):
    """A file that knows its size."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.size = len(content)


@dataclass
class Done:
    response: Response
    uploads: KeptUploads
    notes: KeptNotes


def ask(
    pieces: Pieces, headers: Mapping[str, str], body: bytes = b"", path: str = PATH, method: str = "POST", **limits: int
) -> Done:
    uploads, notes = KeptUploads(), KeptNotes()
    stores = Stores(OneProject(), uploads, notes, tus_uploads=cast(TusUploads, pieces))
    sent = request(body, headers, path, method=method)
    return Done(accept(sent, stores, Limits(**limits), lambda: NOW, lambda: NEW_ID), uploads, notes)


@pytest.mark.parametrize(
    ("announced", "length"), [({"upload-length": "150000000"}, 150_000_000), ({"upload-defer-length": "1"}, None)]
)
def test_an_upload_is_begun(announced: dict[str, str], length: int | None) -> None:
    pieces = Pieces()
    metadata = "sentry eyJhdHRhY2htZW50X3R5cGUiOiJldmVudC5taW5pZHVtcCJ9"
    response = ask(pieces, {**TUS, **announced, "upload-metadata": metadata}).response
    assert (response.status, response.body) == (201, b"")
    assert pieces.begun == [(NEW_ID, PROJECT, length)]
    assert response.headers["location"] == PLACE
    assert response.headers["tus-resumable"] == "1.0.0"
    assert response.headers["tus-extension"] == "creation"
    assert response.headers["upload-chunk-size"] == "4194304"


def test_pieces_follow_each_other() -> None:
    pieces = Pieces(content_so_far=b"")
    for offset, body in ((0, b"0123"), (4, b"456789")):
        response = ask(pieces, {**PIECE, "upload-offset": str(offset)}, body, PLACE, "PATCH").response
        assert (response.status, response.headers["upload-offset"]) == (204, str(offset + len(body)))
    assert pieces.content_so_far == b"0123456789"


def test_a_piece_may_be_compressed() -> None:
    pieces = Pieces(content_so_far=b"")
    headers = {**PIECE, "upload-offset": "0", "content-encoding": "gzip", "x-decoded-content-length": "4"}
    assert ask(pieces, headers, gzip.compress(b"0123"), PLACE, "PATCH").response.headers["upload-offset"] == "4"


@pytest.mark.parametrize(("length", "header"), [(10, ("upload-length", "10")), (None, ("upload-defer-length", "1"))])
def test_how_far_it_is(length: int | None, header: tuple[str, str]) -> None:
    response = ask(Pieces(length=length, content_so_far=b"012"), TUS, b"", PLACE, "HEAD").response
    assert (response.status, response.headers["upload-offset"]) == (200, "3")
    assert header in response.headers.items()


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"upload-length": "1"}, 412, "upload_version"),
        ({"tus-resumable": "0.2.2", "upload-length": "1"}, 412, "upload_version"),
        (TUS, 400, "invalid_upload"),
        ({**TUS, "upload-length": "1", "upload-defer-length": "1"}, 400, "invalid_upload"),
        ({**TUS, "upload-defer-length": "2"}, 400, "invalid_upload"),
        ({**TUS, "upload-length": "-1"}, 400, "invalid_upload"),
        ({**TUS, "upload-length": "1e3"}, 400, "invalid_upload"),
        ({**TUS, "upload-length": "9" * 5000}, 400, "invalid_upload"),
        ({**TUS, "upload-length": "1", "upload-metadata": "sentry {}"}, 400, "invalid_upload"),
        ({**TUS, "upload-length": "1", "content-type": "text/plain"}, 415, "upload_content_type"),
        ({**TUS, "upload-length": str(1024**3 + 1)}, 413, "too_large:upload"),
    ],
)
def test_what_begins_nothing(headers: dict[str, str], status: int, reason: str) -> None:
    pieces = Pieces()
    response = ask(pieces, headers).response
    assert response.error is not None
    assert (response.status, response.error.reason, pieces.begun) == (status, reason, [])
    if status == 412:
        assert response.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "body", "status", "reason"),
    [
        ({"content-type": PIECE["content-type"], "upload-offset": "3"}, b"x", 412, "upload_version"),
        ({**TUS, "upload-offset": "3"}, b"x", 415, "upload_content_type"),
        ({**PIECE, "content-type": "application/octet-stream", "upload-offset": "3"}, b"x", 415, "upload_content_type"),
        (PIECE, b"x", 400, "invalid_upload"),
        ({**PIECE, "upload-offset": "three"}, b"x", 400, "invalid_upload"),
        ({**PIECE, "upload-offset": "0"}, b"x", 409, "upload_offset"),
        ({**PIECE, "upload-offset": "4"}, b"x", 409, "upload_offset"),
        ({**PIECE, "upload-offset": "3"}, b"8 bytes!", 400, "invalid_upload"),
        (
            {**PIECE, "upload-offset": "3", "content-encoding": "gzip"},
            gzip.compress(bytes(10**6)),
            400,
            "invalid_upload",
        ),
        ({**PIECE, "upload-offset": "3", "content-encoding": "gzip"}, b"rubbish", 400, "invalid_body"),
        ({**PIECE, "upload-offset": "3", "content-encoding": "rot13"}, b"x", 415, "unsupported_encoding"),
    ],
)
def test_what_is_no_piece(headers: dict[str, str], body: bytes, status: int, reason: str) -> None:
    pieces = Pieces(content_so_far=b"012")
    response = ask(pieces, headers, body, PLACE, "PATCH").response
    assert response.error is not None
    assert (response.status, response.error.reason, pieces.content_so_far) == (status, reason, b"012")


def test_a_piece_after_the_last_and_one_that_lost() -> None:
    for pieces in (Pieces(content_so_far=b"012", completed=True), Pieces(content_so_far=b"012", lost_races=1)):
        assert ask(pieces, {**PIECE, "upload-offset": "3"}, b"x", PLACE, "PATCH").response.status == 409


def test_an_upload_that_never_was() -> None:
    assert ask(Pieces(), {**PIECE, "upload-offset": "0"}, b"x", PLACE, "PATCH").response.status == 404
    assert ask(Pieces(), {**PIECE, "upload-offset": "0"}, b"x", PATH + "..%2f/", "PATCH").response.status == 404


def test_other_methods() -> None:
    response = ask(Pieces(), TUS, path=PLACE, method="POST").response
    assert (response.status, response.headers["allow"]) == (405, "PATCH, HEAD, OPTIONS")


def test_a_deferred_upload_ends_at_the_limit() -> None:
    pieces = Pieces(length=None, content_so_far=b"012")
    headers = {**PIECE, "upload-offset": "3"}
    assert ask(pieces, headers, b"45678", PLACE, "PATCH", tus=7).response.status == 400
    assert ask(pieces, headers, b"4567", PLACE, "PATCH", tus=7).response.status == 204


def refer(pieces: Pieces, location: Any = PLACE, event: Any = None, **header: Any) -> Done:
    content_type = header.pop("content_type", "application/vnd.sentry.attachment-ref+json")
    payload = {"location": location, "content_type": "application/x-dmp", "path": "/tmp/a.dmp"}
    items = [item("attachment", payload, content_type=content_type, filename="a.dmp", **header)]
    items += [item("event", event)] if event else []
    return ask(pieces, {}, envelope(*items, event_id=EVENT_ID), f"/api/{PROJECT}/envelope/")


@pytest.mark.parametrize(
    "location", [PLACE, f"https://host{PLACE}", f"{PLACE}?length=10&signature=x", PLACE.rstrip("/"), f"/stage{PLACE}"]
)
def test_a_reference_to_a_dump(location: str) -> None:
    done = refer(Pieces(content_so_far=DUMP), location, attachment_type="event.minidump", attachment_length=len(DUMP))
    assert done.response.event_id == EVENT_ID
    assert done.uploads.contents == [[DUMP]]
    (file,) = done.uploads.kept[0].attachments
    assert (file.name, file.content_type, file.kind) == ("a.dmp", "application/x-dmp", "event.minidump")


def test_a_reference_in_its_older_spelling_beside_an_event() -> None:
    said = {"content_type": "application/vnd.sentry.attachment-ref"}
    done = refer(Pieces(content_so_far=b"log"), PLACE, {"level": "fatal"}, **said)
    assert done.uploads.contents == [[b"log"]]
    assert done.uploads.kept[0].attachments[0].kind == "event.attachment"


def test_a_reference_for_an_event_that_is_sent_on_its_own() -> None:
    done = refer(Pieces(content_so_far=b"log"))
    assert [content for _, _, content in done.notes.attachments] == [b"log"]


@pytest.mark.parametrize(
    "said",
    [
        {"location": f"/api/43/upload/{NEW_ID}/"},
        {"location": f"/api/{PROJECT}/upload/{'f' * 32}/"},
        {"location": f"/api/{PROJECT}/upload/../{NEW_ID}/"},
        {"location": 7},
        {"location": None},
        {"attachment_length": 4},
        {"attachment_type": "event.payload"},
    ],
    ids=["project", "unknown", "path", "number", "none", "length", "event"],
)
def test_a_reference_that_leads_nowhere_is_passed_over(said: dict[str, Any]) -> None:
    done = refer(Pieces(content_so_far=b"log"), event={"level": "fatal"}, **said)
    assert (done.response.status, done.response.ignored) == (200, {"attachment": 1})
    assert done.uploads.contents == [[]]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b'{"location": []}'])
def test_what_refers_to_nothing(payload: bytes) -> None:
    assert reference(payload) is None


def test_what_refers() -> None:
    assert reference(json.dumps({"location": PLACE}).encode()) == Reference(PROJECT, NEW_ID)


def test_only_a_good_key_begins() -> None:
    stores = Stores(OneProject({}), KeptUploads(), KeptNotes(), tus_uploads=cast(TusUploads, Pieces()))
    sent = request(b"", {**TUS, "upload-length": "1", "x-sentry-auth": f"Sentry sentry_key={KEY}"}, PATH, "")
    assert accept(sent, stores, Limits(), lambda: NOW, lambda: NEW_ID).status == 403
