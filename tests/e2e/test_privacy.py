"""Secrets on their whole way: out of the event, and out of the stored dump."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from cairn.store.crashes.uploads import Uploads
from cairn_cli.demo.post import post_minidump
from tests.cli.command import cairn
from tests.contract.crashpad import catching, compile_program
from tests.e2e.conftest import Running

CANARY = "canary4711"
SOURCE = """
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
__attribute__((noinline)) int look(const int* at) { return *at; }
int main() {
    char mail[64];
    std::snprintf(mail, sizeof mail, "%s@example.com", getenv("GREETING"));
    pthread_setname_np(pthread_self(), "canary4711");
    return look(mail[0] ? nullptr : new int) + 1;
}
"""


def crashed(folder: Path) -> Path:
    """The dump of a program whose name, thread, environment and memory hold the canary."""
    program = compile_program(SOURCE, folder, "-g", "-O1", name=f"program-{CANARY}")
    secret = {"DB_PASSWORD": f"{CANARY}-pass", "GREETING": CANARY, "HOME": f"/home/{CANARY}"}
    subprocess.run([program], env={**catching(folder), **secret}, check=False, timeout=60)
    (dump,) = (folder / "crashpad").rglob("*.dmp")
    return dump


def test_secrets_are_in_no_event_and_no_dump(running: Running, tmp_path: Path) -> None:
    dump = crashed(tmp_path)
    assert f"{CANARY}@example.com".encode() in dump.read_bytes()
    fields = {
        "sentry[extra][mail]": f"{CANARY}@example.com",
        "sentry[tags][password]": CANARY,
        "sentry[user][ip_address]": "10.11.12.13",
        "note": f"/home/{CANARY}/x",
    }
    event_id = post_minidump(running.minidump_url, dump, fields)
    record = running.record(event_id)
    said = Uploads(running.target.settings, running.target.clients).read(record.upload_key, 1_000_000)
    assert said and CANARY.encode() not in said.replace(dump.name.encode(), b"")
    event = running.event(event_id)
    assert event.extra["mail"] == "[email]" and event.tags["password"] == "[Filtered]"
    assert event.user == {"ip_address": "[ip]"}
    kept = Uploads(running.target.settings, running.target.clients).read(
        record.upload_key.replace("upload.json", "dump"), 10_000_000
    )
    assert kept is not None and len(kept) == dump.stat().st_size
    for secret in (f"{CANARY}@example.com", f"{CANARY}-pass", f"/home/{CANARY}"):
        assert secret.encode() not in kept


def test_a_project_chooses_by_command(running: Running) -> None:
    environment = {**running.environment, "COLUMNS": "200", "PATH": os.environ["PATH"]}

    def run(*arguments: str) -> Any:
        return cairn("privacy", *arguments, "--json", environment=environment).json

    project = str(running.projects.create("private", "Private").id)
    assert run("show", "--project", project)["dumps"] == "all"
    asked = ("--dumps", "newest=3", "--scrub-dumps", "off", "--safe-field", "note", "--sensitive-field", "player")
    changed = run("set", "--project", project, *asked)
    assert (changed["dumps"], changed["scrub"], changed["scrub_dumps"]) == ("newest=3", True, False)
    assert run("set", "--project", project, "--sensitive-field", "note")["safe_fields"] == []
    assert run("set", "--project", project, "--forget-field", "note")["sensitive_fields"] == ["player"]
    assert "newest=3" in cairn("privacy", "show", "--project", project, environment=environment).out
    for wrong in (["set", "--dumps", "some"], ["show", "--project", "4711"]):
        done = cairn("privacy", *wrong, environment=environment)
        assert done.code in (1, 2) and done.err
