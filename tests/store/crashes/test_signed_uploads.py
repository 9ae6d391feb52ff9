"""Uploads in steps: what is signed, what is missing, and what becomes of them."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from cairn.intake.signed_upload_request import AnnouncedFile, AnnouncedUpload
from cairn.store.crashes import signed_uploads
from cairn.store.crashes.signed_uploads import (
    PART_SIZE,
    PARTS_SIGNED,
    Plan,
    SignedPart,
    SignedUploads,
    parse_plan,
    plan_key,
)
from cairn.store.crashes.uploads import Uploads
from cairn.store.errors import RefusedError, UnreadableError
from cairn.store.multipart import Multiparts
from cairn.store.objects import Objects
from tests.store.conftest import Store

BEGUN = 1_767_225_599.5  # the last second of 2025 in UTC
PART = 100


@pytest.fixture
def uploads(store: Store, monkeypatch: pytest.MonkeyPatch) -> SignedUploads:
    monkeypatch.setattr(signed_uploads, "PART_SIZE", PART)  # the emulator takes parts of any size
    return SignedUploads(store.settings, store.clients)


@pytest.fixture
def objects(store: Store) -> Objects:
    return Objects(store.clients, store.settings.bucket)


def announced(*sizes: int, event_id: str | None = None) -> AnnouncedUpload:
    kinds = ["event.minidump", *["event.attachment"] * (len(sizes) - 1)]
    files = (AnnouncedFile(f"../{n}", "text/plain", kinds[n], size) for n, size in enumerate(sizes))
    return AnnouncedUpload(event_id, {"release": "a@1"}, tuple(files))


def begin(uploads: SignedUploads, project_id: int, *sizes: int, event_id: str | None = None) -> Plan:
    return uploads.begin(secrets.token_hex(16), project_id, BEGUN, "cairn", announced(*sizes, event_id=event_id))


def put(part: SignedPart, content: bytes) -> None:
    urllib.request.urlopen(urllib.request.Request(part.url, content, method="PUT"), timeout=10).close()


def missing(uploads: SignedUploads, plan: Plan) -> tuple[SignedPart, ...]:
    remaining = uploads.remaining(plan)
    assert remaining is not None
    return remaining.parts


def send(uploads: SignedUploads, plan: Plan, content: bytes = b"MDMP") -> None:
    for part in missing(uploads, plan):
        put(part, content.ljust(part.size, b"\0") if part.offset == 0 else bytes(part.size))


def test_a_crash_in_steps(uploads: SignedUploads, store: Store, project_id: int) -> None:
    plan = begin(uploads, project_id, 250, 10)
    assert uploads.find(project_id, plan.id) == plan
    assert plan.event_id == plan.id
    send(uploads, plan)
    assert missing(uploads, plan) == ()
    assert uploads.complete(plan) and uploads.head(plan, 4) == b"MDMP"
    assert uploads.keep(plan)
    key = f"crashes/{project_id}/2025-12-31/{plan.id}/upload.json"
    stored = Uploads(store.settings, store.clients).get(key)
    assert stored is not None and stored.dump is not None
    assert (stored.dump.size, stored.dump.name, stored.attachments[0].size) == (250, "../0", 10)
    assert (stored.event, stored.received, stored.client) == (
        {"release": "a@1", "event_id": plan.id},
        BEGUN,
        "cairn",
    )
    folder = key.rpartition("/")[0]
    assert stored.dump.key == f"{folder}/sent-{plan.id}-0"
    assert stored.attachments[0].key == f"{folder}/sent-{plan.id}-1"


def test_what_is_unfinished_is_known_by_its_age(uploads: SignedUploads, project_id: int) -> None:
    plans = [begin(uploads, project_id, 4) for _ in range(3)]
    later = time.time() + 60
    assert found(uploads, project_id, later) == {plan.id for plan in plans}
    assert found(uploads, project_id, time.time() - 60) == set()
    for plan in plans[1:]:
        send(uploads, plan)
        assert uploads.complete(plan)
    assert uploads.keep(plans[1])
    uploads.discard(plans[2])
    assert found(uploads, project_id, later) == {plans[0].id}


def found(uploads: SignedUploads, project_id: int, before: float) -> set[str]:
    return {upload for project, upload in uploads.unfinished(before) if project == project_id}


def test_an_address_takes_one_part_with_one_length_for_a_while(uploads: SignedUploads, project_id: int) -> None:
    plan = begin(uploads, project_id, 250)
    first, _, last = missing(uploads, plan)
    assert [(first.offset, first.size), (last.offset, last.size)] == [(0, 100), (200, 50)]
    url = urlsplit(last.url)
    query = parse_qs(url.query)
    assert url.path.endswith(plan.files[0].file.key)
    assert (query["partNumber"], query["uploadId"]) == (["3"], [plan.files[0].multipart_id])
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == ["3600"]


def test_parts_that_are_there_are_not_asked_for(uploads: SignedUploads, project_id: int) -> None:
    plan = begin(uploads, project_id, 300)
    put(missing(uploads, plan)[1], bytes(100))
    remaining = uploads.remaining(plan)
    assert remaining is not None
    assert (remaining.received, [part.number for part in remaining.parts]) == (100, [1, 3])
    assert not uploads.complete(plan)


@pytest.mark.parametrize("size", [99, 101, 0])
def test_a_part_of_another_length_is_refused(uploads: SignedUploads, project_id: int, size: int) -> None:
    plan = begin(uploads, project_id, 100)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        put(missing(uploads, plan)[0], bytes(size))
    assert [part.number for part in missing(uploads, plan)] == [1]


@pytest.mark.parametrize(("what", "other"), [("partNumber=1", "partNumber=2"), ("-0?", "-1?")], ids=["part", "key"])
def test_an_address_takes_nothing_else(uploads: SignedUploads, project_id: int, what: str, other: str) -> None:
    plan = begin(uploads, project_id, 100, 100)
    first = missing(uploads, plan)[0]
    assert what in first.url
    with pytest.raises(urllib.error.HTTPError, match="403"):
        put(replace(first, url=first.url.replace(what, other)), bytes(100))


def test_a_part_of_another_length_counts_as_missing(uploads: SignedUploads, store: Store, project_id: int) -> None:
    plan = begin(uploads, project_id, 100)
    Multiparts(store.clients, store.settings.bucket).send(plan.files[0].multipart, 1, bytes(99))
    assert [part.number for part in missing(uploads, plan)] == [1]
    assert not uploads.complete(plan)


def test_few_addresses_at_a_time(uploads: SignedUploads, project_id: int) -> None:
    plan = begin(uploads, project_id, 100 * PARTS_SIGNED + 200, 50)
    assert len(missing(uploads, plan)) == PARTS_SIGNED
    send(uploads, plan)
    assert [(part.file, part.number) for part in missing(uploads, plan)] == [(0, 17), (0, 18), (1, 1)]


def test_steps_may_be_done_again(uploads: SignedUploads, project_id: int) -> None:
    plan = begin(uploads, project_id, 100, 100)
    send(uploads, plan)
    for _ in range(2):
        assert uploads.complete(plan)
        assert missing(uploads, plan) == ()
    assert [uploads.keep(plan) for _ in range(2)] == [True, False]


def test_of_two_with_one_event_id_the_first_wins(uploads: SignedUploads, store: Store, project_id: int) -> None:
    event_id = secrets.token_hex(16)
    plans = [begin(uploads, project_id, 10, event_id=event_id) for _ in range(2)]
    for plan in plans:
        send(uploads, plan)
        assert uploads.complete(plan)
    assert [uploads.keep(plan) for plan in plans] == [True, False]
    stored = Uploads(store.settings, store.clients).get(f"crashes/{project_id}/2025-12-31/{event_id}/upload.json")
    assert stored is not None and stored.dump_key == plans[0].files[0].file.key


def test_what_was_given_up_is_not_there(uploads: SignedUploads, store: Store, project_id: int) -> None:
    plan = begin(uploads, project_id, 10)
    file = plan.files[0]
    store.clients.s3.abort_multipart_upload(Bucket=store.settings.bucket, Key=file.file.key, UploadId=file.multipart_id)
    assert uploads.remaining(plan) is None
    assert not uploads.complete(plan)


def test_other_projects_have_other_uploads(uploads: SignedUploads, project_id: int) -> None:
    plan = begin(uploads, project_id, 10)
    assert uploads.find(project_id + 500, plan.id) is None
    assert uploads.find(project_id, secrets.token_hex(16)) is None


def test_discarded_files_are_gone(uploads: SignedUploads, objects: Objects, project_id: int) -> None:
    plan = begin(uploads, project_id, 10, 10)
    send(uploads, plan, b"MZ")
    assert uploads.complete(plan)
    uploads.discard(plan)
    assert [objects.size(file.file.key) for file in plan.files] == [None, None]
    assert uploads.remaining(plan) is None
    with pytest.raises(RefusedError):
        uploads.head(plan, 4)


def test_a_plan_of_a_newer_cairn(uploads: SignedUploads, objects: Objects, project_id: int) -> None:
    plan = begin(uploads, project_id, 10)
    content = objects.read(plan_key(project_id, plan.id), 10_000)
    newer = json.loads(content or b"") | {"version": 2}
    with pytest.raises(UnreadableError, match="newer"):
        parse_plan(json.dumps(newer).encode())


def test_parts_are_large_enough_for_s3_and_few_enough() -> None:
    assert PART_SIZE >= 5 * 1024 * 1024
    assert 5 * 1024**3 / PART_SIZE <= 10_000
