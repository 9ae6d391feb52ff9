"""Envelopes against a running Cairn: as sentry-native, sentry-electron and an old SDK write them, and by the true
sentry-cli."""

from __future__ import annotations

import base64
import gzip
import json
import re
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cairn_cli.demo.post import post_minidump
from tests.cli.command import cairn
from tests.contract.sentry_cli import SentryCli, sentry_cli_3
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running
from tests.e2e.test_bad_input import form, post
from tests.intake.envelopes import dump_item, envelope, item

DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
ENVELOPE = {"Content-Type": "application/x-sentry-envelope"}
REASON = "SIGSEGV / SEGV_MAPERR / 0x10"


def key_of(running: Running) -> str:
    return running.minidump_url.rpartition("=")[2]


def url_of(running: Running, path: str, query: str = "") -> str:
    parts = urlsplit(running.minidump_url)
    return f"{parts.scheme}://{parts.netloc}/api/{path}?{query}"


def send(running: Running, body: bytes, headers: Mapping[str, str] = ENVELOPE, query: str | None = None) -> str:
    """Post an envelope, and give the id that is answered."""
    chosen = f"sentry_key={key_of(running)}" if query is None else query
    status, answer = post(url_of(running, "1/envelope/", chosen), body, headers)
    assert status == 200, answer
    return str(json.loads(answer).get("id", ""))


def native_event(**more: Any) -> dict[str, Any]:
    """An event as sentry-native makes it."""
    return {
        "level": "fatal",
        "platform": "native",
        "release": "lighthouse@1.4",
        "environment": "production",
        "sdk": {"name": "sentry.native", "version": "0.16.3", "packages": [{"name": "github:getsentry/sentry-native"}]},
        "user": {"id": "7"},
        "tags": {"lamp": "on"},
        "contexts": {"os": {"name": "Linux", "version": "6.1.0", "type": "os"}},
        **more,
    }


def native_headers(running: Running) -> dict[str, str]:
    """The headers of sentry-native's requests."""
    client = "sentry.native/0.16.3"
    auth = f"Sentry sentry_key={key_of(running)}, sentry_version=7, sentry_client={client}"
    return {"x-sentry-auth": auth, "content-type": "application/x-sentry-envelope", "user-agent": client}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_sentry_native_with_breakpad(running: Running, packed: bool) -> None:
    event_id = secrets.token_hex(16)
    crash = {"type": "SIGSEGV", "value": "Segfault", "mechanism": {"type": "signalhandler", "handled": False}}
    body = envelope(
        item("event", native_event(event_id=event_id, exception={"values": [crash]})),
        item("attachment", DUMP, attachment_type="event.minidump", filename=f"{event_id}.dmp"),
        item("attachment", b"a line\n", filename="lighthouse.log"),
        dsn=running.cairn.dsn,
        event_id=event_id,
    )
    headers = native_headers(running) | ({"content-encoding": "gzip"} if packed else {})
    assert send(running, gzip.compress(body) if packed else body, headers, query="") == event_id
    event = running.event(event_id)
    assert running.record(event_id).status == "symbolicated"
    assert event.crash is not None and event.crash.type == REASON
    assert (event.release, event.tags, event.user) == ("lighthouse@1.4", {"lamp": "on"}, {"id": "7"})
    assert [value.type for value in event.exception.values if not isinstance(value, dict)] == [REASON, "SIGSEGV"]
    assert [file.name for file in event.cairn.attachments] == [f"{event_id}.dmp", "lighthouse.log"]


def test_the_native_crash_reporter_has_no_newline_at_the_end(running: Running) -> None:
    event_id = secrets.token_hex(16)
    body = envelope(item("event", native_event()), dump_item(DUMP), dsn=running.cairn.dsn, event_id=event_id)
    assert send(running, body.removesuffix(b"\n"), query="") == event_id
    assert running.record(event_id).status == "symbolicated"


