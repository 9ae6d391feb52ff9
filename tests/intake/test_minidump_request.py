"""What an accepted request becomes: its files, its event, its id."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import msgpack  # type: ignore[import-untyped]
import pytest
import zstandard

from cairn.intake.upload import Attachment
from tests.intake.clients import (
    BOUNDARY,
    DUMP,
    NEW_ID,
    Part,
    accepted_upload,
    dump_part,
    field_part,
    file_part,
    form,
    form_headers,
    request,
    sent_event,
)

ID = "6f0b2c1e5d0f4a539b0b1f8e3a2c7d44"
OTHER_ID = "1" * 32
BIG_ENDIAN = b"PMDM" + DUMP[4:]


def files(*parts: Part) -> list[tuple[str, str, str, bytes]]:
    upload, contents = accepted_upload(request(form(*parts)))
    return [(a.name, a.content_type, a.kind, content) for a, content in zip(upload.attachments, contents, strict=True)]


def the_dump(*parts: Part) -> tuple[Attachment, bytes]:
    upload, contents = accepted_upload(request(form(*parts)))
    assert upload.dump is upload.attachments[0]
    return upload.attachments[0], contents[0]


def event_file(**values: object) -> Part:
    return file_part("__sentry-event", msgpack.packb(values))


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-dmp"])
def test_a_raw_dump(content_type: str) -> None:
    upload, contents = accepted_upload(request(DUMP, {"content-type": content_type}))
    assert contents == [DUMP]
    (dump,) = upload.attachments
    assert (dump.name, dump.content_type, dump.kind, dump.size) == (
        "Minidump",
        "application/x-dmp",
        "event.minidump",
        len(DUMP),
    )
    assert upload.event == {"event_id": NEW_ID}


def test_a_raw_dump_that_is_compressed() -> None:
    upload, contents = accepted_upload(request(lzma.compress(DUMP), {"content-type": "application/x-dmp"}))
    assert contents == [DUMP]
    assert upload.attachments[0].name == "Minidump"


@pytest.mark.parametrize("content", [DUMP, BIG_ENDIAN, b"MDMP", b"MDMP invalid garbage"])
def test_only_the_first_four_bytes_are_looked_at(content: bytes) -> None:
    assert the_dump(dump_part(content))[1] == content


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("", bytes),
        ("UTF-8", bytes),
        ("identity", bytes),
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_content_encodings(encoding: str, encode: Callable[[bytes], bytes], raw: bool) -> None:
    headers = {"content-type": "application/x-dmp"} if raw else form_headers()
    body = DUMP if raw else form(dump_part())
    assert accepted_upload(request(encode(body), {**headers, "content-encoding": encoding}))[1] == [DUMP]


@pytest.mark.parametrize(
    ("compress", "sent", "stored"),
    [
        (gzip.compress, "mini.dmp.gz", "mini.dmp"),
        (lzma.compress, "mini.dmp.xz", "mini.dmp"),
        (bz2.compress, "mini.dmp.bz2", "mini.dmp"),
        (zstandard.compress, "mini.dmp.zst", "mini.dmp"),
        (gzip.compress, "mini.dmp.gz.gz", "mini.dmp.gz"),
        (gzip.compress, "mini.dmp", "mini.dmp"),
        (gzip.compress, "mini.xz", "mini"),
        (gzip.compress, "mini.zip", "mini.zip"),
        (bytes, "mini.dmp.gz", "mini.dmp.gz"),
    ],
)
def test_a_compressed_dump_is_unpacked_by_its_first_bytes(
    compress: Callable[[bytes], bytes], sent: str, stored: str
) -> None:
    dump, content = the_dump(dump_part(compress(DUMP), sent))
    assert (dump.name, dump.content_type, dump.size, content) == (stored, "application/x-dmp", len(DUMP), DUMP)


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\nepilogue", b"\n"])
def test_the_end_of_a_form(end: bytes) -> None:
    assert accepted_upload(request(form(dump_part(), end=end)))[1] == [DUMP]


@pytest.mark.parametrize("preamble", [b"\r\n", b"preamble\r\n", b"\r\n" * 1000])
def test_the_beginning_of_a_form(preamble: bytes) -> None:
    assert accepted_upload(request(preamble + form(dump_part())))[1] == [DUMP]


@pytest.mark.parametrize(
    ("boundary", "content_type"),
    [
        (BOUNDARY, f"multipart/form-data; boundary={BOUNDARY}"),
        ("a b", 'multipart/form-data; boundary="a b"'),
        ("B", "Multipart/Form-Data; charset=utf-8; boundary=B"),
        ("B", "multipart/form-data;boundary=B"),
        ("B" * 70, f"multipart/form-data; boundary={'B' * 70}"),
        ("----WebKitFormBoundary1", "multipart/form-data; boundary=----WebKitFormBoundary1"),
    ],
)
def test_boundaries(boundary: str, content_type: str) -> None:
    body = form(dump_part(), boundary=boundary)
    assert accepted_upload(request(body, {"content-type": content_type}))[1] == [DUMP]


def test_a_dump_that_has_the_boundary_in_it() -> None:
    content = DUMP + f"\r\n--{BOUNDARY[:-1]}\r\n".encode() + DUMP
    assert the_dump(dump_part(content))[1] == content


def test_files_and_fields_are_told_apart_by_the_file_name() -> None:
    upload, contents = accepted_upload(
        request(
            form(
                Part("value", '; name="text"'),
                Part(b"bytes", '; name="log"; filename="log.txt"', "Content-Type: text/plain"),
                Part(b"unnamed", '; filename="unnamed.bin"'),
                Part(b"empty name", '; name="e"; filename=""'),
                Part(b"skipped"),
                dump_part(),
            )
        )
    )
    assert [(a.name, a.content_type, a.kind) for a in upload.attachments[1:]] == [
        ("log.txt", "text/plain", "event.attachment"),
        ("unnamed.bin", "application/octet-stream", "event.attachment"),
        ("", "application/octet-stream", "event.attachment"),
    ]
    assert contents == [DUMP, b"bytes", b"unnamed", b"empty name"]
    assert upload.event == {"event_id": NEW_ID, "extra": {"text": "value"}}


def test_a_part_without_disposition_is_passed_over() -> None:
    part = Part("x")
    part.data = b"Content-Type: text/plain\r\n\r\nx\r\n"
    assert sent_event(part) == {"event_id": NEW_ID}


@pytest.mark.parametrize(
    ("name", "filename", "kind"),
    [
        ("log", "log.txt", "event.attachment"),
        ("view-hierarchy.json", "anything", "event.view_hierarchy"),
        ("view-hierarchy", "view-hierarchy.json", "event.attachment"),
        ("gpu", "a.nv-gpudmp", "event.nv_gpudmp"),
        ("view-hierarchy.json", "a.nvdbg", "event.nv_shader_debug"),
        ("upload_file_minidump2", "mini.dmp", "event.attachment"),
        ("sentry", "event.json", "event.attachment"),
    ],
)
def test_kinds_of_files(name: str, filename: str, kind: str) -> None:
    assert files(dump_part(), file_part(name, b"x", filename))[1][2] == kind


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Grüße.txt", "Grüße.txt"),
        ("a%22b.txt", 'a"b.txt'),
        ("../../etc/passwd", "../../etc/passwd"),
        ("\udcff.txt", "�.txt"),
        ("C:\\dumps\\a.txt", "a.txt"),
    ],
)
def test_file_names(sent: str, stored: str) -> None:
    assert files(dump_part(), file_part("log", b"x", sent))[1][0] == stored


def test_text_that_is_not_utf8_is_replaced() -> None:
    assert sent_event(field_part("a", b"\xff\xfe"), field_part("\udcff", "x"))["extra"] == {"a": "��", "�": "x"}


def test_of_several_dumps_the_first_is_the_dump() -> None:
    found = files(file_part("log", b"l", "l"), dump_part(DUMP, "a.dmp"), dump_part(BIG_ENDIAN, "b.dmp"))
    assert [(name, kind) for name, _, kind, _ in found] == [
        ("a.dmp", "event.minidump"),
        ("l", "event.attachment"),
        ("b.dmp", "event.minidump"),
    ]
    assert found[0][3] == DUMP
    assert found[2][3] == BIG_ENDIAN


INNER = "----------inner-1234"


@pytest.mark.parametrize("before", [b"", b"\r\n", b"\r\n\r\n"])
@pytest.mark.parametrize(
    "inner", [dump_part(), field_part("upload_file_minidump", DUMP), dump_part(gzip.compress(DUMP))]
)
def test_a_form_within_the_dump(inner: Part, before: bytes) -> None:
    content = before + form(field_part("prod", "Electron"), inner, boundary=INNER)
    dump, found = the_dump(dump_part(content, "outer.dmp"))
    assert (dump.name, dump.size, found) == ("outer.dmp", len(DUMP), DUMP)


@pytest.mark.parametrize(
    "content",
    [
        b"--" + DUMP,
        b"--\r\n" + DUMP,
        form(field_part("other", DUMP), boundary=INNER),
        form(dump_part(), boundary=INNER)[:-200],
        form(dump_part(b"GIF89a"), boundary=INNER),
        b"--" + b"x" * 5000 + b"\r\n" + DUMP,
        form(dump_part(form(dump_part(), boundary="deeper")), boundary=INNER),
    ],
)
def test_a_form_within_that_has_no_dump(content: bytes) -> None:
    from tests.intake.clients import refused_request

    response = refused_request(request(form(dump_part(content))))
    assert (response.status, b"invalid minidump" in response.body) == (400, True)


def test_fields_make_the_event() -> None:
    event = sent_event(
        field_part("sentry[release]", "app@1.2.3"),
        field_part("build_flavour", "nightly"),
        field_part("sentry", '{"release":"no","tags":{"a":"b"}}'),
    )
    assert event == {
        "event_id": NEW_ID,
        "release": "app@1.2.3",
        "extra": {"build_flavour": "nightly"},
        "tags": {"a": "b"},
    }


def test_an_event_file_beats_the_fields() -> None:
    event = sent_event(field_part("sentry[release]", "no"), event_file(release="yes"), field_part("guid", "no"))
    assert event == {"event_id": NEW_ID, "release": "yes"}


@pytest.mark.parametrize("part", [file_part("__sentry-event", b""), file_part("__sentry-breadcrumb1", b"")])
def test_an_empty_event_file_beats_them_too(part: Part) -> None:
    assert sent_event(field_part("guid", "no"), part) == {"event_id": NEW_ID}


def test_an_event_that_came_as_a_field_is_a_field() -> None:
    assert sent_event(field_part("__sentry-event", "x"))["extra"] == {"__sentry-event": "x"}


def test_files_that_make_the_event_are_not_kept() -> None:
    found = files(
        event_file(level="fatal"),
        file_part("__sentry-breadcrumb1", msgpack.packb({"message": "a"})),
        file_part("__sentry-breadcrumb2", b""),
        dump_part(),
        file_part("view-hierarchy.json", b"{}", "view-hierarchy.json"),
    )
    assert [kind for _, _, kind, _ in found] == ["event.minidump", "event.view_hierarchy"]


@pytest.mark.parametrize(
    ("parts", "event_id"),
    [
        ([event_file(event_id=ID.upper())], ID),
        ([event_file(event_id=ID), field_part("sentry[event_id]", OTHER_ID)], ID),
        ([event_file(release="1"), field_part("sentry[event_id]", ID)], ID),
        ([event_file(event_id=None)], NEW_ID),
        ([field_part("sentry", f'{{"event_id":"{ID}"}}')], ID),
        ([field_part("sentry[event_id]", "6F0B2C1E-5D0F-4A53-9B0B-1F8E3A2C7D44")], ID),
        ([field_part("sentry[event_id]", "rubbish")], NEW_ID),
        ([field_part("sentry__1", f'{{"event_id":"{ID}"}}')], NEW_ID),
        ([field_part("sentry___initialScope", f'{{"event_id":"{ID}"}}')], NEW_ID),
        ([], NEW_ID),
    ],
)
def test_event_ids(parts: list[Part], event_id: str) -> None:
    upload, _ = accepted_upload(request(form(*parts, dump_part())))
    assert upload.event_id == event_id
    assert upload.event["event_id"] == event_id
