"""The commands against a running Cairn, as a user types them."""

from __future__ import annotations

from pathlib import Path

from cairn_cli.demo.post import post_minidump
from tests.cli.command import Done, cairn
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running


def run(running: Running, *arguments: str | Path) -> Done:
    done = cairn(*arguments, environment=running.environment)
    assert done.err == ""
    return done


def test_a_crash_from_key_to_report(running: Running) -> None:
    project = run(running, "projects", "create", "keeper", "--name", "Keeper", "--json").json[0]
    key = run(running, "keys", "create", "--project", str(project["id"]), "--label", "tests", "--json").json[0]
    sent = run(running, "upload-debug-files", SAMPLE / "lighthouse")
    assert (sent.code, sent.out.startswith("✓ lighthouse")) == (0, True)

    event_id = post_minidump(key["minidump_url"], SAMPLE / "lighthouse.dmp", {"sentry[release]": "keeper@3"})
    running.record(event_id)

    listed = run(running, "events", "list", "--project", str(project["id"]))
    assert event_id.replace("-", "") in listed.out and "Lamp::dim_to" in listed.out and "keeper@3" in listed.out
    shown = run(running, "events", "show", event_id)
    assert "SIGSEGV / SEGV_MAPERR / 0x10" in shown.out
    assert "lighthouse.cpp:11" in shown.out
    assert run(running, "events", "show", event_id, "--json").json["release"] == "keeper@3"


def test_keys_are_listed_with_what_clients_need(running: Running) -> None:
    keys = run(running, "keys", "list", "--json").json
    assert keys[0]["minidump_url"] == running.minidump_url
    assert keys[0]["dsn"] == running.cairn.dsn
    assert keys[0]["public_key"] in run(running, "keys", "list").out


def test_what_is_not_there_is_said(running: Running) -> None:
    for arguments in (["events", "show", "0" * 32], ["keys", "list", "--project", "4711"]):
        done = cairn(*arguments, environment=running.environment)
        assert done.code == 1
        assert "there is no" in done.err and "Traceback" not in done.err


def test_a_refused_debug_file_fails_the_upload(running: Running, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are no symbols")
    done = cairn("upload-debug-files", tmp_path, environment=running.environment)
    assert done.code == 1
    assert done.out.startswith("✗ notes.txt: ")
