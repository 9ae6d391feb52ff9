"""A whole running Cairn that gets the symbols of a crash from a symbol server, in each layout."""

from __future__ import annotations

import os
import pty
import secrets
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cairn.crash.event import Event
from cairn.store.source_secrets import SourceSecrets
from cairn.store.sources import ProjectSources
from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.sources.layouts import paths
from cairn.symbols.sources.records import FileType, Layout, ModuleFormat, SourceModule
from cairn_cli.demo.post import post_minidump
from cairn_cli.dsn import minidump_url
from tests.cli.command import CAIRN, Done, cairn
from tests.contract.crashpad import compile_program, crash
from tests.e2e.conftest import Running
from tests.servers.local import LocalServer, local_server

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")

SOURCE = """
__attribute__((noinline)) int look_at(const int* far) { return *far; }
int main(int argc, char**) { return look_at(argc > 5 ? new int : nullptr) + 1; }
"""


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server() as server:
        yield server


@dataclass(frozen=True)
class Program:
    """A program that no Cairn has seen: its build id is random."""

    path: Path
    build_id: str

    @classmethod
    def compile(cls, folder: Path) -> Program:
        build_id = secrets.token_hex(20)
        options = ("-g", "-O1", "-fno-optimize-sibling-calls", f"-Wl,--build-id=0x{build_id}")
        return cls(compile_program(SOURCE, folder, *options, name="far"), build_id)

    def file_at(self, layout: Layout) -> tuple[str, bytes]:
        """Where a server with this layout has the debug file, and what is in it."""
        debug_id = elf_debug_id(self.build_id)
        module = SourceModule(ModuleFormat.ELF, "far", "far", self.build_id, debug_id)
        kind = FileType.BREAKPAD if layout is Layout.BREAKPAD else FileType.ELF_DEBUG
        content = self._breakpad(debug_id) if layout is Layout.BREAKPAD else self.path.read_bytes()
        return paths(module, kind, layout)[0], content

    def _breakpad(self, debug_id: str) -> bytes:
        symbols = subprocess.run(["nm", "-S", self.path], capture_output=True, text=True, check=True).stdout
        address, size = next(line.split()[:2] for line in symbols.splitlines() if "look_at" in line)
        module = f"MODULE Linux x86_64 {debug_id.replace('-', '').upper()}0 far"
        return f"{module}\nFUNC {int(address, 16):x} {int(size, 16):x} 0 look_at\n".encode()


