"""A fault at every call of every step in which a client sends a file: each upload is one crash in the end, or the
client is told to try again, and can."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cairn.pipeline.accepting import finish_uploads
from cairn.pipeline.accepting.finish_uploads import FINISH_UPLOADS
from cairn.store.errors import StoreError
from tests.faults.clients import Fault, Kind
from tests.faults.conftest import SMALL_PART, Runs
from tests.faults.deployment import Deployment, Invocation
from tests.faults.scenarios import (
    DUMP,
    EVENT_ID,
    KINDS,
    Deploy,
    Scenario,
    differences,
    every_fault,
    good_run,
    is_good,
    nothing,
)
from tests.intake.envelopes import envelope, item

UPLOADS = "/api/1/minidump/uploads/"
LOG = b"line\n"
ANNOUNCED = {
    "name": "full.dmp",
    "size": len(DUMP),
    "fields": {"sentry[event_id]": EVENT_ID, "sentry[release]": "keeper@3"},
    "attachments": [{"name": "log", "size": len(LOG)}],
}
TUS = {"tus-resumable": "1.0.0"}
PIECE_TYPE = {"content-type": "application/offset+octet-stream"}
REFERENCE = "application/vnd.sentry.attachment-ref+json"
FIRST = SMALL_PART + 1000
"""Bytes of the first piece: a part, and a rest."""


def begin(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    body = json.dumps(ANNOUNCED).encode()
    return deployment.post(UPLOADS, body, {"content-type": "application/json"}, fault)


def commit(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """Commit the upload whose files are in S3."""
    return deployment.post(f"{UPLOADS}{begun_id(deployment)}/commit/", b"", {}, fault)


def ask_again(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    return deployment.post(f"{UPLOADS}{begun_id(deployment)}/", b"", {}, fault)


def put_files(_: Deployment, begun: Invocation) -> None:
    for part in answer_of(begun)["parts"]:
        content = (DUMP, LOG)[part["file"]][part["offset"] :][: part["size"]]
        urllib.request.urlopen(urllib.request.Request(part["url"], content, method="PUT"), timeout=20).close()


def put_and_commit(deployment: Deployment, begun: Invocation) -> None:
    put_files(deployment, begun)
    assert is_good(deployment.post(f"{UPLOADS}{answer_of(begun)['id']}/commit/", b"", {}))


def sent(deployment: Deployment) -> None:
    """All parts are in S3."""
    put_files(deployment, begin(deployment))


def left_behind(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """What the schedule does for uploads that nobody commits."""
    return deployment.call("ingest", FINISH_UPLOADS, fault, raises=(StoreError,))


def begun_id(deployment: Deployment, name: str = "plan.json") -> str:
    """The only upload that was begun."""
    (found,) = [key for key in keys(deployment, "uploads/") if key.endswith(name)]
    return found.split("/")[2]


def keys(deployment: Deployment, prefix: str) -> list[str]:
    listed = deployment.clients.s3.list_objects_v2(Bucket=deployment.settings.bucket, Prefix=prefix)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def answer_of(done: Invocation) -> Any:
    return json.loads(done.answer["body"])


def tus_begin(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    return deployment.post("/api/1/upload/", b"", {**TUS, "upload-length": str(len(DUMP))}, fault)


def tus_first(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """The first piece, or what is left of it."""
    return tus_piece(deployment, FIRST, fault)


def tus_last(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """The last piece, or what is left of it."""
    return tus_piece(deployment, len(DUMP), fault)


def tus_piece(deployment: Deployment, end: int, fault: Fault | None) -> Invocation:
    """Ask how far the upload is, as tus has it, and send what is missing up to ``end``."""
    place = f"/api/1/upload/{begun_id(deployment, 'tus.json')}/"
    told = deployment.ask("HEAD", place, b"", TUS)
    offset = int(told.answer["headers"]["upload-offset"])
    if offset == end:
        return told
    headers = {**TUS, **PIECE_TYPE, "upload-offset": str(offset)}
    return deployment.ask("PATCH", place, DUMP[offset:end], headers, fault)


def tus_begun(deployment: Deployment) -> None:
    assert is_good(tus_begin(deployment))


def tus_half(deployment: Deployment) -> None:
    tus_begun(deployment)
    assert is_good(tus_first(deployment))


def tus_sent(deployment: Deployment) -> None:
    tus_half(deployment)
    assert is_good(tus_last(deployment))


def tus_refer(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """Send the envelope that refers to the upload, which makes a crash of it."""
    return refer(deployment, f"/api/1/upload/{begun_id(deployment, 'tus.json')}/", fault)


def refer(deployment: Deployment, place: str, fault: Fault | None = None) -> Invocation:
    reference = item(
        "attachment",
        {"location": place},
        content_type=REFERENCE,
        attachment_type="event.minidump",
        attachment_length=len(DUMP),
        filename="full.dmp",
    )
    body = envelope(item("event", {"release": "keeper@3"}), reference, event_id=EVENT_ID)
    return deployment.post("/api/1/envelope/", body, {"content-type": "application/x-sentry-envelope"}, fault)


def send_all_by_tus(deployment: Deployment, begun: Invocation) -> None:
    place = begun.answer["headers"]["location"]
    headers = {**TUS, **PIECE_TYPE, "upload-offset": "0"}
    assert is_good(deployment.ask("PATCH", place, DUMP, headers))
    assert is_good(refer(deployment, place))


def finish_by_tus(deployment: Deployment, _: Invocation) -> None:
    assert is_good(tus_last(deployment))
    assert is_good(tus_refer(deployment))


SCENARIOS = {
    "begin by signed addresses": Scenario(nothing, begin, finish=put_and_commit),
    "ask for addresses": Scenario(begin, ask_again, finish=put_and_commit),
    "commit by signed addresses": Scenario(sent, commit),
    "finish what is left behind": Scenario(sent, left_behind, finish=lambda deployment, _: left_behind(deployment)),
    "begin by tus": Scenario(nothing, tus_begin, finish=send_all_by_tus),
    "first piece by tus": Scenario(tus_begun, tus_first, finish=finish_by_tus),
    "last piece by tus": Scenario(tus_half, tus_last, finish=finish_by_tus),
    "an envelope that refers to tus": Scenario(tus_sent, tus_refer),
}


@pytest.fixture(autouse=True, scope="module")
def all_are_old() -> Iterator[None]:
    """What was begun just now was begun long ago."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish_uploads, "AGE", -3600)
        yield


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_call_changes_nothing_in_the_end(runs: Runs, name: str, kind: Kind) -> None:
    runs.check(SCENARIOS[name], kind)


