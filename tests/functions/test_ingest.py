from __future__ import annotations

import base64
import io
import json
import logging
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, cast

import pytest

from cairn.intake.limits import Limits
from cairn.intake.outcomes import Drop
from cairn.intake.upload import Crash, Upload
from cairn.pipeline.accepting import front
from cairn.pipeline.accepting.gate import LimitedKey
from cairn.pipeline.accepting.intake_stores import Stores
from functions.ingest import handler as ingest
from tests.intake.clients import (
    DUMP,
    KEY,
    PATH,
    QUERY,
    KeptNotes,
    KeptUploads,
    OneProject,
    UntouchedNotes,
    UntouchedUploads,
    dump_part,
    field_part,
    file_part,
    form,
    form_headers,
    gzipped,
)
from tests.intake.envelopes import EVENT_ID, dump_item, envelope, item

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def notes() -> KeptNotes:
    return KeptNotes()


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, notes: KeptNotes) -> KeptUploads:
    kept = KeptUploads()
    monkeypatch.setattr(ingest, "stores", lambda: Stores(OneProject(), kept, notes))
    return kept


def answered(event: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The function's answer, and all that it printed, logs and metrics."""
    printed = io.StringIO()
    handler = cast("logging.StreamHandler[io.StringIO]", front.logger.registered_handler)
    before = handler.setStream(printed)
    try:
        with redirect_stdout(printed):
            answer = ingest.handler(event, None)
        return answer, printed.getvalue()
    finally:
        handler.setStream(before or printed)


def gateway_event(
    body: bytes | str | None, headers: dict[str, str], query: str = QUERY, method: str = "POST", path: str = PATH
) -> dict[str, Any]:
    """An event of payload version 2.0, as API Gateway makes it."""
    is_binary = isinstance(body, bytes)
    event = {
        "version": "2.0",
        "routeKey": "POST /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "id",
            "stage": "$default",
        },
        "pathParameters": {"proxy": path.removeprefix("/api/")},
        "isBase64Encoded": is_binary,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


def metrics(captured: str) -> list[dict[str, Any]]:
    return [line for line in lines(captured) if "_aws" in line]


def test_a_crash_through_the_gateway(uploads: KeptUploads) -> None:
    body = gzipped(form(field_part("prod", "secret-product"), dump_part(filename="secret-name.dmp")))
    headers = form_headers(content_encoding="gzip", user_agent="Crashpad/0.8", x_forwarded_for="192.0.2.1")
    answer, out = answered(gateway_event(body, headers))
    (upload,) = uploads.kept
    assert uploads.contents == [[DUMP]]
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert answer["isBase64Encoded"] is False
    assert answer["body"].replace("-", "") == upload.event_id
    assert len(answer["body"]) == 36
    (metric,) = metrics(out)
    assert metric["Accepted"] == [1.0]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Cairn"
    assert upload.event_id in out
    assert not [word for word in (KEY, "secret", "192.0.2.1", "Crashpad") if word in out]


def test_ids_are_random(uploads: KeptUploads) -> None:
    answers = [ingest.handler(gateway_event(DUMP, {"content-type": "application/x-dmp"}), None) for _ in range(2)]
    assert answers[0]["body"] != answers[1]["body"]
    assert abs(uploads.kept[0].received - uploads.kept[1].received) < 60
    assert uploads.kept[0].received > 1_700_000_000


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (gateway_event(b"rubbish", form_headers()), 400, "invalid_multipart"),
        (gateway_event(None, form_headers()), 400, "invalid_multipart"),
        (gateway_event("a=b", {"content-type": "application/x-www-form-urlencoded"}), 400, "invalid_multipart"),
        (gateway_event(DUMP, form_headers(), query=""), 401, "missing_auth"),
        (gateway_event(DUMP, form_headers(), query="sentry_key=" + "f" * 32), 403, "project_id"),
        (gateway_event(DUMP, form_headers(), path="/api/42/other/"), 404, "not_found"),
        (gateway_event(None, {}, method="GET"), 405, "method_not_allowed"),
        (gateway_event(b"MDMQ", {"content-type": "application/x-dmp"}), 400, "invalid_minidump"),
    ],
)
def test_refusals_are_counted_by_reason(uploads: KeptUploads, event: dict[str, Any], status: int, reason: str) -> None:
    answer, out = answered(event)
    assert answer["statusCode"] == status
    assert "detail" in json.loads(answer["body"])
    (metric,) = metrics(out)
    assert metric["Rejected"] == [1.0]
    assert metric["reason"] == reason
    assert "reason" in metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]
    assert uploads.kept == []


def test_what_an_envelope_brings_is_counted(uploads: KeptUploads, notes: KeptNotes) -> None:
    items = (item("session", b"{}"), item("session", b"{}"), item("secret-kind", b"secret"))
    report = item("user_report", {"event_id": EVENT_ID, "comments": "secret words"})
    answer, out = answered(gateway_event(envelope(*items, report), {}, path="/api/42/envelope/"))
    assert (answer["statusCode"], answer["body"]) == (200, "{}")
    counted = metrics(out)
    assert [(metric["Ignored"], metric["kind"]) for metric in counted if "Ignored" in metric] == [
        ([2.0], "session"),
        ([1.0], "other"),
    ]
    assert [metric["Noted"] for metric in counted if "Noted" in metric] == [[1.0]]
    assert len(counted) == 3
    assert "secret" not in out
    assert [said.message for said in notes.feedback] == ["secret words"]
    assert uploads.kept == []


