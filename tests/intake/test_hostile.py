"""Requests made to hurt: an answer of the table, no exception, and little time and memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn.intake.limits import MIB, Limits
from tests.intake.clients import (
    BOUNDARY,
    DUMP,
    KEY,
    PATH,
    QUERY,
    Part,
    dump_part,
    field_part,
    file_part,
    form,
    form_headers,
    request,
    send,
)
from tests.intake.envelopes import ENVELOPE_PATH, EVENT_ID, deliver, dump_item, envelope, envelope_request, item

ROOT = Path(__file__).parent.parent.parent
SMALL = Limits(compressed_body=20_000, body=50_000, file=20_000, files=30_000, event=5_000, attachments=4, parts=20)
CPU_SECONDS = 5.0
ANSWERS = {200, 400, 401, 403, 404, 405, 413, 415}

HOSTILE = {
    "100,000 fields": form(*[field_part(str(n), "") for n in range(100_000)]),
    "100,000 files": form(*[file_part(str(n), b"") for n in range(100_000)]),
    "100,000 headers": f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 100_000,
    "a header without an end": f"--{BOUNDARY}\r\n".encode() + b"a" * 5_000_000,
    "a name of a megabyte": form(Part("x", f'; name="{"n" * MIB}"')),
    "nothing but carriage returns": b"\r" * 5_000_000,
    "nothing but boundaries": f"--{BOUNDARY}\r\n".encode() * 100_000,
    "boundaries that almost are": form(dump_part(DUMP + f"\r\n--{BOUNDARY[:-1]}".encode() * 100_000)),
    "brackets in a name": form(*[field_part("sentry" + "[" * 4000, "x")] * 250, dump_part()),
    "many paths": form(*[field_part("sentry" + f"[{n}]" * 15, "x") for n in range(900)], dump_part()),
    "paths with a bad end": form(*[field_part("sentry" + "[a]" * 1300 + "x", "x") for n in range(200)], dump_part()),
    "deep JSON": form(field_part("sentry", '{"a":' * 150_000), dump_part()),
    "deep lists": form(field_part("sentry", '{"a":' + "[" * 50_000 + "]" * 50_000 + "}"), dump_part()),
    "wide JSON": form(field_part("sentry", '{"a":[' + "[]," * 340_000 + "1]}"), dump_part()),
    "backslashes": form(Part("x", f'; name="{chr(92) * 4000}'), dump_part()),
    "quotes": form(Part("x", f"; name={chr(34) * 4000}; filename={'=;' * 1000}"), dump_part()),
    "msgpack of empty maps": form(file_part("__sentry-event", b"\x81\xa1a\xdc\x0f\xff" + b"\x80" * 4095), dump_part()),
    "msgpack of nested arrays": form(
        file_part("__sentry-event", b"\x81\xa1a" + b"\xdc\x0f\xff" * 300_000), dump_part()
    ),
    "msgpack of huge claims": form(
        file_part("__sentry-event", b"\x81\xa1a" + b"\xdd\xff\xff\xff\xff" * 9), dump_part()
    ),
    "a form within a form": form(dump_part(b"--A\r\n\r\n" * 100_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_forms(name: str) -> None:
    began = time.process_time()
    response, upload, _ = send(request(HOSTILE[name]))
    assert time.process_time() - began < CPU_SECONDS
    assert response.status in ANSWERS
    if upload:
        json.dumps(upload.event, allow_nan=False).encode()


FRAMES = {"exception": [{"type": "E", "stacktrace": {"frames": [{}] * 100_000}}]}
HOSTILE_ENVELOPES = {
    "100,000 items": envelope(*[b'{"type":"session"}\n\n'] * 100_000),
    "100,000 attachments": envelope(*[item("attachment", b"")] * 100_000),
    "500 reports": envelope(*[item("user_report", {"event_id": EVENT_ID, "comments": "c" * 2000})] * 500),
    "nothing but newlines": b"\n" * 5_000_000,
    "newlines after the header": b"{}" + b"\n" * 5_000_000,
    "a header without an end": b'{"a":"' + b"a" * 5_000_000,
    "deep headers": b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n",
    "a deep header of an item": b"{}\n" + b"[" * 60_000 + b"\n",
    "lengths that lie": envelope(
        *[b'{"type":"session","length":0}\n'] * 499, b'{"type":"session","length":9999999999}\n'
    ),
    "a length of many digits": b'{}\n{"type":"session","length":' + b"9" * 60_000 + b"}\n",
    "a wide event": envelope(item("event", b'{"a":[' + b"[]," * 340_000 + b"1]}")),
    "a deep event": envelope(item("event", b'{"a":' * 150_000)),
    "an event of many frames": envelope(item("event", FRAMES)),
    "a payload of newlines": envelope(item("attachment", b"\n" * 5_000_000, attachment_type="event.minidump")),
    "kinds of nonsense": envelope(*[item("event.minidump\x00" * n, b"") for n in range(100)]),
    "a dump in a dump": envelope(dump_item(b"--A\r\n\r\n" * 100_000)),
}


@pytest.mark.parametrize("name", HOSTILE_ENVELOPES)
def test_hostile_envelopes(name: str) -> None:
    began = time.process_time()
    sent = deliver(envelope_request(HOSTILE_ENVELOPES[name]))
    assert time.process_time() - began < CPU_SECONDS
    assert sent.response.status in ANSWERS
    if sent.upload:
        json.dumps(sent.upload.event, allow_nan=False).encode()


KINDS = st.sampled_from(["event", "attachment", "session", "user_report", "feedback", "transaction", "x"])
ITEM_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "attachment_type": st.sampled_from(["event.minidump", "event.payload", "event.breadcrumbs", "x", 7]),
        "filename": st.text(max_size=9) | st.integers(),
        "content_type": st.sampled_from(["application/vnd.sentry.attachment-ref+json", "x", 7, None]),
        "length": st.integers(-1, 60),
    },
)
PAYLOADS = st.binary(max_size=60) | st.sampled_from(
    [b'{"contexts":{"feedback":{"message":"m"}}}', b'{"comments":"c"}', b"\x81\xa1a\x01", b"{}", DUMP[:40]]
)
ITEMS = st.builds(lambda kind, payload, header: item(kind, payload, **header), KINDS, PAYLOADS, ITEM_HEADERS)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "event_id": st.sampled_from([EVENT_ID, None, "x", 7]),
        "dsn": st.sampled_from([f"https://{KEY}@h/42", f"https://{KEY}@h/7", "x", None, 7]) | st.text(max_size=40),
    },
)


@settings(max_examples=400, deadline=None)
@given(
    items=st.lists(ITEMS, max_size=6),
    header=HEADERS,
    cut=st.integers(-60, 0),
    query=st.sampled_from([QUERY, ""]),
    path=st.sampled_from([ENVELOPE_PATH, "/api/42/store/", f"/api/42/events/{EVENT_ID}/attachments/"]),
)
def test_random_envelopes(items: list[bytes], header: dict[str, object], cut: int, query: str, path: str) -> None:
    body = envelope(*items, **header)
    sent = deliver(envelope_request(body[: len(body) + cut] if cut > -30 else body, query=query, path=path), SMALL)
    assert sent.response.status in ANSWERS
    if sent.upload:
        json.dumps(sent.upload.event, allow_nan=False).encode()


@pytest.mark.parametrize(
    "query", ["sentry_key=" + "%" * 9000, "&" * 9000 + QUERY, "sentry_" * 1000, f"{QUERY}&a=%ff%00", "sentry_key"]
)
def test_hostile_queries(query: str) -> None:
    assert send(request(form(dump_part()), query=query))[0].status in ANSWERS


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=" + "b" * 9000,
        'multipart/form-data; boundary="' + chr(92) * 9000,
        "multipart/form-data; boundary=\udc80",
        "multipart/form-data; boundary=\n",
        "multipart/form-data" + "; a=b" * 2000,
        "\x00",
    ],
)
def test_hostile_content_types(content_type: str) -> None:
    assert send(request(form(dump_part()), {"content-type": content_type}))[0].status == 400


ENCODED = st.sampled_from(["", "gzip", "deflate", "br", "zstd", "lzma", "GZIP"])
CONTENT_TYPE = st.sampled_from(
    [
        f"multipart/form-data; boundary={BOUNDARY}",
        "application/x-dmp",
        "application/octet-stream",
        "text/plain",
        "",
    ]
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "upload_file_minidump",
            "__sentry-event",
            "__sentry-breadcrumb1",
            "sentry",
            "sentry__1",
            "sentry___x",
            "sentry[a][b]",
            "sentry[event_id]",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters='\r\n"%\\'), max_size=20),
)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(gzip.compress),
    st.binary(max_size=50).map(lambda tail: b"MDMP" + tail),
    st.text(max_size=50).map(lambda text: json.dumps({"tags": {text: text}}).encode()),
    st.sampled_from(
        [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"--x\r\n", b"\x80", b"\x81", b"{}", b""]
    ),
)
PARTS = st.builds(
    lambda name, content, filename: file_part(name, content, "f") if filename else field_part(name, content),
    NAMES,
    CONTENTS,
    st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=500), content_type=CONTENT_TYPE, encoding=ENCODED)
def test_random_bodies(body: bytes, content_type: str, encoding: str) -> None:
    headers = {"content-type": content_type, "content-encoding": encoding}
    assert send(request(body, headers), SMALL)[0].status in {200, 400, 413, 415}


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, max_size=8), cut=st.integers(-200, 0), encoding=st.sampled_from(["", "gzip"]))
def test_random_forms(parts: list[Part], cut: int, encoding: str) -> None:
    body = form(*parts)
    body = body[: len(body) + cut] if cut > -100 else body
    sent = gzip.compress(body) if encoding else body
    response, upload, _ = send(request(sent, form_headers(content_encoding=encoding)), SMALL)
    assert response.status in {200, 400, 413}
    if upload:
        json.dumps(upload.event, allow_nan=False).encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "POST", "X"]),
    path=st.one_of(st.just(PATH), st.text(max_size=30), st.text(max_size=10).map("/api/{}/minidump/".format)),
    query=st.one_of(st.just(QUERY), st.text(max_size=60), st.text(max_size=40).map("sentry_key={}".format)),
    authorization=st.one_of(st.just(""), st.text(max_size=60), st.text(max_size=40).map("Basic {}".format)),
    x_sentry_auth=st.one_of(st.just(""), st.text(max_size=60), st.just(f"Sentry sentry_key={KEY}")),
)
def test_random_heads(method: str, path: str, query: str, authorization: str, x_sentry_auth: str) -> None:
    headers = {"authorization": authorization, "x-sentry-auth": x_sentry_auth, "content-type": "application/x-dmp"}
    assert send(request(DUMP, headers, path, query, method))[0].status in ANSWERS


BIG_REQUEST = """
import gzip, io, os, random, sys
from pathlib import Path
from cairn.intake.limits import Limits, MIB
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import Stores
from tests.intake.clients import BOUNDARY, PATH, OneProject, UntouchedNotes, form_headers, request
from tests.intake.envelopes import ENVELOPE_PATH, line