def test_sentry_native_without_a_dump(running: Running) -> None:
    event_id = secrets.token_hex(16)
    crash = {
        "type": "SIGSEGV",
        "value": "Segfault",
        "mechanism": {"type": "signalhandler", "synthetic": True, "handled": False, "meta": {"signal": {"number": 11}}},
        "stacktrace": {
            "frames": [
                {"instruction_addr": "0x5555000012a0", "package": "/opt/lighthouse", "function": "main", "trust": "fp"},
                {
                    "instruction_addr": "0x555500001014",
                    "package": "/opt/lighthouse",
                    "function": "dim",
                    "trust": "context",
                },
            ],
            "registers": {"rip": "0x555500001014"},
        },
    }
    image = {"type": "elf", "code_file": "/opt/lighthouse", "image_addr": "0x555500000000", "image_size": 8192}
    said = native_event(exception={"values": [crash]}, debug_meta={"images": [image]})
    assert send(running, envelope(item("event", said), event_id=event_id), native_headers(running), "") == event_id
    record, event = running.record(event_id), running.event(event_id)
    assert (record.status, record.title, record.culprit, record.os) == ("client", "dim", "SIGSEGV", "Linux")
    assert event.crash is not None and event.crash.stacktrace is not None
    assert [frame.function for frame in event.crash.stacktrace.frames] == ["main", "dim"]
    shown = cairn("events", "show", event_id, environment=running.environment)
    assert shown.err == ""
    for expected in ("● dim", "SIGSEGV", "lighthouse+0x1014", "rip 0x0000555500001014", "lamp=on"):
        assert expected in shown.out


def test_sentry_electron(running: Running) -> None:
    event_id = secrets.token_hex(16)
    event = {
        "level": "fatal",
        "platform": "native",
        "tags": {"event.environment": "native", "event.process": "renderer", "exit.reason": "crashed"},
        "contexts": {"electron": {"crashpad.ptype": "renderer"}},
        "release": "tower@2",
        "event_id": event_id,
        "timestamp": 1,
    }
    name = "0c9a4f6e-5a51-4a9e-8a4e-3b6d0d7f7c11.dmp"
    body = envelope(
        item("event", event),
        item("attachment", DUMP, filename=name, attachment_type="event.minidump"),
        event_id=event_id,
        sent_at="2026-11-23T08:00:00.000Z",
        sdk={"name": "sentry.javascript.electron", "version": "7.15.0"},
    )
    query = f"sentry_version=7&sentry_key={key_of(running)}&sentry_client=sentry.javascript.electron%2F7.15.0"
    headers = {"Content-Encoding": "gzip"}  # and no Content-Type: the front door takes the body for binary
    assert send(running, gzip.compress(body), headers, query) == event_id
    found = running.event(event_id)
    assert found.crash is not None and found.crash.type == REASON
    assert found.tags["event.process"] == "renderer"
    assert found.contexts["electron"] == {"crashpad.ptype": "renderer"}
    assert [file.name for file in found.cairn.attachments] == [name]


def test_an_old_sdk(running: Running) -> None:
    event_id = secrets.token_hex(16)
    said = {"event_id": event_id, "message": "the lamp went out", "platform": "c"}
    auth = {"X-Sentry-Auth": f"Sentry sentry_version=5, sentry_key={key_of(running)}, sentry_secret=x"}
    packed = base64.b64encode(zlib.compress(json.dumps(said).encode()))
    for path, body in (("1/store/", json.dumps(said).encode()), ("store/", packed)):
        headers = auth | {"Content-Type": "application/octet-stream"}
        assert post(url_of(running, path), body, headers) == (200, json.dumps({"id": event_id}))
    assert (running.record(event_id).title, running.event(event_id).platform) == ("the lamp went out", "c")


def test_a_retry_changes_nothing(running: Running) -> None:
    event_id = secrets.token_hex(16)
    body = envelope(item("event", native_event()), dump_item(DUMP), event_id=event_id)
    assert send(running, body) == event_id
    first = running.record(event_id)
    assert send(running, body) == event_id
    listed = [summary.event_id for summary in running.events.list(1, 200).items]
    assert listed.count(event_id) == 1
    assert running.record(event_id).upload_key == first.upload_key


def test_feedback_and_files_before_the_crash_and_after(running: Running) -> None:
    event_id = secrets.token_hex(16)
    early = {"event_id": event_id, "name": "Jo", "email": "jo@tower.example", "comments": "It got dark."}
    own_id = secrets.token_hex(16)
    assert send(running, envelope(item("user_report", early), event_id=own_id)) == own_id
    post_minidump(running.minidump_url, SAMPLE / "lighthouse.dmp", {"sentry[event_id]": event_id})
    running.record(event_id)
    about = {"message": "It is light again.", "associated_event_id": event_id}
    for _ in range(2):
        send(running, envelope(item("feedback", {"contexts": {"feedback": about}}), event_id=own_id))
    query = f"sentry_key={key_of(running)}"
    late = form(b"png").replace(b"upload_file_minidump", b"shot").replace(b"a.dmp", b"shot.png")
    address = url_of(running, f"1/events/{event_id}/attachments/", query)
    assert post(address, late) == (201, "")

    shown = cairn("events", "show", event_id, environment=running.environment).out
    for expected in (REASON, "Jo <jo@tower.example> wrote on", "  It got dark.", "shot.png (3 bytes)"):
        assert expected in shown
    assert shown.count("It is light again.") == 1
    as_json = cairn("events", "show", event_id, "--json", environment=running.environment).json["cairn"]
    assert [said["message"] for said in as_json["feedback"]] == ["It got dark.", "It is light again."]
    assert [file["name"] for file in as_json["attachments"]] == ["lighthouse.dmp", "shot.png"]