def test_a_commit_that_dies_at_any_call_is_finished_for_its_client(runs: Runs, deploy: Deploy) -> None:
    """The client never comes again: what it sent becomes one crash all the same, and nothing is left beside it."""
    good = good_run(deploy(), SCENARIOS["commit by signed addresses"])
    for fault in every_fault(Kind.DIES_AFTER, good.calls):
        broken = deploy()
        sent(broken)
        assert commit(broken, fault).died
        assert is_good(left_behind(broken))
        broken.settle()
        assert differences(good.state, broken.state()) == [], good.calls[fault.at]


def test_what_lacks_a_part_is_left_alone(deploy: Deploy) -> None:
    deployment = deploy()
    begin(deployment)
    assert left_behind(deployment).answer == {"finished": 0}
    assert deployment.objects() == {}


def test_what_is_no_minidump_is_deleted(deploy: Deploy) -> None:
    deployment = deploy()
    body = json.dumps({"name": "x", "size": 4}).encode()
    (part,) = answer_of(deployment.post(UPLOADS, body, {"content-type": "application/json"}))["parts"]
    urllib.request.urlopen(urllib.request.Request(part["url"], b"MZ\0\0", method="PUT"), timeout=20).close()
    assert left_behind(deployment).answer == {"finished": 0}
    assert deployment.objects() == {}
    assert left_behind(deployment).calls == ["s3.ListObjectsV2"], "it is not looked at again"


def test_what_is_committed_is_not_looked_at_again(deploy: Deploy) -> None:
    deployment = deploy()
    sent(deployment)
    assert is_good(commit(deployment))
    done = left_behind(deployment)
    assert (done.answer, done.calls) == ({"finished": 0}, ["s3.ListObjectsV2"])