SIZE = 99 * MIB + 4
if sys.argv[1] == "form":
    part = 'Content-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"'
    head, end, path = f"--{BOUNDARY}\\r\\n{part}\\r\\n\\r\\n".encode(), f"\\r\\n--{BOUNDARY}--\\r\\n".encode(), PATH
else:
    item = {"type": "attachment", "attachment_type": "event.minidump", "length": SIZE}
    head, end, path = line({}) + line(item), b"", ENVELOPE_PATH

packed = io.BytesIO()
with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as body:
    body.write(head + b"MDMP")
    body.write(random.Random(1).randbytes(4 * MIB))
    for _ in range(95):
        body.write(bytes(MIB))
    body.write(end)
packed.seek(0)

class Uploads:
    def put_new(self, upload):
        assert upload.dump.size == SIZE
        assert os.fstat(upload.dump.content.fileno()).st_size == upload.dump.size

def peak():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))

sent = request(packed, form_headers(content_encoding="gzip"), path)
before = peak()
response = accept(sent, Stores(OneProject(), Uploads(), UntouchedNotes()), Limits(), lambda: 0.0, lambda: "1" * 32)
assert response.status == 200, response.body
print(before, peak())
"""


@pytest.mark.parametrize("kind", ["form", "envelope"])
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_body_of_100_megabytes_stays_on_disk(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BIG_REQUEST, kind], capture_output=True, text=True, cwd=ROOT, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    before, peak = map(int, done.stdout.split())
    assert peak - before < 32, "MiB"
    assert peak < 256, "MiB"
