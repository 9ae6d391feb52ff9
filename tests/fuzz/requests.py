"""Requests to the endpoints of intake by decision."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Callable
from functools import partial

import brotli  # type: ignore[import-untyped]
import msgpack  # type: ignore[import-untyped]
import zstandard

from cairn.intake.limits import Limits
from cairn.intake.messages import Request
from tests.fuzz.decisions import Decisions
from tests.intake.clients import BOUNDARY, KEY, NEW_ID, PATH, PROJECT, QUERY, Part, form, request

LIMITS = Limits(compressed_body=20_000, body=50_000, file=20_000, files=30_000, event=5_000, attachments=4, parts=20)
NAMES = [
    "upload_file_minidump", "sentry", "__sentry-event", "__sentry-breadcrumb1", "__sentry-breadcrumb2", "sentry__1",
    "sentry___x", "sentry[a][b]", "sentry[event_id]", "sentry[tags][x", "ptype", "view-hierarchy.json", "",
]  # fmt: skip
DISPOSITIONS = ['; name="{}"', '; name="{}"; filename="f.dmp"', "; name={}; filename*=utf-8''%e2%82", '; x="{}"', ""]
CONTENT_TYPES = [
    f"multipart/form-data; boundary={BOUNDARY}", "application/octet-stream", "application/x-dmp", "text/plain", "",
    f'multipart/form-data; boundary="{BOUNDARY}"; charset=x', "multipart/form-data", "multipart/form-data; boundary=",
]  # fmt: skip
ENCODINGS = ["", "gzip", "deflate", "br", "zstd", "identity", "lzma", " GZIP "]
QUERIES = [QUERY, "", "sentry_key", f"{QUERY}&sentry_version=8", "sentry_key=%00", f"{QUERY}.x&sentry_client=a"]
AUTHS = ["", f"Sentry sentry_key={KEY}", "Basic MDE=", "Sentry", f"Sentry sentry_key={KEY} sentry_version=99"]
ITEMS = ["attachment", "event", "feedback", "user_report", "session", "transaction", "unheard_of"]
ATTACHMENTS = ["event.minidump", "event.attachment", "event.payload", "event.breadcrumbs", None, "other"]
HEADER_KEYS = ["event_id", "dsn", "sdk", "sent_at", "type", "length", "name", "contexts", "message"]
PACKERS: list[Callable[[bytes], bytes]] = [
    bytes,
    gzip.compress,
    zlib.compress,
    partial(lzma.compress, preset=0),
    bz2.compress,
]
WIRE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
}
JSON_KEYS = [
    "event_id", "tags", "extra", "contexts", "breadcrumbs", "values", "timestamp", "feedback", "message", "name",
    "contact_email", "associated_event_id", "comments", "email", "type",
]  # fmt: skip


def fuzzed_request(decide: Decisions) -> Request:
    """A request whose head is mostly good and whose body is mostly a form."""
    content_type = decide.choice(CONTENT_TYPES) if decide.flag() else CONTENT_TYPES[0]
    encoding = decide.choice(ENCODINGS) if decide.flag() else ""
    headers = {"content-type": content_type, "content-encoding": encoding}
    query = QUERY
    if decide.below(8) == 7:
        query = decide.choice([*QUERIES, decide.text(60)])
        headers |= {"x-sentry-auth": decide.choice(AUTHS), "authorization": decide.choice([*AUTHS, decide.text(40)])}
    path = PATH if decide.below(16) < 15 else decide.choice([f"/api/{decide.text()}/minidump/", decide.text()])
    return request(_on_wire(_body(decide), encoding, decide), headers, path, query)


def fuzzed_envelope(decide: Decisions) -> Request:
    """A request to one of the endpoints that take JSON and envelopes."""
    encoding = decide.choice(ENCODINGS) if decide.below(8) == 7 else ""
    endpoint = decide.below(8)
    if endpoint < 6:
        path, body = f"/api/{PROJECT}/envelope/", _envelope(decide)
    elif endpoint == 6:
        path, body = decide.choice([f"/api/{PROJECT}/store/", "/api/store/"]), _json(decide)
    else:
        path, body = f"/api/{PROJECT}/events/{NEW_ID}/attachments/", _body(decide)
    headers = {"content-type": CONTENT_TYPES[0], "content-encoding": encoding}
    query = QUERY if decide.below(8) else ""
    return request(_on_wire(body, encoding, decide), headers, path, query)


def _envelope(decide: Decisions) -> bytes:
    header = decide.choice([{}, {"event_id": NEW_ID}, {"dsn": f"https://{KEY}@a/{PROJECT}"}, decide.json(HEADER_KEYS)])
    lines = [json.dumps(header).encode(), *decide.some(6, lambda: _item(decide))]
    body = b"\n".join(lines) + decide.choice([b"\n", b"", b"\n\n"])
    place = decide.number(2) % (len(body) + 1)
    return body[:place] + decide.take(decide.below(8)) + body[place + decide.below(8) :]


def _item(decide: Decisions) -> bytes:
    payload = _content(decide)
    header: dict[str, object] = {
        "type": decide.choice(ITEMS),
        "attachment_type": decide.choice(ATTACHMENTS),
        "filename": decide.text(),
    }
    if decide.below(4):
        header["length"] = (
            len(payload) if decide.below(8) else decide.choice([0, -1, 2**40, 0.5, True, len(payload) + 1])
        )
    if decide.below(8) == 7:
        header |= {"content_type": decide.json(HEADER_KEYS), "attachment_type": decide.json(HEADER_KEYS)}
    return json.dumps(header).encode() + b"\n" + payload


def _body(decide: Decisions) -> bytes:
    if decide.below(4) == 3:
        return decide.take(decide.left // 2)
    body = form(*decide.some(8, lambda: _part(decide)), end=decide.choice([b"\r\n", b"", b"--", b"\r\nepilogue"]))
    place = decide.number(2) % (len(body) + 1)
    return body[:place] + decide.take(decide.below(8)) + body[place + decide.below(8) :]


def _part(decide: Decisions) -> Part:
    name = decide.choice(NAMES) if decide.below(4) < 3 else decide.text()
    content = _content(decide)
    headers = [decide.text(40).replace("\r", "").replace("\n", "")] if decide.below(8) == 7 else []
    return Part(content, decide.choice(DISPOSITIONS).format(name), *headers)


def _content(decide: Decisions) -> bytes:
    """What a part or an item holds; now and then more than any limit allows."""
    return (_small_content(decide) * decide.choice([1, 1, 1, 1, 1, 1, 1, 300]))[: LIMITS.body + 1000]


def _small_content(decide: Decisions) -> bytes:
    kind = decide.below(5)
    if kind == 0:
        return decide.choice(PACKERS)(b"MDMP" + decide.take(decide.below(16)))
    if kind == 1:
        return decide.take(decide.number())
    if kind == 2:
        return _json(decide)
    if kind == 3:
        return _msgpack(decide)
    return b"--x\r\nContent-Disposition: form-data; name=upload_file_minidump\r\n\r\n" + decide.take(20) + b"\r\n--x--"


def _json(decide: Decisions) -> bytes:
    return json.dumps(decide.json(JSON_KEYS)).encode()


def _msgpack(decide: Decisions) -> bytes:
    packed: bytes = msgpack.packb(decide.json(JSON_KEYS))
    return packed + decide.take(decide.below(8))


def _on_wire(body: bytes, encoding: str, decide: Decisions) -> bytes:
    packed = WIRE.get(encoding.strip().lower(), bytes)(body)
    if not encoding or decide.flag():
        return packed
    place = decide.number(2) % (len(packed) + 1)
    return packed[:place] + decide.take(decide.below(8)) + packed[place + decide.below(4) :]
