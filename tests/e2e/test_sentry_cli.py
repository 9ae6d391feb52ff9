"""The true sentry-cli uploads debug files to a running Cairn: its own words, its exit codes, and what comes of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from cairn.crash.event import Event, Frame
from cairn.store.symbols.symbol_index import SymbolIndex
from tests.cli.command import CAIRN
from tests.contract.crashpad import compile_program, crash
from tests.contract.sentry_cli import Ran, SentryCli, Spoil, sentry_cli_2, sentry_cli_3, spoiling_proxy
from tests.e2e.conftest import Running
from tests.e2e.test_real_clients import CRASHING_LINE, SOURCE, assert_names_the_crash, uploaded_id
from tests.symbols.programs import portable_pdb

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")

BUILD_ID = "-Wl,--build-id=0x"
PROJECT = {"SENTRY_PROJECT": "demo"}
WASM = bytes.fromhex(
    "0061736d01000000"  # magic, version
    "010401600000"  # one type: a function of nothing
    "03020100"  # one function of that type
    "0a040102000b"  # its code
    "001a086275696c645f696410"  # custom section `build_id`, 16 bytes of it follow
)
"""A program that sentry-cli sends, and that has no symbols of native code."""


@pytest.fixture(params=["2", "3"])
def cli(request: pytest.FixtureRequest, tmp_path: Path) -> SentryCli:
    home = tmp_path / "home"
    home.mkdir()
    return SentryCli(sentry_cli_2() if request.param == "2" else sentry_cli_3(), home)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that no Cairn has seen: its build id is random."""
    options = ["-g", "-O1", "-fno-optimize-sibling-calls", BUILD_ID + secrets.token_hex(20)]
    source = tmp_path / "source"
    source.mkdir()
    return compile_program(SOURCE, source, *options)


@pytest.fixture
def upload(cli: SentryCli, running: Running) -> Callable[..., Ran]:
    """Runs `sentry-cli debug-files upload` with a good token."""

    def run(*arguments: str | Path) -> Ran:
        return cli.run("debug-files", "upload", *arguments, token=running.token(), **PROJECT)

    return run


def swollen(program: Path) -> Path:
    """The program with 9 MB that cannot be compressed: three chunks."""
    noise = program.with_name("noise")
    noise.write_bytes(os.urandom(9_000_000))
    large = program.with_name("large")
    subprocess.run(["objcopy", "--add-section", f".noise={noise}", program, large], check=True)
    return large


def test_info_shows_the_deployment_and_what_the_token_allows(cli: SentryCli, running: Running) -> None:
    ran = cli.run("info", token=running.token("org:ci", "project:read"))
    assert ran.code == 0, ran.output
    assert f"Sentry Server: {running.cairn.url}" in ran.output
    assert re.findall(r"- (\S+:\S+)", ran.output) == ["org:ci", "project:read"]


def test_a_crash_of_an_uploaded_program_is_symbolicated(
    upload: Callable[..., Ran], running: Running, program: Path, tmp_path: Path
) -> None:
    ran = upload("--wait", program)
    assert ran.code == 0, ran.output
    assert "Uploaded 1 missing debug information file" in ran.output
    assert re.search(r"OK [0-9a-f-]{36} \(program; x86_64 (executable|library)\)", ran.output), ran.output
    crashed = crash(program, tmp_path, running.minidump_url)
    assert_names_the_crash(running.event(uploaded_id(crashed)))


def test_without_waiting_it_ends_when_all_is_sent(upload: Callable[..., Ran], program: Path) -> None:
    ran = upload(program)
    assert ran.code == 0, ran.output
    assert "Uploaded 1 missing debug information file" in ran.output
    assert "File upload complete" in ran.output
    assert "UPLOADED" in ran.output


def test_nothing_is_sent_twice(upload: Callable[..., Ran], program: Path) -> None:
    assert upload("--wait", program).code == 0
    again = upload("--wait", program)
    assert again.code == 0, again.output
    assert "Nothing to upload, all files are on the server" in again.output


