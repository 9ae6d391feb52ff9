"""`cairn symbols` against a running Cairn: from a crash that lacks symbols to files that are gone again."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import secrets
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn_cli.demo.post import post_minidump
from tests.cli.command import CAIRN, cairn
from tests.contract.crashpad import compile_program, crash
from tests.e2e.conftest import Running
from tests.e2e.test_commands import run
from tests.e2e.test_real_clients import SOURCE

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")


@pytest.fixture
def build_id() -> str:
    """One that no Cairn has seen."""
    return secrets.token_hex(20)


@pytest.fixture
def crashed(running: Running, tmp_path: Path, build_id: str) -> Path:
    """A program that has crashed, and whose symbols nobody has sent."""
    program = compile_program(SOURCE, tmp_path, "-g", "-O1", f"-Wl,--build-id=0x{build_id}", name="my game")
    running.record(post_minidump(running.minidump_url, crash(program, tmp_path).dumps[0], {}))
    return program


def missing(running: Running, build_id: str) -> list[dict[str, Any]]:
    found = run(running, "symbols", "missing", "--json").json
    return [module for module in found if module["codeId"] == build_id]


def test_a_missing_file_from_the_list_to_its_end(
    running: Running, crashed: Path, build_id: str, tmp_path: Path
) -> None:
    (wanted,) = until_there(running, build_id)
    assert (wanted["name"], wanted["crashes"], wanted["status"]) == ("my game", 1, "missing")
    assert wanted["lacks"] == ["names", "lines", "unwinding"]
    assert wanted["command"] == "cairn upload-debug-files 'PATH/TO/my game.debug' 'PATH/TO/my game'"
    printed = run(running, "symbols", "missing").out
    assert build_id in printed and wanted["command"] in printed and "no debug file with this id was uploaded" in printed
    assert "Linux x86_64  1 crash" in printed

    checked = run(running, "symbols", "check", crashed.parent).out
    assert f"wanted by 1  {crashed}" in checked
    assert checked.endswith(f"cairn upload-debug-files '{crashed}'\n")
    (tmp_path / "other").mkdir()
    other = compile_program(SOURCE, tmp_path / "other", f"-Wl,--build-id=0x{secrets.token_hex(20)}", name="my game")
    (wrong,) = run(running, "symbols", "check", other, "--json").json
    assert (wrong["state"], wrong["reason"].startswith("of another build than crashes wait for: ")) == ("new", True)
    refused = cairn("symbols", "show", build_id, environment=running.environment)
    assert (refused.code, "one crash waits for it" in refused.err) == (1, True)

    assert run(running, "upload-debug-files", crashed).code == 0
    deadline = time.monotonic() + 30
    while missing(running, build_id):
        assert time.monotonic() < deadline, "it is still missing"
        time.sleep(0.1)
    assert run(running, "symbols", "check", crashed, "--json").json[0]["state"] == "uploaded"
    shown = run(running, "symbols", "show", elf_debug_id(build_id)).out
    assert "my game" in shown and "names, lines, unwinding" in shown and "s3://" in shown
    breakpads = elf_debug_id(build_id).replace("-", "").upper() + "0"
    assert run(running, "symbols", "show", breakpads).out == shown
    (listed,) = run(running, "symbols", "list", "--query", build_id, "--json").json
    assert listed["sha1"] in run(running, "symbols", "list", "--query", build_id).out

    unsure = cairn("symbols", "delete", build_id, environment=running.environment)
    assert (unsure.code, "--yes" in unsure.err) == (1, True)
    deleted = run(running, "symbols", "delete", build_id, "--yes").out
    assert deleted == "✓ my game: deleted 1 debug file, 1 symbol file, 0 hot sets, 1 entry of the index\n"
    assert "There is no debug file" in run(running, "symbols", "delete", listed["debugId"], "--yes").out
    assert f"nothing is left of {listed['sha1']}" in run(running, "symbols", "delete", listed["sha1"], "--yes").out
    assert run(running, "symbols", "check", crashed, "--json").json[0]["state"] == "new"
    assert run(running, "symbols", "check", crashed).out.endswith("shows the ids that crashes wait for.\n")
    assert run(running, "upload-debug-files", crashed).code == 0, "and it can be sent again"
    (gone,) = run(running, "symbols", "delete", build_id, "--yes", "--json").json
    assert gone["entries"][0]["features"]["symbols"] is True


def until_there(running: Running, build_id: str) -> list[dict[str, Any]]:
    """The event is stored before the crash begins to wait."""
    deadline = time.monotonic() + 30
    while not (found := missing(running, build_id)):
        assert time.monotonic() < deadline, "nothing is missing"
        time.sleep(0.1)
    return found


def test_the_api_gives_the_same_list(running: Running, crashed: Path, build_id: str) -> None:
    (wanted,) = until_there(running, build_id)
    request = urllib.request.Request(
        f"{running.cairn.url}/api/0/projects/cairn/demo/files/missing/",
        headers={"Authorization": f"Bearer {running.token('project:read')}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert wanted in json.loads(answer.read())


@pytest.mark.parametrize(("answer", "said", "code"), [("n", "Nothing was deleted.", 1), ("y", "✓ my game: deleted", 0)])
def test_deleting_asks_first(running: Running, crashed: Path, build_id: str, answer: str, said: str, code: int) -> None:
    run(running, "upload-debug-files", crashed)
    person, terminal = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    command = [CAIRN, "symbols", "delete", build_id]
    done = subprocess.run(
        command, stdin=terminal, capture_output=True, text=True, env=running.environment, timeout=60, check=False
    )
    os.close(person)
    os.close(terminal)
    assert (done.returncode, build_id in done.stdout) == (code, True), done
    assert "Delete it, for good? [y/N] " in done.stdout and said in done.stdout


def test_files_that_cannot_be_used_are_listed(running: Running, crashed: Path, build_id: str) -> None:
    noise = crashed.with_name("noise.sym")
    noise.write_bytes(secrets.token_bytes(40))
    assert cairn("upload-debug-files", noise, environment=running.environment).code == 1
    listed = run(running, "symbols", "list", "--failed", "--query", "noise.sym", "--json").json
    sha1 = hashlib.sha1(noise.read_bytes()).hexdigest()
    (reason,) = [file["reason"] for file in listed if file["sha1"] == sha1]
    assert reason in run(running, "symbols", "list", "--failed").out
    assert reason in run(running, "symbols", "show", sha1).out
    until_there(running, build_id)
    assert "`cairn symbols list --failed` says why" in run(running, "symbols", "missing").out


def test_what_cannot_be_done_is_said(running: Running, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no debug file")
    for arguments, words in (
        (["missing", "--project", "4711"], "there is no project 4711"),
        (["show", "00ff"], "no debug file with the id 00ff was uploaded"),
        (["show", ""], "was uploaded"),
        (["check", str(tmp_path)], "there is no debug file among these"),
        (["check", str(tmp_path / "gone")], "does not exist"),
    ):
        done = cairn("symbols", *arguments, environment=running.environment)
        assert (done.code, words in done.err, "Traceback" in done.err) == (1, True, False), done.err
    checked = run(running, "symbols", "check", tmp_path / "notes.txt", "--json").json[0]
    assert (checked["state"], checked["reason"]) == ("unusable", "no debug file")
    assert run(running, "symbols", "delete", "", "--yes").out.startswith("There is no debug file")
