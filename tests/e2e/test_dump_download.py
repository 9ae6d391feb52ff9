"""A stored dump comes back: by command, and by the API with a token for it."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cairn.pipeline.symbolicating.symbolicate import WHOLE_DUMP
from cairn.privacy.settings import Privacy
from cairn_cli.demo.post import post_minidump
from tests.cli.command import Done, cairn
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running
from tests.e2e.test_bad_input import form, post

DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
SECRET = b" jane@example.com "


def run(running: Running, *arguments: str | Path) -> Done:
    return cairn("events", "dump", *arguments, environment=running.environment)


def posted(running: Running, url: str, tmp_path: Path) -> str:
    """Send a dump with a secret, and wait for its event."""
    path = tmp_path / "sent.dmp"
    path.write_bytes(DUMP + SECRET)
    event_id = post_minidump(url, path, {}).replace("-", "")
    running.record(event_id)
    return event_id


@pytest.fixture
def event_id(running: Running, tmp_path: Path) -> str:
    return posted(running, running.minidump_url, tmp_path)


def test_by_command(running: Running, event_id: str, tmp_path: Path) -> None:
    path = tmp_path / "back.dmp"
    done = run(running, event_id, "-o", path)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{path}  {len(DUMP + SECRET):,} bytes, scrubbed\n"
    content = path.read_bytes()
    assert len(content) == len(DUMP + SECRET) and b"jane@" not in content
    assert [file.name for file in tmp_path.iterdir() if "back" in file.name] == ["back.dmp"]
    walked = cairn("stackwalk", path, "--json")
    assert walked.code == 0 and walked.json["crash_info"]["type"] == "SIGSEGV / SEGV_MAPERR"
    told = run(running, event_id.upper(), "-o", path, "--json").json
    assert told == {"event_id": event_id, "file": str(path), "bytes": len(content), "state": "scrubbed"}


def test_what_cannot_be_had_is_said(running: Running, event_id: str, tmp_path: Path) -> None:
    done = run(running, "0" * 32)
    assert done.code == 1 and "there is no event" in done.err
    done = run(running, event_id, "-o", tmp_path / "none" / "back.dmp")
    assert done.code == 1 and "cannot be written: No such file or directory" in done.err
    record = running.record(event_id)
    clients, bucket = running.target.clients, running.target.settings.bucket
    clients.s3.delete_object(Bucket=bucket, Key=record.upload_key.replace("upload.json", "dump"))
    done = run(running, event_id, "-o", tmp_path / "back.dmp")
    assert done.code == 1 and "its dump is past its retention" in done.err
    assert not (tmp_path / "back.dmp").exists()


def test_a_dump_that_the_project_does_not_want(running: Running, tmp_path: Path) -> None:
    project = running.projects.create(f"none-{secrets.token_hex(4)}", "None")
    running.projects.set_privacy(project.id, Privacy(dumps="none"))
    key = running.projects.create_key(project.id, "").public_key
    url = f"{running.cairn.url}/api/{project.id}/minidump/?sentry_key={key}"
    done = run(running, posted(running, url, tmp_path), "-o", tmp_path / "back.dmp")
    assert done.code == 1 and "its dump was removed, as the project wants" in done.err


def get(url: str, token: str) -> tuple[int, bytes]:
    """What a client gets that follows redirects, and leaves its token at home then, as curl does."""

    class Forgetful(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
            request = super().redirect_request(*arguments)
            if request:
                request.remove_header("Authorization")
            return request

    opener = urllib.request.build_opener(Forgetful)
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_by_the_api(running: Running, tmp_path: Path) -> None:
    token = cairn("tokens", "create", "--scope", "event:read", "--quiet", environment=running.environment).out.strip()
    log = b'--B\r\nContent-Disposition: form-data; name="log"; filename="log.txt"\r\n\r\nhello\r\n'
    event_id = post(running.minidump_url, log + form(DUMP))[1].strip()
    running.record(event_id)
    url = f"{running.cairn.url}/api/0/projects/cairn/1/events/{event_id}/attachments/"
    status, listed = get(url, token)
    assert (status, [one["name"] for one in json.loads(listed)]) == (200, ["a.dmp", "log.txt"])
    (dump, attached) = json.loads(listed)
    status, content = get(f"{url}{dump['id']}/?download", token)
    assert (status, len(content), content[:4]) == (200, len(DUMP), b"MDMP")
    assert get(f"{url}{attached['id']}/?download=1", token) == (200, b"hello")
    assert get(f"{url}{dump['id']}/?download", running.token("project:write"))[0] == 403


def test_a_large_one_is_scrubbed_before_it_is_given_out(running: Running, tmp_path: Path) -> None:
    path, back = tmp_path / "large.dmp", tmp_path / "back.dmp"
    path.write_bytes(DUMP + bytes(WHOLE_DUMP) + b"TOKEN=hunter2hunter2\0 " + SECRET)
    sent = cairn("submit", path, "--dsn", running.cairn.dsn, "--json", environment=running.environment)
    assert sent.code == 0, sent.err
    event_id = sent.json[0]["event_id"]
    assert running.event(event_id).cairn.dump is not None
    running.until(lambda: run(running, event_id, "-o", back).code == 0, patience=60)
    content = back.read_bytes()
    assert len(content) == path.stat().st_size
    assert b"jane@" not in content and b"hunter2" not in content
    shown = cairn("events", "show", event_id, "--json", environment=running.environment).json
    assert shown["cairn"]["dump"]["state"] == "scrubbed"
