"""Debuggers get symbols from a running Cairn: a plain client, debuginfod's own, gdb, and Mozilla's stack walker."""

from __future__ import annotations

import json
import platform
import secrets
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cairn.symbols.formats.elf import Elf
from tests.cli.command import cairn
from tests.contract.crashpad import compile_program
from tests.contract.debian import NotFetchedError, Program, program_of
from tests.contract.sentry_cli import SentryCli, sentry_cli_3
from tests.crash.symbol_files import SAMPLE
from tests.e2e.conftest import Running
from tests.e2e.test_real_clients import CRASHING_LINE, SOURCE
from tests.parity.installed import install

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")


@dataclass(frozen=True)
class Built:
    """A stripped program and its debug companion, under one build id that no Cairn has seen."""

    build_id: str
    program: Path
    companion: Path


@pytest.fixture(scope="module")
def url(running: Running) -> str:
    """What a debugger is given: the address with a token in it."""
    made = cairn("tokens", "create", "--scope", "symbols:read", "--json", environment=running.environment).json
    assert made["symbol_server"] == f"{running.cairn.url}/symbols/{made['token']}"
    return str(made["symbol_server"])


@pytest.fixture(scope="module")
def built(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder, build_id = tmp_path_factory.mktemp("built"), secrets.token_hex(20)
    whole = compile_program(SOURCE, folder, "-g", "-O1", "-fno-optimize-sibling-calls", f"-Wl,--build-id=0x{build_id}")
    program, companion = folder / "stripped", folder / "companion.debug"
    subprocess.run(["strip", "-o", program, whole], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", whole, companion], check=True)
    whole.unlink()
    running.symbols(companion, program)
    return Built(build_id, program, companion)


@pytest.fixture(scope="module")
def debuginfod_find() -> Program:
    try:
        return program_of("debuginfod", "debuginfod-find")
    except NotFetchedError as error:
        pytest.skip(str(error))


def get(url: str) -> tuple[int, bytes]:
    """What any client gets that follows redirects."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_plain_client_gets_a_file_as_it_was_uploaded(running: Running, url: str) -> None:
    running.symbols(SAMPLE / "lighthouse")
    content = (SAMPLE / "lighthouse").read_bytes()
    with (SAMPLE / "lighthouse").open("rb") as file:
        build_id = Elf(file).build_id()
    for path in (f"buildid/{build_id}/executable", f"buildid/{build_id}/debuginfo", f"x/elf-buildid-{build_id}/x"):
        assert get(f"{url}/{path}") == (200, content)


def test_what_is_not_there_is_not_found(url: str) -> None:
    status, body = get(f"{url}/buildid/{'ab' * 20}/debuginfo")
    assert (status, "was uploaded" in json.loads(body)["detail"]) == (404, True)
    assert get(f"{url[:-2]}/buildid/{'ab' * 20}/debuginfo")[0] == 401


def test_neither_the_gateway_nor_the_function_logs_the_token(running: Running, url: str) -> None:
    emulator, path = running.cairn.emulator, f"/buildid/{secrets.token_hex(20)}/debuginfo"
    emulator.follow = True
    try:
        assert get(url + path)[0] == 404
        said: list[str] = []
        while sum(f"/symbols/…{path}" in text for text in said) < 2:
            event = emulator.events.get(timeout=30)
            assert event is not None
            said.append(str(event).replace("\\\\u2026", "…"))
    finally:
        emulator.follow = False
    assert url.rpartition("/")[2] not in "".join(said)


@needs_compiler
def test_debuginfods_own_client_gets_each_file(
    debuginfod_find: Program, built: Built, url: str, tmp_path: Path
) -> None:
    settings = {"DEBUGINFOD_URLS": f"http://127.0.0.1:1/ {url}/", "DEBUGINFOD_CACHE_PATH": str(tmp_path)}
    for part, expected in (("debuginfo", built.companion), ("executable", built.program)):
        found = debuginfod_find.run(part, built.build_id, **settings)
        assert found.returncode == 0, found.stderr
        assert Path(found.stdout.strip()).read_bytes() == expected.read_bytes()
    absent = debuginfod_find.run("debuginfo", "cd" * 20, **settings)
    assert (absent.returncode, "No such file or directory" in absent.stderr) == (1, True)


@needs_compiler
def test_debuginfods_own_client_may_send_the_token_in_a_header(
    debuginfod_find: Program, built: Built, running: Running, tmp_path: Path
) -> None:
    headers = tmp_path / "headers"
    headers.write_text(f"Authorization: Bearer {running.token('project:read')}\n")
    settings = {"DEBUGINFOD_URLS": f"{running.cairn.url}/symbols", "DEBUGINFOD_CACHE_PATH": str(tmp_path)}
    settings["DEBUGINFOD_HEADERS_FILE"] = str(headers)
    found = debuginfod_find.run("executable", built.build_id, **settings)
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()).read_bytes() == built.program.read_bytes()


@dataclass(frozen=True)
class Sourced:
    """A program and its sources, of which nothing is left on this machine but ``program``."""

    build_id: str
    program: Path
    source: Path


@pytest.fixture(scope="module")
def sourced(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Sourced:
    """As sentry-cli bundles sources: by the paths that the debug information has."""
    folder, build_id = tmp_path_factory.mktemp("far away") / "build+1", secrets.token_hex(20)
    folder.mkdir()
    source, program = folder / "look here.cpp", folder / "game"
    source.write_text(SOURCE)
    options = ["-g", "-O1", "-fno-optimize-sibling-calls", f"-Wl,--build-id=0x{build_id}"]
    subprocess.run(["g++", *options, "-o", program, source], check=True, capture_output=True)
    made = SentryCli(sentry_cli_3(), folder).run("debug-files", "bundle-sources", program)
    assert made.code == 0, made.output
    running.symbols(program, *folder.glob("*.src.zip"))
    source.unlink()
    return Sourced(build_id, program, source)


@needs_compiler
def test_debuginfods_own_client_gets_a_source_file(
    debuginfod_find: Program, sourced: Sourced, url: str, tmp_path: Path
) -> None:
    settings = {"DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": str(tmp_path)}
    found = debuginfod_find.run("source", sourced.build_id, str(sourced.source), **settings)
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()).read_text() == SOURCE
    absent = debuginfod_find.run("source", sourced.build_id, f"{sourced.source}.not", **settings)
    assert (absent.returncode, "No such file or directory" in absent.stderr) == (1, True)


@needs_compiler
@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
def test_gdb_shows_a_source_line(sourced: Sourced, url: str, tmp_path: Path) -> None:
    wanted = f"list {CRASHING_LINE},{CRASHING_LINE}"
    assert SOURCE.splitlines()[CRASHING_LINE - 1] not in gdb(tmp_path, "-ex", wanted, sourced.program)
    shown = gdb(tmp_path, "-ex", wanted, sourced.program, url=url)
    assert f"{CRASHING_LINE}\t{SOURCE.splitlines()[CRASHING_LINE - 1]}" in shown, shown


def test_any_file_may_be_asked_for_by_head(running: Running, url: str) -> None:
    running.symbols(SAMPLE / "lighthouse")
    with (SAMPLE / "lighthouse").open("rb") as file:
        asked = urllib.request.Request(f"{url}/buildid/{Elf(file).build_id()}/executable", method="HEAD")
    with urllib.request.build_opener(HeadRedirects).open(asked, timeout=30) as answer:
        assert answer.status == 200
        assert int(answer.headers["content-length"]) == (SAMPLE / "lighthouse").stat().st_size


class HeadRedirects(urllib.request.HTTPRedirectHandler):
    """Follows with HEAD, as curl and browsers do."""

    def redirect_request(self, req: Any, *answer: Any) -> urllib.request.Request:
        return urllib.request.Request(answer[-1], method="HEAD")


def gdb(folder: Path, *arguments: str | Path, url: str = "") -> str:
    """What gdb prints; it sees nothing but what it is given."""
    runner = Program(Path(shutil.which("gdb") or "gdb"), {"HOME": str(folder), "LC_ALL": "C"})
    enabled = ["-iex", f"set debuginfod enabled {'on' if url else 'off'}"]
    options = {"DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": str(folder / "cache")} if url else {}
    done = runner.run("-q", "-nx", "-batch", *enabled, *arguments, **options)
    return done.stdout + done.stderr


@needs_compiler
@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
def test_gdb_gets_program_and_symbols_for_a_core_file(built: Built, url: str, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    shutil.copy(built.program, away / "game")
    core = tmp_path / "core"
    gdb(tmp_path, "-ex", "run", "-ex", f"generate-core-file {core}", away / "game")
    assert core.exists()
    shutil.rmtree(away)

    assert "read_serial" not in gdb(tmp_path, "-core", core, "-ex", "backtrace")
    shown = gdb(tmp_path, "-core", core, "-ex", "backtrace", url=url)
    assert f"#0  read_serial (part=0x0) at /src/program.cpp:{CRASHING_LINE}" in shown, shown
    assert " in assemble (" in shown and " in main (" in shown


@pytest.mark.timeout(300)  # fetches it, 24 MB
@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="it is a program for Linux on x86-64"
)
def test_minidump_stackwalk_gets_breakpad_symbols(running: Running, url: str, tmp_path: Path) -> None:
    programs, symbols = install(), tmp_path / "lighthouse.sym"
    subprocess.run([programs / "dump_syms", SAMPLE / "lighthouse", "-o", symbols], check=True)
    running.symbols(symbols)
    options = ["--brief", f"--symbols-url={url}/", f"--symbols-cache={tmp_path}", f"--symbols-tmp={tmp_path}"]
    command = [str(programs / "minidump-stackwalk"), *options, str(SAMPLE / "lighthouse.dmp")]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "lighthouse!coast::patrol(" in shown, shown
