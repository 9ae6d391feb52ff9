from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest

from cairn.intake.limits import MIB, Limits
from services.large_uploads.places import Places
from services.large_uploads.receiving import FORM, Patience
from tests.intake.clients import BOUNDARY, DUMP, NEW_ID, PATH, QUERY, dump_part, field_part, file_part, form, gzipped
from tests.intake.envelopes import EVENT_ID, dump_item, envelope, item
from tests.services.served import Reply, read_reply, served

HASTY = Patience(pause=0.3, grace=0.6, rate=1024 * 1024, linger=10)
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def head(path: str = f"{PATH}?{QUERY}", method: str = "POST", /, **headers: object) -> bytes:
    """The head of a request."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def request(body: bytes, path: str = f"{PATH}?{QUERY}", **headers: object) -> bytes:
    """A whole request with Content-Length; a form unless the headers say otherwise."""
    return head(path, **{"Content_Length": len(body), "Content_Type": FORM_TYPE, **headers}) + body


def chunked(body: bytes, size: int, **headers: object) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    wire = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return head(Transfer_Encoding="chunked", Content_Type=FORM_TYPE, **headers) + wire + b"0\r\n\r\n"


def causes(reply: Reply) -> str:
    return " ".join(json.loads(reply.body)["causes"])


def test_a_dump_of_20_mib_in_a_form_is_taken() -> None:
    dump = b"MDMP" + bytes(20 * MIB - 4)
    body = form(field_part("sentry[release]", "app@1"), dump_part(dump))
    with served() as door:
        reply = door.send(request(body))
        assert (reply.status, reply.body.decode()) == (200, str(UUID(NEW_ID)))
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert reply.headers["server"] == "cairn"
        assert door.uploads.contents == [[dump]]
        assert door.uploads.kept[0].event["release"] == "app@1"
        assert door.told == [("POST", PATH, 200, len(body))]


def test_chunks_without_a_length_are_taken() -> None:
    body = gzipped(form(dump_part(DUMP), file_part("log", b"line")))
    with served() as door:
        assert door.send(chunked(body, 7, Content_Encoding="gzip")).status == 200
        assert door.uploads.contents == [[DUMP, b"line"]]


@pytest.mark.parametrize("declared", [True, False], ids=["length", "chunked"])
def test_what_is_larger_than_20_mib_is_told_of_the_other_door(declared: bool) -> None:
    body = form(dump_part(b"MDMP" + bytes(20 * MIB + FORM)))
    assert len(body) < 21_000_000
    with served() as door:
        reply = door.send(request(body) if declared else chunked(body, 60_000))
        assert (reply.status, reply.headers["content-type"]) == (413, "application/json")
        assert json.loads(reply.body)["detail"] == "request content exceeded size limits"
        assert "larger than 20 MiB" in causes(reply) and "`cairn submit FILE`" in causes(reply)
        assert door.uploads.kept == []
        assert door.told[0][:3] == ("POST", PATH, 413)


def test_what_unpacks_to_more_than_100_mib_is_refused() -> None:
    body = gzipped(form(dump_part(b"MDMP"), *(file_part(f"log{n}", bytes(90 * MIB // 2)) for n in range(3))))
    assert len(body) < MIB
    with served() as door:
        reply = door.send(request(body, Content_Encoding="gzip"))
        assert reply.status == 413
        assert "100 MiB" in causes(reply)
        assert door.uploads.kept == []


def test_limits_are_those_of_the_deployment() -> None:
    with served(Limits(compressed_body=100)) as door:
        assert door.send(request(form(dump_part(bytes(FORM))))).status == 413
        assert "larger than 100 bytes" in causes(door.send(head(Content_Length=10**12)))


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("POST", "/api/42/other/", 404, "not found"),
        ("GET", "/", 404, "not found"),
        ("GET", PATH, 405, "method not allowed"),
        ("POST", PATH, 401, "missing authorization information"),
        ("POST", f"{PATH}?sentry_key={'f' * 32}", 403, "event submission rejected with_reason: ProjectId"),
        ("POST", f"{PATH}?{QUERY}", 400, "invalid multipart data"),
    ],
)
def test_refusals_are_those_of_intake(method: str, path: str, status: int, detail: str) -> None:
    with served() as door:
        reply = door.send(head(path, method))
        assert (reply.status, json.loads(reply.body)["detail"]) == (status, detail)
        assert reply.headers["access-control-allow-origin"] == "*"


NO_KEY = f"/api/42/envelope/?sentry_key={'f' * 32}"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{PATH}?sentry_key={'f' * 32}", {}, 403),
        (f"/api/43/minidump/?{QUERY}", {}, 403),
        (PATH, {"X_Sentry_Auth": f"Sentry sentry_key={'f' * 32}"}, 403),
        (NO_KEY, {}, 403),
        (f"/api/42/upload/{'0' * 32}/?sentry_key=short", {}, 405),
        (PATH, {}, 401),
        (f"/api/42/other/?{QUERY}", {}, 404),
        (f"{PATH}?sentry_key={'f' * 32}", {"Expect": "100-continue"}, 403),
    ],
    ids=["query", "project", "header", "envelope", "method", "no key", "path", "expect"],
)
def test_a_bad_head_is_refused_before_its_body_comes(path: str, headers: dict[str, str], status: int) -> None:
    with served() as door, door.connect() as connection:
        connection.sendall(head(path, Content_Length=20 * MIB, **headers))
        reply = read_reply(connection)
        assert reply.status == status, "and not a byte of the body was sent"
        assert reply.headers["connection"] == "close"
        assert door.told == [("POST", path.partition("?")[0], status, 0)]
        assert door.send(request(form(dump_part(DUMP)), path, **headers)).body == reply.body, "accept says the same"


def test_a_key_in_an_envelope_alone_is_looked_at_when_it_has_come() -> None:
    with served() as door, door.connect() as connection:
        sent = envelope(item("event", {}), dsn=f"https://{'f' * 32}@localhost/42", event_id=EVENT_ID)
        connection.sendall(head("/api/42/envelope/", Content_Length=len(sent)) + sent[:-1])
        assert not door.told
        connection.sendall(sent[-1:])
        assert read_reply(connection).status == 403
        assert door.told == [("POST", "/api/42/envelope/", 403, len(sent))]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(("key", "status"), [(QUERY, 200), (f"sentry_key={'f' * 32}", 403)], ids=["good", "bad"])
def test_curl_that_asks_before_it_sends(tmp_path: Path, key: str, status: int) -> None:
    """curl sends ``Expect: 100-continue`` above 1 MB, and waits a second for the answer."""
    dump = tmp_path / "large.dmp"
    dump.write_bytes(b"MDMP" + bytes(18 * MIB))
    with served() as door:
        url = f"http://127.0.0.1:{door.port}{PATH}?{key}"
        form = ["-F", f"upload_file_minidump=@{dump}"]
        sent = ["-H", "Expect: 100-continue", "--limit-rate", "40M", "-w", "%{http_code} %{size_upload} %{exitcode}"]
        done = subprocess.run(
            ["curl", "-s", "-o", str(tmp_path / "answer"), *sent, *form, url],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        answered, uploaded, code = map(int, done.stdout.split())
        assert (answered, code) == (status, 0), done
        assert (uploaded > 18 * MIB) == (status == 200), "what is refused is not sent to its end"
        assert [told[2] for told in door.told] == [status]


def test_all_that_ingest_serves_is_served() -> None:
    with served() as door:
        sent = envelope(item("event", {"level": "fatal"}), dump_item(DUMP), event_id=EVENT_ID)
        assert json.loads(door.send(request(sent, f"/api/42/envelope/?{QUERY}", Content_Type="x")).body) == {
            "id": EVENT_ID
        }
        event = json.dumps({"event_id": EVENT_ID}).encode()
        assert json.loads(door.send(request(event, f"/api/42/store/?{QUERY}")).body) == {"id": EVENT_ID}
        assert json.loads(door.send(request(event, f"/api/store/?{QUERY}")).body) == {"id": EVENT_ID}
        late = form(file_part("log", b"line"))
        assert door.send(request(late, f"/api/42/events/{EVENT_ID}/attachments/?{QUERY}")).status == 201
        assert door.send(request(DUMP, Content_Type="application/x-dmp")).status == 200
        assert door.send(head(PATH, "OPTIONS")).headers["access-control-allow-methods"] == "POST"
        assert [len(upload.attachments) for upload in door.uploads.kept] == [1, 0, 0, 1]


def test_keys_are_found_in_headers() -> None:
    auth = f"Sentry sentry_version=7, {QUERY}"
    with served() as door:
        assert door.send(request(form(dump_part(DUMP)), PATH, X_Sentry_Auth=auth)).status == 200


def test_it_says_that_it_is_alive_while_all_places_are_taken() -> None:
    with served(places=Places(1, 0, 5), held=True) as door, door.connect() as busy:
        busy.sendall(request(form(dump_part(DUMP))))
        assert door.asked.acquire(timeout=20)
        for method in ("GET", "HEAD"):
            reply = door.send(
                head("/api/relay/healthcheck/live/", method).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            assert reply.status == 200
        door.go.set()
        assert read_reply(busy).status == 200


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing() -> None:
    body = form(dump_part(DUMP))
    with served() as door:
        for sent in (request(body)[:-1], chunked(body, 100)[:-7]):
            with door.connect() as connection:
                connection.sendall(sent)
        assert door.send(request(body)).status == 200
        assert len(door.uploads.kept) == 1
    assert [status for _, _, status, _ in door.told] == [200]


@pytest.mark.parametrize("sent", [1, 2000], ids=["at once", "later"])
def test_a_slow_body_is_given_up(sent: int) -> None:
    with served(patience=HASTY) as door, door.connect() as connection:
        connection.sendall(head(Content_Length=10**6) + bytes(sent))
        reply = read_reply(connection)
        assert (reply.status, json.loads(reply.body)["detail"]) == (408, "request timed out")
        assert door.told == [("POST", PATH, 408, sent)]


def test_a_body_that_trickles_is_given_up_though_it_never_pauses() -> None:
    ended = threading.Event()
    with served(patience=HASTY) as door, door.connect() as connection:
        connection.sendall(head(Content_Length=10**6))

        def trickle() -> None:
            while not ended.wait(0.05):
                connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        reply = read_reply(connection)
        ended.set()
        thread.join()
        assert reply.status == 408


def test_a_head_that_does_not_end_is_given_up() -> None:
    with served(idle=0.3) as door, door.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: ")
        assert connection.recv(100) == b""


def test_a_head_that_is_too_large_is_refused() -> None:
    with served() as door:
        assert door.send(head(X_Long="x" * 70_000)).status == 431


def test_who_finds_no_place_waits_and_is_sent_away_after_a_while() -> None:
    body = form(dump_part(DUMP))
    with served(places=Places(1, 1, 0.3), held=True) as door, door.connect() as busy:
        busy.sendall(request(body))
        assert door.asked.acquire(timeout=20)
        reply = door.send(request(body))
        assert (reply.status, json.loads(reply.body)["detail"]) == (503, "failed to queue envelope")
        assert int(reply.headers["retry-after"]) > 0
        door.go.set()
        assert read_reply(busy).status == 200
        assert door.send(request(body)).status == 200


def test_who_finds_no_place_gets_the_next_that_is_free() -> None:
    body = form(dump_part(DUMP))
    places = Places(1, 1, 20)
    with served(places=places, held=True) as door, door.connect() as busy, door.connect() as waiting:
        busy.sendall(request(body))
        assert door.asked.acquire(timeout=20)
        waiting.sendall(request(body))
        while not places.waiting:
            time.sleep(0.01)
        assert door.send(request(body)).status == 503
        door.go.set()
        assert [read_reply(busy).status, read_reply(waiting).status] == [200, 200]


def test_a_stop_finishes_what_was_begun_and_takes_nothing_new() -> None:
    with served(held=True) as door, door.connect() as storing, door.connect() as idle:
        storing.sendall(request(form(dump_part(DUMP))))
        assert door.asked.acquire(timeout=20)
        door.stop()
        assert idle.recv(1) == b""
        with pytest.raises(OSError):
            door.connect().close()
        assert not door.stopped.is_set()
        door.go.set()
        assert read_reply(storing).status == 200
        assert door.stopped.wait(20)
        assert door.uploads.contents == [[DUMP]]


START = f"POST {PATH}?{QUERY} HTTP/1.1\r\nHost: x\r\n".encode()
HOSTILE = {
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"POST / HTTP/1.1\r\n\r\n",
    "a version that is none": b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a path that is not ascii": b"POST /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path with a nul": b"POST /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"POST http://x/api/42/minidump/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "no colon": START + b"Content-Length 5\r\n\r\nabcde",
    "a space before the colon": START + b"Content-Length : 5\r\n\r\nabcde",
    "a length below zero": START + b"Content-Length: -1\r\n\r\n",
    "a length that is none": START + b"Content-Length: five\r\n\r\n",
    "a length of many digits": START + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": START + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an encoding of transfer that is none": START + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk whose size is none": START + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk of many digits": START + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
    "an extension without end": START + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 70_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requests_get_an_answer_and_harm_nobody(name: str) -> None:
    with served() as door:
        with door.connect() as connection:
            connection.sendall(HOSTILE[name])
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").readline()
        status = int(answer.split()[1]) if answer else None
        assert status is None or 400 <= status < 500 or status == 501, "501 is for transfer encodings (RFC 9112)"
        assert door.send(request(form(dump_part(DUMP)))).status == 200
        assert len(door.uploads.kept) == 1


def test_a_fault_of_the_server_is_answered_and_told() -> None:
    with served() as door:
        door.failure = OSError("no space left on the device")
        reply = door.send(request(form(dump_part(DUMP))))
        assert (reply.status, json.loads(reply.body)["detail"]) == (500, "failed to upload file")
        assert "device" not in causes(reply)
        assert door.errors[0].__cause__ is door.failure
        door.failure = None
        assert door.send(request(form(dump_part(DUMP)))).status == 200


def test_a_websocket_is_refused() -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": 13}
    with served() as door:
        assert door.send(head("/", "GET", Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==", **upgrade)).status == 403


def test_a_connection_serves_one_request_after_another() -> None:
    body = form(dump_part(DUMP))
    with served() as door, door.connect() as connection:
        for sent in (request(body), head("/nowhere"), request(body)):
            connection.sendall(sent)
            assert read_reply(connection).status in (200, 404)
        assert len(door.uploads.kept) == 2