def test_sources_are_taken_and_found(upload: Callable[..., Ran], running: Running, program: Path) -> None:
    subprocess.run(["g++", "-g", BUILD_ID + secrets.token_hex(20), "-o", program, f"{program}.cpp"], check=True)
    ran = upload("--include-sources", "--wait", program)
    assert ran.code == 0, ran.output
    ids = re.findall(r"OK ([0-9a-f-]{36}) \(program; x86_64 (\w+)\)", ran.output)
    assert len(ids) == 2 and len({debug_id for debug_id, _ in ids}) == 1, ran.output
    index = SymbolIndex(running.target.settings, running.target.clients)
    (bundle,) = index.find_sources([ids[0][0]])[ids[0][0]]
    assert (bundle.format, bundle.features.sources, bundle.features.symbols) == ("sourcebundle", True, False)


def test_a_crash_shows_the_source_around_its_calls(
    upload: Callable[..., Ran], running: Running, program: Path, tmp_path: Path
) -> None:
    source = Path(f"{program}.cpp")  # compiled without a mapping of paths: sentry-cli looks for the file
    options = ["-g", "-O1", "-fno-optimize-sibling-calls", "-pthread", BUILD_ID + secrets.token_hex(20)]
    subprocess.run(["g++", *options, "-o", program, source], check=True)
    ran = upload("--include-sources", "--wait", program)
    assert ran.code == 0, ran.output
    event_id = uploaded_id(crash(program, tmp_path, running.minidump_url))
    event = running.event(event_id)
    assert event.crash is not None and event.crash.stacktrace is not None
    innermost, text, here = event.crash.stacktrace.frames[-1], source.read_text().splitlines(), CRASHING_LINE - 1
    assert innermost.context_line == text[here] == "    return part->serial;"
    assert innermost.pre_context == tuple(text[:here])
    assert innermost.post_context == tuple(text[here + 1 : here + 6])
    command = [CAIRN, "events", "show", event_id]
    shown = subprocess.run(command, env=running.environment, capture_output=True, text=True, check=True)
    assert re.search(rf"> +{CRASHING_LINE} +return part->serial;", shown.stdout), shown.stdout


def test_sources_that_come_after_the_crash_are_shown(
    upload: Callable[..., Ran], running: Running, program: Path, tmp_path: Path
) -> None:
    source = Path(f"{program}.cpp")
    options = ["-g", "-O1", "-fno-optimize-sibling-calls", "-pthread", BUILD_ID + secrets.token_hex(20)]
    subprocess.run(["g++", *options, "-o", program, source], check=True)
    assert upload("--wait", program).code == 0
    event_id = uploaded_id(crash(program, tmp_path, running.minidump_url))
    assert_names_the_crash(early := running.event(event_id))
    ran = upload("--include-sources", "--wait", program)
    assert ran.code == 0, ran.output
    running.until(lambda: innermost(running.event(event_id)).context_line is not None)
    assert innermost(event := running.event(event_id)).context_line == "    return part->serial;"
    assert event.cairn.first_symbolicated == early.cairn.symbolicated


def innermost(event: Event) -> Frame:
    assert event.crash is not None and event.crash.stacktrace is not None
    return event.crash.stacktrace.frames[-1]


def test_a_large_file_comes_in_several_chunks(upload: Callable[..., Ran], program: Path) -> None:
    ran = upload("--wait", swollen(program))
    assert ran.code == 0, ran.output
    assert re.search(r"OK [0-9a-f-]{36} \(large; x86_64", ran.output), ran.output


def test_a_project_is_named_by_its_number_too(cli: SentryCli, running: Running, program: Path) -> None:
    ran = cli.run("debug-files", "upload", "--wait", program, token=running.token(), SENTRY_PROJECT="1")
    assert ran.code == 0, ran.output


def test_check_needs_no_server(cli: SentryCli, program: Path) -> None:
    ran = cli.run("debug-files", "check", program)
    assert ran.code == 0, ran.output
    assert "Usable: yes" in ran.output


