"""Every answer but 200 that a body can get: status, detail and reason are what clients and metrics see."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace

import msgpack  # type: ignore[import-untyped]
import pytest
import zstandard

from cairn.intake.errors import SIZE_LIMITS_PAGE
from cairn.intake.limits import MIB, Limits
from tests.intake.clients import (
    DUMP,
    Part,
    accepted_upload,
    dump_part,
    field_part,
    file_part,
    form,
    form_headers,
    gzipped,
    refused_request,
    request,
)

RAW = {"content-type": "application/x-dmp"}
SMALL = Limits(compressed_body=20_000, body=100_000, file=50_000, files=60_000, event=5_000, attachments=4, parts=10)


def bomb(size: int) -> bytes:
    return gzip.compress(bytes(size))


def exceeded(item: str) -> str:
    return f"envelope exceeded size limits for type '{item}' ({SIZE_LIMITS_PAGE})"


MISSING = (400, "missing minidump", "missing_minidump_upload")
BAD_DUMP = (400, "invalid minidump", "invalid_minidump")
BAD_PACKING = (400, "invalid compression format", "invalid_compression")
BAD_FORM = (400, "invalid multipart data", "invalid_multipart")
BAD_BODY = (400, "invalid request body", "invalid_body")
BAD_MSGPACK = (400, "invalid messagepack data", "invalid_msgpack")
BAD_ENCODING = (415, "unsupported content encoding", "unsupported_encoding")
TOO_LARGE = (413, "request content exceeded size limits", "too_large:request")
FIELDS_TOO_LARGE = (413, exceeded("form_data"), "too_large:form_data")
DUMP_TOO_LARGE = (413, exceeded("attachment:minidump"), "too_large:attachment:minidump")
EVENT_TOO_LARGE = (413, exceeded("attachment:event_payload"), "too_large:attachment:event_payload")
CRUMBS_TOO_LARGE = (413, exceeded("attachment:breadcrumbs"), "too_large:attachment:breadcrumbs")

WHOLE = form(dump_part())
CASES = {
    "no parts": (request(form()), MISSING),
    "only fields": (request(form(field_part("a", "b"))), MISSING),
    "dump without a file name": (request(form(field_part("upload_file_minidump", DUMP))), MISSING),
    "dump in another field": (request(form(file_part("minidump", DUMP, "x.dmp"))), MISSING),
    "wrong magic": (request(form(dump_part(b"MDMQ" + DUMP))), BAD_DUMP),
    "empty dump": (request(form(dump_part(b""))), BAD_DUMP),
    "short dump": (request(form(dump_part(b"MDM"))), BAD_DUMP),
    "zip": (request(form(dump_part(b"PK\x03\x04" + DUMP))), BAD_DUMP),
    "lz4": (request(form(dump_part(b"\x04\x22\x4d\x18" + DUMP))), BAD_DUMP),
    "two layers": (request(form(dump_part(gzipped(gzipped(DUMP))))), BAD_DUMP),
    "packed rubbish": (request(form(dump_part(gzipped(b"rubbish")))), BAD_DUMP),
    "raw, wrong magic": (request(b"GIF89a", RAW), BAD_DUMP),
    "raw, empty": (request(b"", RAW), BAD_DUMP),
    "broken gzip": (request(form(dump_part(b"\x1f\x8b\x08rubbish"))), BAD_PACKING),
    "torn gzip": (request(form(dump_part(gzipped(DUMP)[:-9]))), BAD_PACKING),
    "broken xz": (request(form(dump_part(b"\xfd7zXZ\x00rubbish"))), BAD_PACKING),
    "broken bzip2": (request(form(dump_part(b"BZhrubbish"))), BAD_PACKING),
    "broken zstd": (request(form(dump_part(b"\x28\xb5\x2f\xfdrubbish"))), BAD_PACKING),
    "raw, broken gzip": (request(b"\x1f\x8brubbish", RAW), BAD_PACKING),
    "no content type": (request(WHOLE, {}), BAD_FORM),
    "curl -d": (request(WHOLE, {"content-type": "application/x-www-form-urlencoded"}), BAD_FORM),
    "no boundary": (request(WHOLE, {"content-type": "multipart/form-data"}), BAD_FORM),
    "empty boundary": (request(WHOLE, {"content-type": 'multipart/form-data; boundary=""'}), BAD_FORM),
    "mixed": (request(WHOLE, {"content-type": "multipart/mixed; boundary=B"}), BAD_FORM),
    "raw type with a parameter": (request(DUMP, {"content-type": "application/x-dmp; a=b"}), BAD_FORM),
    "raw type in capitals": (request(DUMP, {"content-type": "Application/X-Dmp"}), BAD_FORM),
    "another boundary": (request(WHOLE, form_headers("other")), BAD_FORM),
    "no body": (request(b""), BAD_FORM),
    "torn in the dump": (request(WHOLE[:-500]), BAD_FORM),
    "torn in a header": (request(WHOLE[:90]), BAD_FORM),
    "torn before the end": (request(WHOLE.rstrip(b"-\r\n")), BAD_FORM),
    "bare newlines": (request(WHOLE.replace(b"\r\n", b"\n")), BAD_FORM),
    "wrong length of a part": (request(form(Part(DUMP, '; name="a"', "Content-Length: 3"))), BAD_FORM),
    "header without a colon": (request(form(Part(DUMP, '; name="a"', "rubbish"))), BAD_FORM),
    "endless header": (request(form(Part(DUMP, f'; name="{"a" * 5000}"'))), BAD_FORM),
    "many headers": (request(form(Part(DUMP, '; name="a"', *[f"X-{n}: 1" for n in range(100)]))), BAD_FORM),
    "broken Content-Encoding": (request(b"rubbish", form_headers(content_encoding="gzip")), BAD_BODY),
    "torn Content-Encoding": (request(gzipped(WHOLE)[:-9], form_headers(content_encoding="gzip")), BAD_BODY),
    "empty Content-Encoding body": (request(b"", form_headers(content_encoding="zstd")), BAD_BODY),
    "gzip that is none": (request(zlib.compress(WHOLE), form_headers(content_encoding="gzip")), BAD_BODY),
    "raw, broken encoding": (request(b"rubbish", {**RAW, "content-encoding": "br"}), BAD_BODY),
    "unknown encoding": (request(WHOLE, form_headers(content_encoding="lzma")), BAD_ENCODING),
    "two encodings": (request(WHOLE, form_headers(content_encoding="gzip, br")), BAD_ENCODING),
    "event that is no msgpack": (request(form(file_part("__sentry-event", b"\xc1"), dump_part())), BAD_MSGPACK),
    "event that is a list": (request(form(file_part("__sentry-event", b"\x90"), dump_part())), BAD_MSGPACK),
    "torn event": (request(form(file_part("__sentry-event", b"\x81\xa1a"), dump_part())), BAD_MSGPACK),
    "event with a bad id": (
        request(form(file_part("__sentry-event", msgpack.packb({"event_id": "x"})), dump_part())),
        BAD_MSGPACK,
    ),
    "body": (request(form(dump_part(), Part(bytes(110_000), ""))), TOO_LARGE),
    "body, decompressed": (request(bomb(200_000), form_headers(content_encoding="gzip")), TOO_LARGE),
    "body on the wire": (
        request(gzip.compress(WHOLE + b" " * 30_000, 0), form_headers(content_encoding="gzip")),
        TOO_LARGE,
    ),
    "body, decompressed, too large": (
        request(zstandard.compress(form(dump_part()) + bytes(200_000)), form_headers(content_encoding="zstd")),
        TOO_LARGE,
    ),
    "all files": (request(form(*[file_part(str(n), bytes(20_001)) for n in range(3)], dump_part())), TOO_LARGE),
    "number of files": (request(form(*[file_part(str(n), b"") for n in range(4)], dump_part())), TOO_LARGE),
    "number of parts": (request(form(*[Part("", "") for n in range(10)], dump_part())), TOO_LARGE),
    "fields": (request(form(field_part("a", "x" * 3000), field_part("b", "x" * 3000), dump_part())), FIELDS_TOO_LARGE),
    "field names": (
        request(form(field_part("a" * 3000, ""), field_part("b" * 3000, ""), dump_part())),
        FIELDS_TOO_LARGE,
    ),
    "dump in a form": (request(form(dump_part(DUMP + bytes(50_000)))), BAD_FORM),
    "second dump in a form": (request(form(dump_part(), dump_part(bytes(50_001)))), BAD_FORM),
    "dump, unpacked": (request(form(dump_part(bomb(50_001)))), DUMP_TOO_LARGE),
    "raw dump": (request(DUMP + bytes(50_000), RAW), DUMP_TOO_LARGE),
    "raw dump, unpacked": (request(bomb(50_001), RAW), DUMP_TOO_LARGE),
    "raw dump, decoded": (request(bomb(50_001), {**RAW, "content-encoding": "gzip"}), DUMP_TOO_LARGE),
    "event": (request(form(file_part("__sentry-event", bytes(5001)), dump_part())), EVENT_TOO_LARGE),
    "breadcrumbs": (request(form(file_part("__sentry-breadcrumb2", bytes(5001)), dump_part())), CRUMBS_TOO_LARGE),
}


@pytest.mark.parametrize("name", CASES)
def test_refusal(name: str) -> None:
    sent, expected = CASES[name]
    sent.body.seek(0)
    response = refused_request(sent, SMALL)
    assert response.error is not None
    body = json.loads(response.body)
    assert (response.status, body["detail"], response.error.reason) == expected
    assert all(len(cause) < 300 for cause in body["causes"])
    assert response.headers["content-type"] == "application/json"


def test_an_unknown_encoding_is_told_the_known_ones() -> None:
    response = refused_request(request(WHOLE, form_headers(content_encoding="lzma")))
    assert response.headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_a_dump_without_a_file_name_is_told_what_is_missing() -> None:
    response = refused_request(request(form(field_part("upload_file_minidump", DUMP))))
    assert "filename" in json.loads(response.body)["causes"][0]


def limited(**limits: int) -> Limits:
    return replace(Limits(), **limits)


DUMP_FORM = form(dump_part())
AT_THE_LIMIT = {
    "body": (request(DUMP_FORM), limited(body=len(DUMP_FORM))),
    "compressed body": (
        request(gzipped(DUMP_FORM), form_headers(content_encoding="gzip")),
        limited(compressed_body=len(gzipped(DUMP_FORM))),
    ),
    "body without encoding": (request(DUMP_FORM), limited(compressed_body=10)),
    "file": (request(form(dump_part())), limited(file=len(DUMP))),
    "raw": (request(DUMP, RAW), limited(file=len(DUMP))),
    "unpacked": (request(form(dump_part(gzipped(DUMP)))), limited(file=len(DUMP))),
    "files": (request(form(dump_part(), file_part("a", b"123"))), limited(files=len(DUMP) + 3)),
    "fields": (request(form(field_part("ab", "cde"), dump_part())), limited(event=5)),
    "attachments": (request(form(dump_part(), file_part("a", b""))), limited(attachments=2)),
    "parts": (request(form(dump_part(), field_part("a", ""))), limited(parts=2)),
}


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_what_just_fits_is_taken(name: str) -> None:
    sent, limits = AT_THE_LIMIT[name]
    sent.body.seek(0)
    assert accepted_upload(sent, limits)[1][0] == DUMP


def test_another_file_that_is_too_large_is_left_out() -> None:
    sent = request(
        form(file_part("log", bytes(50_001)), file_part("small", b"x"), dump_part(), file_part("b", bytes(50_001)))
    )
    upload, contents = accepted_upload(sent, replace(SMALL, body=MIB))
    assert [attachment.kind for attachment in upload.attachments] == ["event.minidump", "event.attachment"]
    assert contents == [DUMP, b"x"]


def test_a_request_is_read_no_further_than_its_limit() -> None:
    sent = request(DUMP + bytes(5_000_000), RAW)
    refused_request(sent, SMALL)
    assert sent.body.tell() < 200_000
