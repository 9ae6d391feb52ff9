"""Limits and filters on a running Cairn, set on the command line and met by curl, Crashpad and sentry-cli."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.cli.command import cairn
from tests.contract.crashpad import compile_program, crash
from tests.contract.sentry_cli import SentryCli, sentry_cli_3
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running
from tests.e2e.test_bad_input import form, post
from tests.intake.envelopes import dump_item, envelope, item

DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
ENVELOPE = {"Content-Type": "application/x-sentry-envelope"}


@dataclass(frozen=True)
class Project:
    """A project of its own on a running Cairn, and a key of it."""

    running: Running
    id: str
    key: str
    dsn: str
    minidump_url: str

    @property
    def envelope_url(self) -> str:
        return self.minidump_url.replace("/minidump/", "/envelope/")

    def stats(self) -> dict[str, int]:
        """How many crashes had each outcome, by its reason where it has one."""
        found: Counter[str] = Counter()
        for one in self.running_cairn("stats", "--project", self.id, "--json"):
            found[one["reason"] or one["outcome"]] += one["count"]
        return dict(found)

    def running_cairn(self, *arguments: str) -> Any:
        done = cairn(*arguments, environment=self.running.environment)
        assert (done.code, done.err) == (0, ""), done
        return done.json


def project(running: Running, *limits: str, filters: Mapping[str, str] | None = None, spikes: bool = False) -> Project:
    """A new project, made as a user would. Its rules are there before its first crash: functions remember them."""

    def run(*arguments: str) -> Any:
        done = cairn(*arguments, "--json", environment=running.environment)
        assert (done.code, done.err) == (0, ""), done
        return done.json

    made = str(run("projects", "create", f"p{secrets.token_hex(4)}")[0]["id"])
    for kind, pattern in (filters or {}).items():
        run("filters", "add", kind, pattern, "--project", made)
    if spikes:
        run("projects", "update", made, "--spike-protection", "on")
    key = run("keys", "create", "--project", made, *limits)[0]
    return Project(running, made, key["public_key"], key["dsn"], key["minidump_url"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_is_told_that_all_is_well(running: Running) -> None:
    limited = project(running, "--daily", "1")
    command = ["curl", "-sS", "-i", "-F", f"upload_file_minidump=@{SAMPLE / 'lighthouse.dmp'}", limited.minidump_url]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(3)]
    ids = [answer.rstrip()[-36:] for answer in answers]
    for answer in answers:
        assert answer.startswith("HTTP/1.1 200")
        assert "\nretry-after:" not in answer.lower() and "\nx-sentry-rate-limits:" not in answer.lower()
    assert len(set(ids)) == 3
    assert limited.stats() == {"accepted": 1, "quota:daily": 2}
    running.record(ids[0])
    assert [running.events.find(event_id) for event_id in ids[1:]] == [None, None]


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_crashpad_sends_once_and_is_content(running: Running, tmp_path: Path) -> None:
    limited = project(running, "--rate", "1/1d")
    assert post(limited.minidump_url, form(DUMP))[0] == 200
    program = compile_program("int main() { *(volatile int*)0 = 1; }", tmp_path)
    crashed = crash(program, tmp_path, limited.minidump_url)
    (metadata,) = (crashed.database / "completed").glob("*.meta")
    assert len(metadata.read_bytes()[-36:].decode().replace("-", "")) == 32
    assert not list((crashed.database / "pending").glob("*.dmp")), "nothing is left to send again"
    assert limited.stats() == {"accepted": 1, "rate_limited:key": 1}


def test_an_sdk_is_told_to_wait(running: Running) -> None:
    limited = project(running, "--daily", "1")
    body = envelope(item("event", {"level": "fatal"}), dump_item(DUMP))
    parts = urlsplit(limited.envelope_url)
    answers = []
    for _ in range(2):
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.request("POST", f"{parts.path}?{parts.query}", body, ENVELOPE)
        answer = connection.getresponse()
        answers.append((answer.status, answer.headers, answer.read()))
        connection.close()
    (first, _, _), (second, headers, said) = answers
    assert (first, second) == (200, 429)
    seconds = int(headers["retry-after"])
    assert 0 < seconds <= 86400
    assert headers["x-sentry-rate-limits"] == f"{seconds}:error;attachment:key:quota_daily"
    assert headers["access-control-expose-headers"].endswith("x-sentry-rate-limits, retry-after")
    assert json.loads(said)["detail"] == "the crash was dropped: a limit is reached"
    assert post(limited.envelope_url, envelope(item("session", {})), ENVELOPE)[0] == 200


def test_exactly_as_many_as_the_limit_says_of_many_at_once(running: Running) -> None:
    limited = project(running, "--daily", "10")
    body = envelope(item("event", {"message": "dark"}))
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda _: post(limited.envelope_url, body, ENVELOPE)[0], range(40)))
    assert statuses == {200: 10, 429: 30}
    assert limited.stats() == {"accepted": 10, "quota:daily": 30}


@pytest.fixture
def client(tmp_path: Path) -> SentryCli:
    return SentryCli(sentry_cli_3(), tmp_path)


def test_sentry_cli_sees_the_limit(running: Running, client: SentryCli, tmp_path: Path) -> None:
    limited = project(running, "--daily", "1")
    file = tmp_path / "crash.envelope"
    file.write_bytes(envelope(item("event", {"level": "fatal"}), event_id=secrets.token_hex(16)))
    first = client.run("send-envelope", "--log-level=debug", str(file), SENTRY_DSN=limited.dsn)
    assert (first.code, "HTTP/1.1 429" in first.output) == (0, False), first.output
    second = client.run("send-envelope", "--log-level=debug", str(file), SENTRY_DSN=limited.dsn)
    assert "HTTP/1.1 429" in second.output, second.output
    third = client.run("send-event", "-m", "dark", "--log-level=debug", SENTRY_DSN=limited.dsn)
    assert "HTTP/1.1 429" in third.output, third.output
    assert limited.stats() == {"accepted": 1, "quota:daily": 2}


def test_filters_by_release_and_by_message(running: Running) -> None:
    picky = project(running, filters={"release": "lighthouse@0.*", "message": "*SEGV_MAPERR*"})
    for release in ("lighthouse@0.9", "lighthouse@1.0"):
        body = envelope(item("event", {"release": release, "message": "dark"}), event_id=secrets.token_hex(16))
        assert post(picky.envelope_url, body, ENVELOPE)[0] == 200
    status, event_id = post(picky.minidump_url, form(DUMP))
    assert status == 200
    kept = json.loads(post(picky.envelope_url, envelope(item("event", {"message": "bright"})), ENVELOPE)[1])["id"]
    running.record(kept)
    expected = {"accepted": 2, "filtered:release": 1, "filtered:message": 1}
    running.until(lambda: picky.stats() == expected)
    shown = cairn("events", "show", event_id, environment=running.environment)
    assert (shown.code, "was dropped: filtered:message" in shown.err) == (1, True)
    listed = cairn("filters", "list", "--project", picky.id, environment=running.environment).out
    assert "release  lighthouse@0.*" in listed and "message  *SEGV_MAPERR*" in listed


def test_a_protected_project_takes_what_is_usual(running: Running) -> None:
    protected = project(running, spikes=True)
    assert post(protected.minidump_url, form(DUMP))[0] == 200
    assert protected.stats() == {"accepted": 1}
    listed = cairn("projects", "list", environment=running.environment).out
    assert any(line.startswith(protected.id) and line.endswith("spike protection") for line in listed.splitlines())


def test_what_a_client_held_back_is_counted(running: Running) -> None:
    counted = project(running)
    report = {"discarded_events": [{"reason": "ratelimit_backoff", "category": "error", "quantity": 7}]}
    for _ in range(2):
        assert post(counted.envelope_url, envelope(item("client_report", report)), ENVELOPE)[0] == 200
    assert counted.stats() == {"ratelimit_backoff": 14}


def test_what_cannot_be_taken_is_counted_with_its_reason(running: Running) -> None:
    counted = project(running)
    assert post(counted.minidump_url, form(b"rubbish"))[0] == 400
    assert counted.stats() == {"invalid_minidump": 1}
    shown = cairn("stats", "--project", counted.id, "--days", "2", environment=running.environment).out
    assert f"rejected  invalid_minidump  {counted.key}  1" in shown


def test_the_api_has_the_same_counts(running: Running) -> None:
    limited = project(running, "--daily", "1")
    for _ in range(3):
        post(limited.minidump_url, form(DUMP))
    query = f"project={limited.id}&groupBy=outcome&groupBy=reason"
    headers = {"Authorization": f"Bearer {running.token('project:read')}"}
    address = f"{running.cairn.url}/api/0/organizations/cairn/stats_v2/?{query}"
    with urlopen(Request(address, headers=headers), timeout=30) as answer:
        groups = json.loads(answer.read())["groups"]
    assert [(*group["by"].values(), group["totals"]["sum(quantity)"]) for group in groups] == [
        ("accepted", "none", 1),
        ("rate_limited", "quota:daily", 2),
    ]


def test_a_key_is_changed_on_the_command_line(running: Running) -> None:
    made = project(running, "--rate", "100/60s", "--daily", "5000")

    def update(*arguments: str) -> Any:
        return made.running_cairn("keys", "update", made.key, *arguments, "--json")[0]

    assert (update("--label", "x")["rate"], update("--label", "x")["daily"]) == ({"events": 100, "seconds": 60}, 5000)
    assert update("--rate", "none", "--disable")["active"] is False
    changed = update("--daily", "7", "--enable")
    assert (changed["rate"], changed["daily"], changed["active"], changed["label"]) == (None, 7, True, "x")
    for arguments, words in ((("update", "0" * 32, "--enable"), "no key"), (("update", made.key), "nothing is to be")):
        done = cairn("keys", *arguments, environment=running.environment)
        assert (done.code, words in done.err) == (1, True)