def test_an_envelope_with_a_crash_is_counted_as_one(uploads: KeptUploads) -> None:
    body = envelope(item("event", {"level": "fatal"}), dump_item(DUMP), event_id=EVENT_ID)
    answer, out = answered(gateway_event(gzipped(body), {"content-encoding": "gzip"}, path="/api/42/envelope/"))
    assert json.loads(answer["body"]) == {"id": EVENT_ID}
    assert [metric["Accepted"] for metric in metrics(out)] == [[1.0]]
    assert EVENT_ID in out


class Shut:
    """A gate that lets nothing through; a broken one fails."""

    def __init__(self, is_broken: bool = False) -> None:
        self.is_broken = is_broken

    def drop(self, crash: Crash, key: LimitedKey, now: float) -> Drop | None:
        if self.is_broken:
            raise RuntimeError("DynamoDB throttles")
        return Drop("quota:daily", "key", 77)


@pytest.mark.parametrize("path", [PATH, "/api/42/envelope/"])
def test_drops_are_counted_by_reason(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    stores = Stores(OneProject(), UntouchedUploads(), UntouchedNotes(), Shut())
    monkeypatch.setattr(ingest, "stores", lambda: stores)
    body = DUMP if path == PATH else envelope(dump_item(DUMP), event_id=EVENT_ID)
    answer, out = answered(gateway_event(body, {"content-type": "application/x-dmp"}, path=path))
    (metric,) = metrics(out)
    assert (metric["Dropped"], metric["reason"]) == ([1.0], "quota:daily")
    (log,) = [line for line in lines(out) if "level" in line]
    assert (log["level"], log["message"], log["reason"]) == ("INFO", "dropped", "quota:daily")
    if path == PATH:
        assert (answer["statusCode"], len(answer["body"])) == (200, 36)
    else:
        assert (answer["statusCode"], answer["headers"]["retry-after"]) == (429, "77")


def test_a_limit_that_cannot_be_checked_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptUploads()
    monkeypatch.setattr(ingest, "stores", lambda: Stores(OneProject(), kept, UntouchedNotes(), Shut(is_broken=True)))
    answer, out = answered(gateway_event(DUMP, {"content-type": "application/x-dmp"}))
    assert (answer["statusCode"], len(kept.kept)) == (200, 1)
    assert {"Uncounted", "Accepted"} <= {name for metric in metrics(out) for name in metric}
    (log,) = [line for line in lines(out) if line.get("level") == "ERROR"]
    assert "DynamoDB throttles" in log["exception"]


def test_attachments_of_an_event_are_created(uploads: KeptUploads, notes: KeptNotes) -> None:
    path = f"/api/42/events/{EVENT_ID}/attachments/"
    answer, out = answered(gateway_event(form(file_part("log", b"line")), form_headers(), path=path))
    assert (answer["statusCode"], answer["body"]) == (201, "")
    assert [metric["Noted"] for metric in metrics(out)] == [[1.0]]
    assert [content for _, _, content in notes.attachments] == [b"line"]


def test_preflight_is_not_counted(uploads: KeptUploads) -> None:
    answer, out = answered(gateway_event(None, {"origin": "https://a"}, method="OPTIONS", query=""))
    assert answer["statusCode"] == 200
    assert answer["headers"]["access-control-allow-methods"] == "POST"
    assert out == ""


def test_a_failing_store_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def put_new(self, upload: Upload) -> bool:
            raise RuntimeError("the bucket is gone")

    monkeypatch.setattr(ingest, "stores", lambda: Stores(OneProject(), Broken(), UntouchedNotes()))
    answer, out = answered(gateway_event(DUMP, {"content-type": "application/x-dmp"}))
    assert answer["statusCode"] == 500
    (log,) = [line for line in lines(out) if "level" in line]
    assert log["level"] == "ERROR"
    assert "the bucket is gone" in log["exception"]


def test_limits_are_those_of_the_deployment(uploads: KeptUploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "LIMITS", Limits(file=100))
    answer = ingest.handler(gateway_event(DUMP, {"content-type": "application/x-dmp"}), None)
    assert answer["statusCode"] == 413


def test_a_cold_start_loads_little() -> None:
    code = "import sys; import functions.ingest.handler; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "multipart" in loaded
    assert not loaded & {"pydantic", "boto3", "aws_xray_sdk", "msgpack", "capstone", "symbolic"}


def test_stores_are_those_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    from cairn.pipeline.accepting.gate import Gate
    from cairn.pipeline.accepting.intake_stores import RecentKeys
    from cairn.store.crashes.notes import Notes
    from cairn.store.crashes.uploads import Uploads
    from cairn.store.outcomes import Outcomes
    from cairn.store.settings import VARIABLES

    for variable in VARIABLES.values():
        monkeypatch.setenv(variable, "name")
    front.stores.cache_clear()
    stores = front.stores()
    front.stores.cache_clear()
    assert isinstance(stores.projects, RecentKeys)
    assert isinstance(stores.uploads, Uploads)
    assert isinstance(stores.notes, Notes)
    assert isinstance(stores.gate, Gate)
    assert isinstance(stores.outcomes, Outcomes)