def test_what_nothing_is_made_of_is_answered_200(running: Running) -> None:
    assert (
        send(running, envelope(item("session", {"sid": "1"}), item("client_report", {}), item("made_up", b"x"))) == ""
    )
    assert send(running, b"{}") == ""


def test_a_dump_that_cannot_be_read_leaves_the_clients_stack(running: Running) -> None:
    event_id = secrets.token_hex(16)
    crash = {"type": "E", "stacktrace": {"frames": [{"function": "dim"}]}}
    send(running, envelope(item("event", native_event(exception=[crash])), dump_item(b"rubbish"), event_id=event_id))
    event = running.event(event_id)
    assert running.record(event_id).status == "unreadable"
    assert event.crash is not None and event.crash.stacktrace is not None
    assert [frame.function for frame in event.crash.stacktrace.frames] == ["dim"]


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("1/envelope/", b"", 400, "empty request body"),
        ("1/envelope/", b"hello", 400, "invalid event envelope"),
        ("1/envelope/", b'{"dsn":"x"}', 401, "bad envelope authentication header"),
        (
            "1/envelope/",
            envelope(item("event", b" " * 1_100_000)),
            413,
            "envelope exceeded size limits for type 'event'",
        ),
        ("999/envelope/", b"{}", 403, "event submission rejected"),
        ("1/store/", b"hello!", 400, "invalid JSON data"),
        ("1/events/x/attachments/", b"", 400, "bad event path parameter"),
    ],
)
def test_refusals(running: Running, path: str, body: bytes, status: int, detail: str) -> None:
    answer = post(url_of(running, path, f"sentry_key={key_of(running)}"), body, ENVELOPE)
    assert answer[0] == status
    assert detail in json.loads(answer[1])["detail"]


@pytest.fixture
def client(tmp_path: Path) -> SentryCli:
    return SentryCli(sentry_cli_3(), tmp_path)


def test_sentry_cli_sends_an_event(running: Running, client: SentryCli) -> None:
    ran = client.run(
        "send-event", "-m", "out of %s", "-a", "oil", "-r", "tower@2", "-t", "lamp:on", SENTRY_DSN=running.cairn.dsn
    )
    assert ran.code == 0, ran.output
    event_id = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", ran.output)
    assert event_id, ran.output
    event = running.event(event_id[0])
    assert (event.title, event.release, event.tags["lamp"]) == ("out of oil", "tower@2", "on")
    assert event.sdk["name"] == "sentry-cli"


@pytest.mark.parametrize("options", [(), ("--raw",)], ids=["parsed", "raw"])
def test_sentry_cli_sends_an_envelope(running: Running, client: SentryCli, tmp_path: Path, options: tuple[str]) -> None:
    event_id = secrets.token_hex(16)
    file = tmp_path / "crash.envelope"
    file.write_bytes(
        envelope(item("event", {"level": "fatal", "tags": {"lamp": "on"}}), dump_item(DUMP), event_id=event_id)
    )
    ran = client.run("send-envelope", *options, str(file), SENTRY_DSN=running.cairn.dsn)
    assert ran.code == 0, ran.output
    event = running.event(event_id)
    assert event.crash is not None and event.crash.type == REASON
    assert event.tags == {"lamp": "on"}


def test_sentry_cli_is_told_of_a_wrong_key(running: Running, client: SentryCli, tmp_path: Path) -> None:
    file = tmp_path / "crash.envelope"
    file.write_bytes(envelope(dump_item(DUMP), event_id=secrets.token_hex(16)))
    wrong = running.cairn.dsn.replace(key_of(running), "0" * 32)
    assert "403" in client.run("send-envelope", "--log-level=debug", str(file), SENTRY_DSN=wrong).output