def test_an_unknown_token(cli: SentryCli, running: Running, program: Path) -> None:
    token = running.token()
    wrong = token[:-5] + secrets.token_hex(2) + token[-1]
    ran = cli.run("debug-files", "upload", program, token=wrong, **PROJECT)
    assert ran.code == 1
    assert "Invalid token: this Cairn knows no such token" in ran.output
    assert "401" in ran.output


def test_a_token_that_may_not_upload(cli: SentryCli, running: Running, program: Path) -> None:
    ran = cli.run("debug-files", "upload", program, token=running.token("project:read"), **PROJECT)
    assert ran.code == 1
    assert "needs one of org:ci, project:releases, project:write" in ran.output
    assert "403" in ran.output


def test_an_unknown_project(cli: SentryCli, running: Running, program: Path) -> None:
    ran = cli.run("debug-files", "upload", program, token=running.token(), SENTRY_PROJECT="nobody")
    assert ran.code == 1
    assert "Project not found. Ensure that you configured the correct project and organization." in ran.output


def test_the_organization_is_the_tokens(cli: SentryCli, running: Running) -> None:
    ran = cli.run("projects", "list", "--org", "acme", token=running.token())
    assert ran.code == 0
    assert "Using organization `cairn`" in ran.output
    assert "demo" in ran.output


def test_a_file_that_holds_no_native_symbols(upload: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "game.wasm").write_bytes(WASM + secrets.token_bytes(16))
    ran = upload("--wait", tmp_path / "game.wasm")
    assert ran.code == 1, ran.output
    assert "ERROR" in ran.output
    assert "Files of the format wasm hold no native symbols." in ran.output


def test_a_portable_pdb_is_kept_and_served(upload: Callable[..., Ran], running: Running, tmp_path: Path) -> None:
    debug_id, pdb = uuid4(), tmp_path / "lamp.pdb"
    pdb.write_bytes(portable_pdb(debug_id))
    ran = upload("--wait", pdb)
    assert ran.code == 0, ran.output
    assert f"OK {debug_id} (lamp.pdb; unknown debug companion)" in ran.output
    address = f"{running.cairn.url}/symbols/{running.token('symbols:read')}/lamp.pdb/{debug_id.hex}ffffffff/lamp.pdb"
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.read() == pdb.read_bytes()


def spoiled_upload(cli: SentryCli, running: Running, spoil: Spoil, file: Path) -> Ran:
    with spoiling_proxy(running.cairn.url, spoil) as url:
        return cli.run("debug-files", "upload", "--wait", file, token=running.token(url=url), **PROJECT)


def test_a_chunk_that_breaks_on_its_way(cli: SentryCli, running: Running, program: Path) -> None:
    def flip(path: str, body: bytes) -> bytes:
        return body if "chunk-upload" not in path else body[:300] + bytes([body[300] ^ 1]) + body[301:]

    ran = spoiled_upload(cli, running, flip, program)
    assert ran.code == 1, ran.output
    assert "400" in ran.output
    assert re.search("Checksum mismatch|Invalid gzip payload", ran.output), ran.output


def test_chunks_that_do_not_give_the_file(cli: SentryCli, running: Running, program: Path) -> None:
    def turn_round(path: str, body: bytes) -> bytes:
        if "assemble" not in path:
            return body
        request = json.loads(body)
        for file in request.values():
            file["chunks"].reverse()
        return json.dumps(request).encode()

    ran = spoiled_upload(cli, running, turn_round, swollen(program))
    assert ran.code == 1, ran.output
    assert "Reported checksum mismatch" in ran.output


def test_organization_and_projects_are_listed(cli: SentryCli, running: Running) -> None:
    token = running.token("project:read")
    organizations, projects = cli.run("organizations", "list", token=token), cli.run("projects", "list", token=token)
    assert (organizations.code, projects.code) == (0, 0)
    assert "cairn" in organizations.output
    assert "demo" in projects.output


def test_afterwards_nothing_is_left_over(running: Running) -> None:
    assert running.queue("DebugFileDeadLetters").total == 0
