"""The bodies that known clients make, byte for byte as they order and quote them."""

from __future__ import annotations

import base64
import gzip
import json

import msgpack  # type: ignore[import-untyped]
import pytest

from tests.intake.clients import DUMP, KEY, NEW_ID, PATH, Part, accepted_upload, file_part, form, form_headers, request

REPORT = "6f0b2c1e-5d0f-4a53-9b0b-1f8e3a2c7d44"


def crashpad_field(name: str, value: str) -> Part:
    return Part(value, f'; name="{name}"')


def crashpad_file(name: str, content: bytes, filename: str | None = None) -> Part:
    return file_part(name, content, filename or name)


CRASHPAD_FILES = (
    crashpad_file(
        "__sentry-breadcrumb1", msgpack.packb({"message": "opened", "timestamp": "2026-11-23T08:00:00.000Z"})
    ),
    crashpad_file("__sentry-breadcrumb2", b""),
    crashpad_file("__sentry-event", msgpack.packb({"level": "fatal", "release": "game@1", "user": {"id": "7"}})),
    crashpad_file("upload_file_minidump", DUMP, f"{REPORT}.dmp"),
    crashpad_file("view-hierarchy.json", b"{}"),
)


def test_sentry_native_with_crashpad() -> None:
    fields = (crashpad_field("guid", REPORT), crashpad_field("prod", "game"), crashpad_field("ver", "1"))
    query = f"sentry_client=sentry.native/0.16.3&sentry_key={KEY}&product=game&version=1&guid={REPORT}"
    upload, contents = accepted_upload(
        request(
            gzip.compress(form(*fields, *CRASHPAD_FILES)),
            form_headers(content_encoding="gzip", user_agent="Crashpad/0.8.0", transfer_encoding="chunked"),
            query=query,
        )
    )
    assert upload.client == "sentry.native/0.16.3"
    assert upload.event == {
        "event_id": NEW_ID,
        "level": "fatal",
        "release": "game@1",
        "user": {"id": "7"},
        "breadcrumbs": {"values": [{"message": "opened", "timestamp": "2026-11-23T08:00:00.000Z"}]},
    }
    assert [(a.name, a.kind) for a in upload.attachments] == [
        (f"{REPORT}.dmp", "event.minidump"),
        ("view-hierarchy.json", "event.view_hierarchy"),
    ]
    assert contents[0] == DUMP


def test_crashpad_without_sentry() -> None:
    body = form(
        crashpad_field("guid", REPORT),
        crashpad_field("list_annotations", "a\nb"),
        crashpad_field("quote%22d", "x"),
        crashpad_file("upload_file_minidump", DUMP, f"{REPORT}.dmp"),
    )
    upload, _ = accepted_upload(request(body, form_headers(user_agent="Crashpad/0.8.0"), path=PATH.rstrip("/")))
    assert upload.event["extra"] == {"guid": REPORT, "list_annotations": "a\nb", 'quote"d': "x"}


def test_breakpad() -> None:
    boundary = "---------------------------0F8A3C10A5B6D7E8"
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"comments": "it froze", "prod": "Editor", "ver": "2.1"}.items()
    ]
    file_head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="upload_file_minidump"; '
        'filename="C:\\Users\\me\\dumps\\4f.dmp"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    body = "".join(lines).encode() + file_head.encode() + DUMP + f"\r\n--{boundary}--\r\n".encode()
    upload, contents = accepted_upload(request(body, form_headers(boundary)))
    assert contents == [DUMP]
    assert upload.attachments[0].name == "4f.dmp"
    assert upload.event["extra"] == {"comments": "it froze", "prod": "Editor", "ver": "2.1"}


@pytest.mark.parametrize("name", ["mini.dmp", "mini.dmp.gz"])
def test_curl(name: str) -> None:
    boundary = "------------------------d74496d66958873e"
    content = gzip.compress(DUMP) if name.endswith(".gz") else DUMP
    body = form(
        Part("nightly", '; name="build_flavour"'),
        Part("app@1.2.3", '; name="sentry[release]"'),
        Part('{"tags":{"gpu":"none"}}', '; name="sentry"'),
        file_part("upload_file_minidump", content, name),
        file_part("log", b"line\n", "app.log", "text/plain"),
        boundary=boundary,
    )
    upload, contents = accepted_upload(request(body, form_headers(boundary, user_agent="curl/8.5.0")))
    assert contents == [DUMP, b"line\n"]
    assert [a.name for a in upload.attachments] == ["mini.dmp", "app.log"]
    assert upload.event == {
        "event_id": NEW_ID,
        "release": "app@1.2.3",
        "extra": {"build_flavour": "nightly"},
        "tags": {"gpu": "none"},
    }
    assert upload.client == "curl/8.5.0"


def electron_slices(scope: object, size: int) -> list[Part]:
    text = json.dumps(scope, ensure_ascii=False).encode()
    starts = range(0, len(text), size)
    return [Part(text[start : start + size], f'; name="sentry__{n}"') for n, start in enumerate(starts, 1)]


def test_electron() -> None:
    scope = {"release": "app@2", "tags": {"n": "x" * 50_000}, "extra": {"prod": "scope"}, "event_id": "1" * 32}
    initial = {"release": "app@1", "environment": "production", "user": {"id": "7"}}
    slices = electron_slices(scope, 20_300)
    assert len(slices) == 3
    body = form(
        Part("Electron", '; name="prod"'),
        Part("32.0.0", '; name="ver"'),
        Part("My App", '; name="_productName"'),
        Part(json.dumps(initial), '; name="sentry___initialScope"'),
        *reversed(slices),
        file_part("upload_file_minidump", DUMP, "dump.dmp"),
    )
    upload, contents = accepted_upload(request(gzip.compress(body), form_headers(content_encoding="gzip")))
    assert contents == [DUMP]
    assert upload.event == {
        "event_id": NEW_ID,
        "release": "app@1",
        "environment": "production",
        "user": {"id": "7"},
        "tags": {"n": "x" * 50_000},
        "extra": {"prod": "Electron", "ver": "32.0.0", "_productName": "My App"},
    }


def test_old_electron_on_linux() -> None:
    boundary = "----------------------------1234567890"
    inner = form(Part("Electron", '; name="prod"'), file_part("upload_file_minidump", DUMP, "a.dmp"), boundary=boundary)
    upload, contents = accepted_upload(request(form(file_part("upload_file_minidump", inner, "outer.dmp"))))
    assert contents == [DUMP]
    assert upload.event == {"event_id": NEW_ID}


def test_an_uploader_that_sends_the_bare_dump() -> None:
    user = base64.b64encode(f"{KEY}:".encode()).decode()
    headers = {"content-type": "application/x-dmp", "authorization": f"Basic {user}"}
    assert accepted_upload(request(DUMP, headers, query=""))[1] == [DUMP]
