"""Requests made to hurt the ingest function, the same in every run. ``python -m tests.functions.hostile`` sends them
all, twice, and prints what was answered and what memory it took.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import brotli  # type: ignore[import-untyped]
import zstandard

from cairn.intake.limits import MIB
from cairn.intake.messages import Request
from cairn.intake.upload import Attachment, Upload
from cairn.pipeline.accepting import front
from cairn.pipeline.accepting.intake_stores import Stores
from functions.ingest import handler as ingest
from tests.functions.test_ingest import gateway_event
from tests.fuzz.decisions import Decisions
from tests.fuzz.requests import fuzzed_envelope, fuzzed_request
from tests.intake.clients import (
    BOUNDARY,
    DUMP,
    KEY,
    PATH,
    QUERY,
    OneProject,
    Part,
    dump_part,
    field_part,
    file_part,
    form,
    form_headers,
)
from tests.intake.envelopes import ENVELOPE_PATH, EVENT_ID, dump_item, envelope, item, line

Event = dict[str, Any]
Named = Iterator[tuple[str, Event]]

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": partial(gzip.compress, compresslevel=1, mtime=0),
    "deflate": partial(zlib.compress, level=1),
    "br": partial(brotli.compress, quality=1),
    "zstd": zstandard.ZstdCompressor(level=1).compress,
}
CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": PACKERS["gzip"],
    "xz": partial(lzma.compress, preset=0),
    "bz2": partial(bz2.compress, compresslevel=1),
    "zst": PACKERS["zstd"],
}
LENGTHS: list[Any] = [-1, 1, 10**9, 2**63, 2**64, 1.5, 1e308, True, None, "7", [], {}]
DEPTHS = [14, 15, 16, 49, 50, 51, 1000, 10_000, 100_000]
LONG = [1_000, 10_000, 100_000, MIB + 1]
TEARS = 80
RANDOM = 200
STORE = "/api/42/store/"
ATTACHMENTS = f"/api/42/events/{EVENT_ID}/attachments/"


def of_form(*parts: Part, encoding: str = "", path: str = PATH) -> Event:
    """A form as the gateway hands it on."""
    return of_body(form(*parts), form_headers(content_encoding=encoding), path, encoding)


def of_body(body: bytes, headers: Mapping[str, str], path: str = PATH, encoding: str = "") -> Event:
    """A body, packed as told."""
    return gateway_event(PACKERS[encoding](body) if encoding else body, dict(headers), path=path)


def of_envelope(body: bytes, encoding: str = "") -> Event:
    """An envelope as the gateway hands it on."""
    return of_body(body, {"content-encoding": encoding}, ENVELOPE_PATH, encoding)


def bombs() -> Named:
    """Little that becomes much: the request, the dump in it, and both."""
    much = bytes(101 * MIB)
    for encoding in PACKERS:
        yield f"a request of {encoding} zeros", of_body(much, form_headers(content_encoding=encoding), PATH, encoding)
        yield f"an envelope of {encoding} zeros", of_envelope(b"{}\n" + much, encoding)
        yield f"a field of {encoding}", of_form(field_part("a", bytes(20 * MIB)), dump_part(), encoding=encoding)
    for suffix, pack in CONTAINERS.items():
        bomb = pack(b"MDMP" + much)
        yield f"a dump in {suffix}", of_form(dump_part(bomb))
        yield f"a dump in {suffix} in gzip", of_form(dump_part(bomb), encoding="gzip")
        yield f"a dump in {suffix} in an envelope", of_envelope(envelope(dump_item(bomb)))
        yield f"a dump twice in {suffix}", of_form(dump_part(pack(bomb)))
        yield f"a bare dump in {suffix}", of_body(bomb, {"content-type": "application/x-dmp"})
    yield "an event in zlib", of_body(zlib.compress(bytes(20 * MIB)), {}, STORE)


def torn() -> Named:
    """Requests that end too early, at many places."""
    crumb = file_part("__sentry-event", b"\x81\xa7release\xa1x")
    whole = form(field_part("sentry[release]", "x"), crumb, file_part("log", b"line"), dump_part())
    packed = gzip.compress(whole, mtime=0)
    parcel = envelope(item("event", {"release": "x"}), dump_item(DUMP), item("attachment", b"log"), event_id=EVENT_ID)
    for number in range(TEARS):
        yield f"a form cut at {number}", of_body(whole[: len(whole) * number // TEARS], form_headers())
        yield f"an envelope cut at {number}", of_envelope(parcel[: len(parcel) * number // TEARS])
        headers = form_headers(content_encoding="gzip")
        yield f"gzip cut at {number}", gateway_event(packed[: len(packed) * number // TEARS], headers)


def wrong_lengths() -> Named:
    """Items that say another length than they have."""
    for length in LENGTHS:
        for kind in ("event", "attachment", "session", "feedback", "user_report"):
            header = {"type": kind, "length": length, "attachment_type": "event.minidump"}
            yield (
                f"{kind} of length {length!r}",
                of_envelope(line({"event_id": EVENT_ID}) + line(header) + DUMP + b"\n"),
            )
    for length in ("0", "1", "-1", "99999999999", "x", ""):
        yield f"content-length {length!r}", of_body(form(dump_part()), form_headers(content_length=length))


def deep() -> Named:
    """Brackets in names, and JSON within JSON."""
    for depth in DEPTHS:
        brackets = {"": "[a]" * depth, "never closed ": "[a" * depth, "empty ": "[]" * depth, "open ": "[" * depth}
        for kind, name in brackets.items():
            yield f"{depth} {kind}brackets", of_form(field_part(f"sentry{name}", "x"), dump_part())
        documents = {
            "objects": b'{"a":' * depth + b"1" + b"}" * depth,
            "lists": b'{"a":' + b"[" * depth + b"]" * depth + b"}",
            "unclosed objects": b'{"a":' * depth,
        }
        for kind, text in documents.items():
            yield f"{depth} {kind} in a field", of_form(field_part("sentry", text), dump_part())
            yield f"{depth} {kind} in an event", of_envelope(envelope(item("event", text)))
            yield f"{depth} {kind} in a header", of_envelope(text + b"\n")
            yield f"{depth} {kind} stored", of_body(text, {}, STORE)
        yield (
            f"{depth} maps of msgpack",
            of_form(file_part("__sentry-event", b"\x81\xa1a" * depth + b"\xc0"), dump_part()),
        )


def long_names() -> Named:
    """Names beyond all measure."""
    for size in LONG:
        name = "n" * size
        yield f"a field's name of {size}", of_form(field_part(name, "x"), dump_part())
        yield f"a file's name of {size}", of_form(dump_part(filename=name))
        yield f"a part's header of {size}", of_form(Part("x", '; name="x"', f"X-Long: {name}"), dump_part())
        yield f"a boundary of {size}", of_body(form(dump_part(), boundary=name), form_headers(boundary=name))
        yield f"an item's kind of {size}", of_envelope(envelope(item(name, b"x")))
        yield f"an item's file name of {size}", of_envelope(envelope(item("attachment", b"x", filename=name)))
        yield f"a DSN of {size}", of_envelope(envelope(dsn=f"https://{name}@h/42"))
        yield f"a query of {size}", gateway_event(form(dump_part()), form_headers(), query=f"{QUERY}&x={name}")
        yield f"a key of {size}", gateway_event(form(dump_part()), form_headers(), query=f"sentry_key={name}")
        yield f"a path of {size}", gateway_event(form(dump_part()), form_headers(), path=f"/api/{name}/minidump/")
    yield "20,000 fields", of_form(*[field_part(str(number), "") for number in range(20_000)])
    yield "20,000 files", of_form(*[file_part(str(number), b"") for number in range(20_000)])
    yield "20,000 items", of_envelope(envelope(*[b'{"type":"session"}\n\n'] * 20_000))


def wrong_msgpack() -> Named:
    """Every first byte that msgpack may have, with too little or nonsense behind it."""
    for first in range(256):
        content = bytes([first]) + b"\xff" * (first % 7)
        name = "__sentry-event" if first % 3 else "__sentry-breadcrumb1"
        yield f"msgpack that begins with {first:#x}", of_form(file_part(name, content), dump_part())


def odd_heads() -> Named:
    """Methods, paths, types, encodings and keys that nobody should send."""
    body = form(dump_part())
    for method in ("GET", "PUT", "DELETE", "HEAD", "PATCH", "TRACE", "", "\x00"):
        yield f"method {method!r}", gateway_event(body, form_headers(), method=method)
    for path in ("/", "", "/api/", "/api/42", "/api/-1/minidump/", f"/api/{'9' * 40}/minidump/", "/api/42/../store/"):
        yield f"path {path!r}", gateway_event(body, form_headers(), path=path)
    for kind in ("", "text/plain", "multipart/form-data", f"multipart/mixed; boundary={BOUNDARY}", "\x00", "a" * 9000):
        yield f"content type {kind[:30]!r}", gateway_event(body, {"content-type": kind})
    for encoding in ("lzma", "gzip, gzip", "gzip;q=1", "\x00", "x" * 5000, *PACKERS):
        yield f"encoding {encoding[:30]!r} of plain bytes", gateway_event(body, form_headers(content_encoding=encoding))
    for query in (
        "",
        "sentry_key=" + "f" * 32,
        "sentry_key",
        "sentry_key=",
        f"{QUERY}&{QUERY}",
        "sentry_key=%00",
        f"{QUERY}&sentry_version=99",
    ):
        yield f"query {query!r}", gateway_event(body, form_headers(), query=query)
    for auth in ("Sentry", "Basic", "Basic !!!", f"Sentry sentry_key={KEY},", "Sentry " + "=" * 5000):
        yield f"authorization {auth[:30]!r}", gateway_event(body, form_headers(authorization=auth), query="")
    for event_id in ("x", "0" * 31, "0" * 33, "%00", "🪨" * 32):
        yield (
            f"attachments of {event_id!r}",
            gateway_event(body, form_headers(), path=f"/api/42/events/{event_id}/attachments/"),
        )


def random_ones() -> Named:
    """What the fuzzer would make of random bytes."""
    for number in range(RANDOM):
        decide = Decisions(random.Random(number).randbytes(600))
        made = (fuzzed_request if number % 2 else fuzzed_envelope)(decide)
        yield f"random {number}", of_request(made)


def of_request(request: Request) -> Event:
    """A request as the gateway hands it on."""
    return gateway_event(
        request.body.read(), dict(request.headers), query=request.query, method=request.method, path=request.path
    )


def hostile() -> Named:
    """All of them, each with a name of its own."""
    for family in (bombs, torn, wrong_lengths, deep, long_names, wrong_msgpack, odd_heads, random_ones):
        yield from family()


class ReadUploads:
    """Reads what it is given, as the real one does, and keeps nothing."""

    def put_new(self, upload: Upload) -> bool:
        json.dumps(upload.event, allow_nan=False).encode()
        for attachment in upload.attachments:
            self._read(attachment)
        return True

    def put_feedback(self, project_id: int, received: float, feedback: object) -> None:
        pass

    def put_attachment(self, project_id: int, event_id: str, received: float, attachment: Attachment) -> None:
        self._read(attachment)

    def _read(self, attachment: Attachment) -> None:
        while attachment.content.read(MIB):
            pass


def memory(line: str) -> int:
    """MiB of memory: ``VmRSS`` now, ``VmHWM`` at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(entry.split()[1]) // 1024 for entry in lines if entry.startswith(line))


