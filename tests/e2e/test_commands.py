"""The commands against a running Cairn, as a user types them."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from cairn.store.projects import Project
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
    issue = run(running, "events", "show", event_id, "--json").json["cairn"]["grouping"]["hash"]
    assert issue in shown.out
    of_issue = run(running, "events", "list", "--project", str(project["id"]), "--issue", issue, "--json").json
    assert [event["event_id"] for event in of_issue] == [event_id.replace("-", "")]
    assert run(running, "events", "list", "--project", str(project["id"]), "--issue", "0" * 32, "--json").json == []
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


@pytest.fixture(scope="module")
def quiet(running: Running) -> Project:
    """A project with a key, to which no crash comes."""
    made = running.projects.create("quiet", "Quiet")
    running.projects.create_key(made.id, "unused")
    return made


@pytest.mark.parametrize(
    "command",
    [
        "keys list",
        "events list",
        "filters list",
        "privacy show",
        "sources list",
        "stats",
        "symbols missing",
        "reprocess --since 1d --dry-run",
    ],
)
def test_a_project_is_meant_by_slug_or_number(command: str, running: Running, quiet: Project) -> None:
    by_slug, by_number = (
        run(running, *command.split(), "--project", named, "--json") for named in (quiet.slug, str(quiet.id))
    )
    assert (by_slug.code, by_slug) == (0, by_number)
    unknown = cairn(*command.split(), "--project", "dmeo", environment=running.environment)
    assert (unknown.code, "there is no project dmeo" in unknown.err) == (1, True), unknown.err
    assert "there are: demo (1)" in unknown.err


def test_a_project_is_changed_by_its_slug(running: Running, quiet: Project) -> None:
    (changed,) = run(running, "projects", "update", quiet.slug, "--spike-protection", "on", "--json").json
    assert (changed["id"], changed["spike_protection"]) == (quiet.id, True)


def test_a_refused_debug_file_fails_the_upload(running: Running, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("these are no symbols")
    done = cairn("upload-debug-files", notes, environment=running.environment)
    assert done.code == 1
    assert done.out.startswith("✗ notes.txt: ")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_of_a_folder_each_file_is_told_and_object_files_are_left(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "game.c"
    source.write_text("int main(void) { return 0; }")
    command = ["gcc", "-g", "-gsplit-dwarf", "-save-temps=obj", f"-Wl,--build-id=0x{secrets.token_hex(20)}"]
    subprocess.run([*command, "-o", tmp_path / "game", source], check=True)
    assert list(tmp_path.glob("*.o")) and list(tmp_path.glob("*.dwo"))
    sent = run(running, "upload-debug-files", tmp_path)
    game, problem = sent.out.splitlines()
    assert game.startswith("✓ game  x86_64") and game.endswith("(names, unwinding)")
    assert problem.startswith("  ! There is debug information") and "-gsplit-dwarf" in problem
    (same,) = run(running, "upload-debug-files", tmp_path, "--json").json
    assert (same["name"], same["error"], same["problems"]) == ("game", None, [problem.removeprefix("  ! ")])
    assert problem.strip() in run(running, "symbols", "show", game.split()[3]).out
    (tmp_path / "broken.sym").write_text("MODULE ")
    failed = cairn("upload-debug-files", tmp_path, environment=running.environment)
    assert (failed.code, failed.out.splitlines()[-1]) == (1, "1 of 2 files cannot be used.")
    assert run(running, "upload-debug-files", tmp_path / "game", "--no-wait").out == "✓ game  sent\n"
    (unknown,) = run(running, "upload-debug-files", tmp_path / "game", "--no-wait", "--json").json
    assert (unknown["key"].rpartition("/")[2], unknown["error"]) == ("game", None)


def test_a_token_from_its_making_to_its_end(running: Running) -> None:
    made = run(running, "tokens", "create", "--label", "nightly", "--scope", "project:read", "--json").json
    quiet = run(running, "tokens", "create", "--quiet").out.strip()
    assert quiet.startswith("sntrys_") and "\n" not in quiet
    shown = run(running, "tokens", "create").out
    assert shown.startswith("sntrys_") and "It allows org:ci, and is not shown again." in shown

    listed = {token["id"]: token for token in run(running, "tokens", "list", "--json").json}
    assert (listed[made["id"]]["label"], listed[made["id"]]["scopes"]) == ("nightly", ["project:read"])
    assert made["token"] not in str(listed) and quiet not in str(listed)

    assert run(running, "tokens", "revoke", made["id"], "--json").json[0]["active"] is False
    table = run(running, "tokens", "list").out
    assert f"…{made['ending']}" in table and "nightly" in table


def test_a_token_that_is_not_there_cannot_be_revoked(running: Running) -> None:
    done = cairn("tokens", "revoke", "0" * 12, environment=running.environment)
    assert (done.code, "there is no token 000000000000" in done.err) == (1, True)
