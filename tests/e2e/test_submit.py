"""`cairn submit` against a running Cairn: small dumps and large ones, broken lines, and what a client may get wrong."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cairn.store.crashes.signed_uploads import PART_SIZE
from tests.cli.command import CAIRN, Done, cairn
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running
from tests.e2e.relay import Line, open_line
from tests.e2e.test_bad_input import assert_refused, post
from tests.e2e.test_envelopes import key_of, url_of
from tests.minidump.test_distant import large_dump

DUMP = SAMPLE / "lighthouse.dmp"
REASON = "SIGSEGV / SEGV_MAPERR / 0x10"
JSON = {"Content-Type": "application/json"}


def environment(running: Running, tmp_path: Path, **more: str) -> dict[str, str]:
    return {**running.environment, "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}


def submit(running: Running, tmp_path: Path, *arguments: str | Path) -> Done:
    return cairn("submit", *arguments, environment=environment(running, tmp_path))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of 200 MB, most of it memory that no walk needs."""
    path = tmp_path_factory.mktemp("dumps") / "large.dmp"
    path.write_bytes(large_dump(200_000_000))
    return path


def test_a_crash_with_all_that_is_said_of_it(running: Running, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a line\n")
    said = ("--release", "lighthouse@9", "--environment", "tests", "--tag", "gpu=none", "--tag", "a=b=c")
    done = submit(running, tmp_path, DUMP, "--attach", tmp_path / "a.log", *said, "--wait")
    assert (done.code, done.err) == (0, "")
    assert REASON in done.out
    event_id = done.out.split()[2]
    event = running.event(event_id)
    assert (event.release, event.environment) == ("lighthouse@9", "tests")
    assert event.tags == {"gpu": "none", "a": "b=c"}
    assert [(file.name, file.size) for file in event.cairn.attachments] == [
        ("lighthouse.dmp", DUMP.stat().st_size),
        ("a.log", 7),
    ]
    assert list((tmp_path / "cache/cairn/submit").iterdir()) == []


def test_nothing_but_a_dsn_is_needed(running: Running, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    for arguments, more in ((["--dsn", running.cairn.dsn], {}), ([], {"SENTRY_DSN": running.cairn.dsn})):
        done = cairn("submit", DUMP, "--json", *arguments, environment={**bare, **more})
        assert (done.code, done.err) == (0, "")
        assert running.record(done.json[0]["event_id"]).status == "symbolicated"


def test_several_and_one_that_is_none(running: Running, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no dump")
    (tmp_path / "packed.dmp.gz").write_bytes(gzip.compress(DUMP.read_bytes()))
    done = submit(running, tmp_path, DUMP, tmp_path / "notes.txt", tmp_path / "packed.dmp.gz", "--json")
    good, bad, packed = done.json
    assert done.code == 1
    assert "begins with" in bad["error"] and bad["event_id"] is None
    for one in (good, packed):
        assert running.event(one["event_id"]).crash is not None
        assert one["bytes"] == DUMP.stat().st_size
    assert running.event(packed["event_id"]).cairn.attachments[0].name == "packed.dmp"


def test_a_dump_of_200_mb_becomes_an_event(running: Running, tmp_path: Path, large: Path) -> None:
    done = submit(running, tmp_path, large, "--json")
    assert (done.code, done.err) == (0, "")
    event = running.event(done.json[0]["event_id"])
    assert running.record(event.event_id).status == "symbolicated"
    assert event.cairn.attachments[0].size == large.stat().st_size
    assert event.crash is not None and event.crash.stacktrace is not None
    assert [frame.package for frame in event.crash.stacktrace.frames] == ["/bin/a"]
    assert event.cairn.problems == ()


def test_a_run_that_was_killed_is_gone_on_with(running: Running, tmp_path: Path, large: Path) -> None:
    with open_line(running.cairn) as line:
        line.parts_left = 5
        command = [CAIRN, "submit", str(large), "--dsn", line.dsn]
        with subprocess.Popen(command, env=environment(running, tmp_path), stdout=subprocess.DEVNULL) as first:
            assert line.stuck.wait(60)
            soon_has_parts(running, tmp_path, line, 5)
            first.kill()
        before, line.parts, line.parts_left = line.parts, [], 1_000_000
        line.opened.set()
        done = submit(running, tmp_path, large, "--dsn", line.dsn, "--json")
        assert (done.code, done.err) == (0, "")
        assert len(before) == 5
        assert sorted(before + line.parts) == list(range(1, -(-large.stat().st_size // PART_SIZE) + 1))
        assert done.json[0]["resumed"] == 5 * PART_SIZE
        assert len([path for path in line.asked if path.endswith("/uploads/")]) == 1
    assert running.record(done.json[0]["event_id"]).status == "symbolicated"


def soon_has_parts(running: Running, tmp_path: Path, line: Line, number: int) -> None:
    """Wait until S3 has so many parts: only then is the first run killed."""
    (begun,) = (tmp_path / "cache/cairn/submit").iterdir()
    path = f"1/minidump/uploads/{json.loads(begun.read_text())['id']}/"
    deadline = time.monotonic() + 60
    while ask(running, path)["received"] < number * PART_SIZE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_bad_line_is_no_reason_to_give_up(running: Running, tmp_path: Path) -> None:
    with open_line(running.cairn) as line:
        line.failures = 3
        done = submit(running, tmp_path, DUMP, "--dsn", line.dsn, "--json")
    assert (done.code, done.err) == (0, "")


def test_a_part_that_is_spoilt_on_its_way_is_sent_again(running: Running, tmp_path: Path) -> None:
    with open_line(running.cairn) as line:
        line.spoils = 1
        done = submit(running, tmp_path, DUMP, "--dsn", line.dsn, "--json")
        assert (done.code, done.err) == (0, "")
        assert line.parts == [1, 1]
    assert running.record(done.json[0]["event_id"]).status == "symbolicated"
    event = running.event(done.json[0]["event_id"])
    assert event.cairn.attachments[0].size == DUMP.stat().st_size


def test_an_address_for_curl_does_as_well(running: Running, tmp_path: Path) -> None:
    url = running.minidump_url
    bare, key = url.partition("?")[0], key_of(running)
    for where in (["--url", url], ["--url", bare, "--key", key]):
        done = submit(running, tmp_path, DUMP, *where, "--json")
        assert (done.code, done.err) == (0, "")
        assert running.record(done.json[0]["event_id"]).status == "symbolicated"


def test_a_folder_and_one_dump_that_is_none(running: Running, tmp_path: Path) -> None:
    reports = tmp_path / "Crashpad/completed"
    reports.mkdir(parents=True)
    (reports / "a.dmp").write_bytes(DUMP.read_bytes())
    (reports / "b.dmp").write_text("no dump")
    (tmp_path / "Crashpad/settings.dat").write_text("x")
    done = submit(running, tmp_path, tmp_path / "Crashpad", "--json")
    assert done.code == 1
    assert [(Path(one["file"]).name, one["error"] is None) for one in done.json] == [("a.dmp", True), ("b.dmp", False)]
    assert running.record(done.json[0]["event_id"]).status == "symbolicated"


def test_an_interrupted_run_ends_at_once_and_says_how_to_go_on(running: Running, tmp_path: Path) -> None:
    with open_line(running.cairn) as line:
        line.parts_left = 0
        command = [CAIRN, "submit", str(DUMP), "--dsn", line.dsn]
        with subprocess.Popen(command, env=environment(running, tmp_path), stderr=subprocess.PIPE, text=True) as run:
            assert line.stuck.wait(60)
            run.send_signal(signal.SIGINT)
            assert run.wait(10) == 130
            assert run.stderr is not None
            assert run.stderr.read() == "cairn: stopped; the same command goes on from here\n"


def test_an_upload_that_is_gone_is_begun_anew(running: Running, tmp_path: Path) -> None:
    with open_line(running.cairn) as line:
        line.parts_left = 0
        with subprocess.Popen([CAIRN, "submit", DUMP, "--dsn", line.dsn], env=environment(running, tmp_path)) as first:
            assert line.stuck.wait(60)
            first.kill()
        (begun,) = (tmp_path / "cache/cairn/submit").iterdir()
        begun.write_text(json.dumps({"id": secrets.token_hex(16)}))
        line.parts_left = 9
        line.opened.set()
        assert submit(running, tmp_path, DUMP, "--dsn", line.dsn).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.dmp"], "missing.dmp: No such file"),
        (["/dev/fd"], "no minidumps in /dev/fd"),
        ([DUMP, "--url", "https://example.com/"], "the URL cannot be read"),
        ([DUMP, "--key", "0" * 32], "--key needs --url"),
        ([DUMP, "--dsn", "hello"], "the DSN cannot be read"),
        ([DUMP, "--dsn", "http://" + "0" * 32 + "@127.0.0.1:1/1"], "does not answer"),
        ([DUMP, "--tag", "gpu"], "--tag gpu has no value"),
        ([DUMP, "--attach", "/dev/null"], "/dev/null is empty"),
        ([SAMPLE / "lighthouse"], "begins with the letters MDMP"),
    ],
    ids=["no file", "no dumps", "no url", "a key alone", "no dsn", "nobody there", "no tag", "empty", "no dump"],
)
def test_what_cannot_be_sent_is_said(running: Running, tmp_path: Path, arguments: list[Any], said: str) -> None:
    done = submit(running, tmp_path, *arguments)
    assert done.code == 1
    assert said in done.err and "Traceback" not in done.err


def test_a_wrong_key_is_said(running: Running, tmp_path: Path) -> None:
    done = submit(running, tmp_path, DUMP, "--dsn", running.cairn.dsn.replace(key_of(running), "0" * 32))
    assert done.code == 1
    assert "403 event submission rejected" in done.err and "there is no such key" in done.err


def ask(running: Running, path: str, body: Any = None) -> Any:
    status, answer = post(url_of(running, path, f"sentry_key={key_of(running)}"), json.dumps(body).encode(), JSON)
    assert status in (200, 201), answer
    return json.loads(answer)


def refused(running: Running, path: str, status: int, detail: str, body: Any = None) -> None:
    answer = post(url_of(running, path, f"sentry_key={key_of(running)}"), json.dumps(body).encode(), JSON)
    assert_refused(answer, status, detail)


def put(url: str, content: bytes) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, method="PUT"), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


UPLOADS = "1/minidump/uploads/"


def test_the_steps_one_by_one(running: Running) -> None:
    content = DUMP.read_bytes()
    event_id = secrets.token_hex(16)
    said = {"name": "../../x.dmp", "size": len(content), "fields": {"sentry[event_id]": event_id, "ver": "7"}}
    begun = ask(running, UPLOADS, said)
    commit = f"{UPLOADS}{begun['id']}/commit/"
    assert (begun["event_id"], begun["received"]) == (event_id, 0)
    refused(running, commit, 409, "upload not complete")
    (part,) = begun["parts"]
    assert put(part["url"], content[:-1]) == 403
    refused(running, commit, 409, "upload not complete")
    assert put(part["url"], content) == 200
    assert ask(running, f"{UPLOADS}{begun['id']}/")["parts"] == []
    assert [ask(running, commit) for _ in range(2)] == [{"id": event_id}] * 2
    assert running.event(event_id).extra["ver"] == "7"
    assert running.event(event_id).cairn.attachments[0].name == "../../x.dmp"

    again = ask(running, UPLOADS, said)
    assert put(again["parts"][0]["url"], content) == 200
    assert ask(running, f"{UPLOADS}{again['id']}/commit/") == {"id": event_id}
    listed = [summary.event_id for summary in running.events.list(1, 200).items]
    assert listed.count(event_id) == 1


def test_what_is_no_dump_is_refused_and_goes_away(running: Running) -> None:
    begun = ask(running, UPLOADS, {"name": "x", "size": 4})
    assert put(begun["parts"][0]["url"], b"MZ\0\0") == 200
    refused(running, f"{UPLOADS}{begun['id']}/commit/", 400, "invalid minidump")
    refused(running, f"{UPLOADS}{begun['id']}/commit/", 404, "upload not found")


def test_another_project_has_no_part_in_an_upload(running: Running) -> None:
    begun = ask(running, UPLOADS, {"name": "x", "size": 4})
    other = running.projects.create(f"other-{secrets.token_hex(4)}", "Other")
    key = running.projects.create_key(other.id, "tests").public_key
    for path in (f"{UPLOADS}{begun['id']}/", f"{UPLOADS}{begun['id']}/commit/"):
        theirs = url_of(running, path.replace("1/", f"{other.id}/", 1), f"sentry_key={key}")
        assert_refused(post(theirs, b"", JSON), 404, "upload not found")
        assert_refused(post(url_of(running, path, f"sentry_key={key}"), b"", JSON), 403, "event submission rejected")
        assert_refused(post(url_of(running, path), b"", JSON), 401, "missing authorization")


@pytest.mark.parametrize("upload", ["0" * 32, "x", "..", "%2e%2e%2fplan.json", "A" * 32, "0" * 4000])
def test_an_upload_that_never_was(running: Running, upload: str) -> None:
    refused(running, f"{UPLOADS}{upload}/commit/", 404, "not found")


@pytest.mark.parametrize("size", [-1, 0, 1.5, "4", None, True])
def test_a_size_that_is_none(running: Running, size: Any) -> None:
    refused(running, UPLOADS, 400, "invalid upload", {"name": "x", "size": size})


def test_a_size_that_is_too_large(running: Running) -> None:
    refused(running, UPLOADS, 413, "upload exceeded size limits", {"name": "x", "size": 5 * 1024**3 + 1})