def send_all() -> list[tuple[str, int, str]]:
    """Name, status and body of each answer; 599 and the error where the function fails."""
    answers = []
    for name, event in hostile():
        with redirect_stdout(io.StringIO()):
            try:
                answer = ingest.handler(event, None)
            except Exception as error:
                answer = {"statusCode": 599, "body": repr(error)}
        answers.append((name, answer["statusCode"], answer["body"]))
    return answers


def main() -> None:
    """Send all, and all twice more. What is kept from one request to the next makes both rounds larger; what the
    allocator happens to give back or not, which was 25 MiB now and then, only one of them."""
    keep = ReadUploads()
    front.logger.setLevel("CRITICAL")
    with mock.patch.object(ingest, "stores", lambda: Stores(OneProject(), keep, keep)):
        rounds, sizes = [], []
        for _ in range(3):
            rounds.append(send_all())
            sizes.append(memory("VmRSS"))
    statuses = [[(name, status) for name, status, _ in answers] for answers in rounds]
    print(
        json.dumps(
            {
                "answers": rounds[0],
                "same": statuses[0] == statuses[1] == statuses[2],
                "growth": min(after - before for before, after in pairwise(sizes)),
                "peak": memory("VmHWM"),
            }
        )
    )


if __name__ == "__main__":
    main()