@dataclass(frozen=True)
class Project:
    """A project of its own in the running Cairn, set up with the `cairn` command."""

    running: Running
    number: int
    url: str

    @classmethod
    def create(cls, running: Running) -> Project:
        project = running.projects.create(f"far-{secrets.token_hex(4)}", "Far")
        return cls(running, project.id, minidump_url(running.cairn.url, running.projects.create_key(project.id, "")))

    def add_source(self, *arguments: str) -> None:
        self.sources("add", *arguments)

    def sources(self, *arguments: str, stdin: str | None = None, **environment: str) -> Done:
        number = ("--project", str(self.number))
        done = cairn("sources", *arguments, *number, environment=self.running.environment | environment, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def cairn(self, *arguments: str) -> Done:
        return cairn(*arguments, environment=self.running.environment)

    def until_told(self, event_id: str, said: str) -> None:
        """Wait until an event tells what a server has said."""
        self.running.record(event_id)
        deadline = time.monotonic() + 45
        while said not in (out := self.cairn("events", "show", event_id).out):
            assert time.monotonic() < deadline, out
            time.sleep(0.1)

    def missing(self) -> str:
        return self.cairn("symbols", "missing", "--project", str(self.number)).out

    def event_with_names(self, event_id: str) -> Event:
        deadline = time.monotonic() + 45
        while (event := self.running.event(event_id)).title != "look_at":
            log = self.running.cairn.emulator.log_tail()
            assert time.monotonic() < deadline, f"still {event.title}: {self.cairn('events', 'show', event_id)}\n{log}"
            time.sleep(0.1)
        return event


@pytest.mark.parametrize("layout", list(Layout))
def test_a_crash_gets_names_from_a_symbol_server(
    running: Running, server: LocalServer, tmp_path: Path, layout: Layout
) -> None:
    program = Program.compile(tmp_path)
    path, content = program.file_at(layout)
    server.files[f"/symbols/{path}"] = content
    project = Project.create(running)
    project.add_source("ours", f"{server.url}/symbols/", "--layout", layout)
    event_id = post_minidump(project.url, crash(program.path, tmp_path).dumps[0], {})
    event = project.event_with_names(event_id)
    assert event.cairn.first_symbolicated != event.cairn.symbolicated, "it was there before its symbols were"
    served = "names" if layout is Layout.BREAKPAD else "ok"  # the .sym has no STACK lines
    assert f"ours  {served}  {server.url}/symbols/" in project.cairn("events", "show", event_id).out


def test_a_bucket_is_a_symbol_server(running: Running, tmp_path: Path) -> None:
    program = Program.compile(tmp_path)
    path, content = program.file_at(Layout.UNIFIED)
    running.target.clients.s3.create_bucket(Bucket="our-symbols")
    running.target.clients.s3.put_object(Bucket="our-symbols", Key=f"linux/{path}", Body=content)
    project = Project.create(running)
    project.add_source("ours", "s3://our-symbols/linux", "--layout", "unified")
    project.event_with_names(post_minidump(project.url, crash(program.path, tmp_path).dumps[0], {}))


def test_a_private_server_is_shown_who_asks_and_nobody_else_is(
    running: Running, server: LocalServer, tmp_path: Path
) -> None:
    """From a crash that finds the door closed, over a password that is wrong, to names for it and for the next one."""
    program, secret = Program.compile(tmp_path), f"sesame-{secrets.token_hex(8)}"
    pair = b64encode(f"ci:{secret}".encode()).decode()
    path, content = program.file_at(Layout.DEBUGINFOD)
    server.wants, server.files[f"/{path}"] = {"Authorization": f"Basic {pair}"}, content
    project, dump = Project.create(running), crash(program.path, tmp_path).dumps[0]
    added = project.sources("add", "ours", server.url, "--layout", "debuginfod")
    first = post_minidump(project.url, dump, {})
    project.until_told(first, "401 Unauthorized: it wants credentials, which `cairn sources update` gives to a source")

    added = project.sources("update", "ours", "--user", "ci", CAIRN_SOURCE_SECRET=f"not-{secret}")
    assert "will be asked when another crash needs the module" in project.missing()
    second = post_minidump(project.url, dump, {})
    project.until_told(second, "it does not take the credentials of this source")
    assert "it does not take the credentials of this source" in project.missing()

    changed = project.sources("update", "ours", "--user", "ci", "--json", stdin=f"{secret}\n")
    third = post_minidump(project.url, dump, {})
    for event_id in (third, second, first):
        project.event_with_names(event_id)

    (listed,) = project.sources("list", "--json").json
    assert listed["credentials"].keys() == {"kind", "name", "changed"}
    assert (listed["credentials"]["kind"], listed["credentials"]["name"]) == ("basic", "ci")
    told = [added, changed, project.sources("list"), project.cairn("events", "show", third, "--json")]
    printed = "".join(done.out + done.err for done in told) + project.missing() + running.cairn.emulator.log_tail()
    assert "user ci" in printed and secret not in printed and pair not in printed
    assert f"cairn reprocess --project {project.number} --since 30d" in added.out


@pytest.mark.parametrize(
    ("option", "header", "value"),
    [(["--bearer"], "Authorization", "Bearer {}"), (["--header", "X-JFrog-Art-Api"], "X-JFrog-Art-Api", "{}")],
    ids=["bearer", "header"],
)
def test_a_private_server_is_shown_a_token_or_a_header(
    running: Running, server: LocalServer, tmp_path: Path, option: list[str], header: str, value: str
) -> None:
    program, secret = Program.compile(tmp_path), secrets.token_hex(16)
    path, content = program.file_at(Layout.UNIFIED)
    server.wants, server.files[f"/{path}"] = {header: value.format(secret)}, content
    project = Project.create(running)
    project.sources("add", "ours", server.url, "--layout", "unified", *option, stdin=secret)
    project.event_with_names(post_minidump(project.url, crash(program.path, tmp_path).dumps[0], {}))


def test_a_secret_is_typed_and_not_seen(running: Running) -> None:
    """A person types it at a terminal of their own, which shows nothing of it."""
    project, (ours, theirs) = Project.create(running), pty.openpty()
    command = [CAIRN, "sources", "add", "ours", "https://x.example", "--layout", "ssqp", "--user", "ci"]
    adding = subprocess.Popen(
        [*command, "--project", str(project.number)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=running.environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"secret for user ci: " not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, b"open sesame\n")
    while piece := read_some(ours):
        shown += piece
    assert adding.wait(60) == 0, shown
    os.close(ours)
    assert b"user ci" in shown and b"sesame" not in shown
    source = ProjectSources(running.target.settings, running.target.clients).of(project.number).sources[0]
    assert SourceSecrets(running.target.settings, running.target.clients).get(project.number, source) == "open sesame"


def read_some(terminal: int) -> bytes:
    """What a program prints to its terminal; nothing when it has ended."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""


def test_a_miss_is_shown_with_what_was_tried(running: Running, server: LocalServer, tmp_path: Path) -> None:
    program = Program.compile(tmp_path)
    server.files[f"/{program.file_at(Layout.DEBUGINFOD)[0]}"] = b"<html>Sign in first</html>"
    project = Project.create(running)
    project.add_source("ours", f"{server.url}/buildid", "--layout", "debuginfod")
    event_id = post_minidump(project.url, crash(program.path, tmp_path).dumps[0], {})
    running.record(event_id)
    deadline = time.monotonic() + 45
    while "no debug file" not in (out := project.cairn("events", "show", event_id).out.partition("Modules")[2]):
        assert time.monotonic() < deadline, out
        time.sleep(0.2)
    lines = out.splitlines()
    place = next(number for number, line in enumerate(lines) if " far " in line)
    assert "malformed" in lines[place]
    assert lines[place + 1].split()[:3] == ["ours", "malformed", f"{server.url}/buildid/{program.build_id}/debuginfo:"]
    images = project.cairn("events", "show", event_id, "--json").json["debug_meta"]["images"]
    (image,) = (one for one in images if one["code_file"].endswith("/far"))
    assert [one["download"]["status"] for one in image["candidates"]] == ["notfound", "malformed", "notfound"]
    missing = project.cairn("symbols", "missing", "--project", str(project.number)).out
    said = "ours: cannot be used (what the server has there is no debug file), asked again after 20"
    assert f"asked     {said}" in missing
    assert "send      cairn upload-debug-files PATH/TO/far.debug PATH/TO/far\n" in missing
    assert "ours: not found, asked again after 20" in missing.partition("SYMBOL SERVERS")[2]


def test_sources_are_listed_added_and_removed(running: Running) -> None:
    project = Project.create(running)
    number = ("--project", str(project.number))
    project.add_source("microsoft")
    project.add_source("ours", "https://symbols.example/x/", "--layout", "symstore", "--type", "pdb", "--type", "pe")
    listed = project.cairn("sources", "list", *number, "--json").json
    assert [(one["name"], one["url"], one["file_types"]) for one in listed] == [
        ("microsoft", "https://msdl.microsoft.com/download/symbols", ["pe", "pdb"]),
        ("ours", "https://symbols.example/x", ["pdb", "pe"]),
    ]
    assert project.cairn("sources", "remove", "microsoft", *number).code == 0
    assert "microsoft" not in project.cairn("sources", "list", *number).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "macrosoft"], "`cairn sources builtin` shows"),
        (["add", "microsoft", "https://x.example", "--layout", "ssqp"], "another name"),
        (["add", "ours", "https://x.example"], "--layout"),
        (["add", "ours", "ftp://x.example", "--layout", "ssqp"], "must begin with https://"),
        (["add", "Our Own", "https://x.example", "--layout", "ssqp"], "no name for a source"),
        (["add", "ours", "https://me:pass@x.example", "--layout", "ssqp"], "…@x.example: leave the user and"),
        (["add", "ours", "http://x.example", "--layout", "ssqp", "--bearer"], "over https:// only"),
        (["add", "ours", "s3://bucket", "--layout", "ssqp", "--user", "me"], "rights of the function Compile"),
        (["add", "ours", "https://x.example", "--layout", "ssqp", "--user", "me"], "$CAIRN_SOURCE_SECRET"),
        (["add", "amd", "--bearer"], "open to all"),
        (["update", "ours", "--bearer"], "has no source ours"),
        (["remove", "ours"], "has no source ours"),
        (["list", "--project", "999999"], "there is no project 999999"),
    ],
    ids=[
        "unknown",
        "taken",
        "no layout",
        "no address",
        "no name",
        "password",
        "seen",
        "bucket",
        "no secret",
        "open",
        "nobody",
        "not there",
        "no project",
    ],
)
def test_what_cannot_be_is_said(running: Running, arguments: list[str], says: str) -> None:
    done = cairn("sources", *arguments, environment=running.environment, stdin="")
    assert (done.code, says in done.err) == (1, True), done.err
    assert "me:pass" not in done.err


def test_a_name_is_taken_once(running: Running) -> None:
    project = Project.create(running)
    project.add_source("microsoft")
    done = project.cairn("sources", "add", "microsoft", "--project", str(project.number))
    assert (done.code, "already" in done.err) == (1, True), done.err
