"""Bad input from outside: each gets a clear answer, and the pipeline goes on."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cairn.store.symbols.debug_files import DebugFiles
from cairn_cli.debug_files import wait
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running

DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
FORM = {"Content-Type": "multipart/form-data; boundary=B"}


def form(content: bytes) -> bytes:
    head = b'--B\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\n'
    return head + content + b"\r\n--B--\r\n"


def post(url: str, body: bytes, headers: Mapping[str, str] = FORM) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}", body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def assert_refused(answer: tuple[int, str], status: int, detail: str) -> None:
    assert answer[0] == status, answer
    assert detail in json.loads(answer[1])["detail"]


def test_a_body_that_is_no_form(running: Running) -> None:
    answer = post(running.minidump_url, b"hello", {"Content-Type": "application/x-www-form-urlencoded"})
    assert_refused(answer, 400, "invalid multipart data")


def test_a_form_without_a_dump(running: Running) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--B--\r\n'
    assert_refused(post(running.minidump_url, body), 400, "missing minidump")


def test_a_torn_form(running: Running) -> None:
    assert_refused(post(running.minidump_url, form(DUMP)[:-200]), 400, "invalid multipart data")


def test_a_wrong_magic(running: Running) -> None:
    assert_refused(post(running.minidump_url, form(b"ELF!" + DUMP[4:])), 400, "invalid minidump")


def test_a_gzip_bomb(running: Running) -> None:
    bomb = gzip.compress(form(bytes(150 * 1024 * 1024)), compresslevel=6)
    started = time.monotonic()
    answer = post(running.minidump_url, bomb, FORM | {"Content-Encoding": "gzip"})
    assert_refused(answer, 413, "request content exceeded size limits")
    assert time.monotonic() - started < 20


def test_a_broken_gzip(running: Running) -> None:
    status, _ = post(running.minidump_url, b"\x1f\x8b not gzip", FORM | {"Content-Encoding": "gzip"})
    assert status == 400


def test_a_wrong_key(running: Running) -> None:
    url = running.minidump_url.rpartition("=")[0] + "=" + "0" * 32
    assert_refused(post(url, form(DUMP)), 403, "event submission rejected with_reason: ProjectId")


def test_no_key(running: Running) -> None:
    assert_refused(post(running.minidump_url.partition("?")[0], form(DUMP)), 401, "missing authorization information")


def test_an_unknown_project(running: Running) -> None:
    url = running.minidump_url.replace("/api/1/", "/api/999/")
    assert_refused(post(url, form(DUMP)), 403, "event submission rejected with_reason: ProjectId")


def test_a_project_that_is_no_number(running: Running) -> None:
    url = running.minidump_url.replace("/api/1/", "/api/lighthouse/")
    assert_refused(post(url, form(DUMP)), 400, "bad project path parameter")


def test_a_body_over_the_limit_of_the_front_door(running: Running) -> None:
    status, body = post(running.minidump_url, form(os.urandom(6 * 1024 * 1024)))
    assert status == 413
    assert "message" in json.loads(body)


@pytest.mark.parametrize(
    "content",
    [DUMP[:200], DUMP[: len(DUMP) // 2], b"MDMP invalid garbage", DUMP[:32] + os.urandom(4096)],
    ids=["directory only", "half", "garbage", "random directory"],
)
def test_a_damaged_dump_is_accepted_and_its_event_says_what_is_wrong(running: Running, content: bytes) -> None:
    status, answer = post(running.minidump_url, form(content))
    assert status == 200
    event = running.event(answer)
    assert event.errors or event.cairn.problems
    assert event.cairn.explanation or event.crash


def test_debug_files_that_are_none(running: Running, tmp_path: Path) -> None:
    files = {
        "random.bin": os.urandom(100_000),
        "empty": b"",
        "torn": (SAMPLE / "lighthouse").read_bytes()[:20_000],
        "not.sym": b"MODULE\nFUNC",
    }
    store = DebugFiles(running.target.settings, running.target.clients)
    keys = []
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        keys.append(store.put(tmp_path / name, name))
    for done in wait(running.target, keys):
        assert not done.entries, done
        assert done.reason and len(done.reason) > 10, done


def test_afterwards_all_is_well(running: Running) -> None:
    status, answer = post(running.minidump_url, form(DUMP))
    assert status == 200
    event = running.event(answer)
    assert event.crash is not None and event.crash.type == "SIGSEGV / SEGV_MAPERR / 0x10"
    for queue in ("CrashDeadLetters", "DebugFileDeadLetters", "CrashQueue", "DebugFileQueue"):
        assert running.queue(queue).waiting == 0, queue
