"""Debug files in zip archives, and programs without a build id, as true clients send them to a running Cairn."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import struct
import subprocess
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cairn.crash.event import Event
from cairn.store.symbols.chunks import CHUNK_SIZE
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import LARGEST_FILE, DebugFiles
from cairn.symbols.formats.elf import Elf
from cairn_cli.demo.post import post_minidump
from tests.cli.command import Done, cairn
from tests.contract.crashpad import compile_program, crash
from tests.contract.sentry_cli import Ran, SentryCli, sentry_cli_2, sentry_cli_3
from tests.e2e.conftest import Running
from tests.e2e.test_real_clients import SOURCE, assert_names_the_crash, uploaded_id
from tests.web.conftest import FORM, form

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")


@dataclass(frozen=True)
class Built:
    """A stripped program that no Cairn has seen, and its debug companion."""

    program: Path
    companion: Path


Build = Callable[..., Built]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Compiles a program with these options more; it has other code each time."""

    def compiled(*options: str) -> Built:
        folder = tmp_path / "build"
        folder.mkdir()
        source = SOURCE.replace("argc > 5", f"argc > {secrets.randbelow(2**30) + 5}")
        program = compile_program(source, folder, "-g", "-O1", "-fno-optimize-sibling-calls", *options)
        companion = folder / "program.debug"
        subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
        subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
        return Built(program, companion)

    return compiled


def zipped(path: Path, *files: Path) -> Path:
    """An archive of files under a folder, with a text beside them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("build/README.txt", "a build")
        for file in files:
            archive.write(file, f"build/{file.name}")
    return path


def run(running: Running, *arguments: str | Path) -> Done:
    return cairn(*arguments, environment=running.environment)


def as_breakpad_has_it(dump: Path, program: Path) -> bytes:
    """A dump of Crashpad with the id that Breakpad writes of a program without a build id: a hash of its code
    (breakpad: src/client/linux/minidump_writer/minidump_writer.cc, FillRawModule), where Crashpad has zeros."""
    with program.open("rb") as file:
        text_id = Elf(file).text_id()
    assert text_id is not None
    content = dump.read_bytes()
    zeros = b"RSDS" + bytes(20) + program.name.encode() + b"\0"
    assert content.count(zeros) == 1
    entry = struct.pack("<II", len(zeros), content.index(zeros))
    assert content.count(entry) == 1
    made = content.replace(entry, struct.pack("<II", 20, content.index(zeros)))
    return made.replace(zeros, (b"LEpB" + text_id).ljust(len(zeros), b"\0"))


def test_a_zip_put_straight_into_the_bucket_gives_a_crash_its_names(
    running: Running, build: Build, tmp_path: Path
) -> None:
    built = build(f"-Wl,--build-id=0x{secrets.token_hex(20)}")
    archive = zipped(tmp_path / "symbols.zip", built.companion, built.program)
    key = DebugFiles(running.target.settings, running.target.clients).put(archive, archive.name)
    records = DebugFileRecords(running.target.settings, running.target.clients)
    sha1 = key.split("/")[1]
    running.until(lambda: sha1 in records.find([sha1]))
    members = records.find([sha1])[sha1].members
    assert len(members) == 2
    running.until(lambda: len(records.find(members)) == 2)
    assert {record.key.rpartition("/")[2] for record in records.find(members).values()} == {"program", "program.debug"}
    assert_names_the_crash(running.event(uploaded_id(crash(built.program, tmp_path, running.minidump_url))))
    assert "symbols.zip  2 debug files came of it" in run(running, "symbols", "show", sha1).out


def test_the_command_looks_into_a_zip(running: Running, build: Build, tmp_path: Path) -> None:
    built = build(f"-Wl,--build-id=0x{secrets.token_hex(20)}")
    done = run(running, "upload-debug-files", zipped(tmp_path / "symbols.zip", built.companion, built.program))
    assert (done.code, done.err) == (0, "")
    assert re.search(r"✓ program +x86_64 +[0-9a-f-]{36} +\(unwinding\)", done.out), done.out
    assert re.search(r"✓ program\.debug +x86_64 +[0-9a-f-]{36} +\(names, lines\)", done.out), done.out
    assert "README" not in done.out
    checked = run(running, "symbols", "check", tmp_path / "symbols.zip", "--json").json
    assert [(Path(one["path"]).name, one["state"]) for one in checked] == [
        ("program.debug", "uploaded"),
        ("program", "uploaded"),
    ]
    assert_names_the_crash(running.event(uploaded_id(crash(built.program, tmp_path, running.minidump_url))))


def test_checking_a_zip_says_what_of_it_crashes_wait_for(running: Running, build: Build, tmp_path: Path) -> None:
    built = build(f"-Wl,--build-id=0x{secrets.token_hex(20)}")
    running.event(uploaded_id(crash(built.program, tmp_path, running.minidump_url)))
    inner = zipped(tmp_path / "inner.zip", built.companion)
    folder = tmp_path / "sent"
    folder.mkdir()
    archive = zipped(folder / "symbols.zip", built.companion, built.program, inner)

    def states() -> dict[str, str]:
        checked = run(running, "symbols", "check", folder, "--json").json
        assert all(one["archive"] == str(archive) for one in checked)
        return {Path(one["path"]).name: one["state"] for one in checked}

    running.until(lambda: states()["program"] == "wanted")
    assert states() == {"program.debug": "wanted", "program": "wanted", "inner.zip": "unusable"}
    told = " ".join(run(running, "symbols", "check", folder).out.split())
    assert "an archive in an archive is not opened" in told
    assert told.endswith(f"cairn upload-debug-files {archive}")


def test_the_command_says_what_of_a_zip_it_does_not_take(running: Running, build: Build, tmp_path: Path) -> None:
    built = build()
    outer = zipped(tmp_path / "outer.zip", built.program, zipped(tmp_path / "inner.zip", built.companion))
    done = run(running, "upload-debug-files", outer)
    assert done.code == 1
    assert "✓ program " in done.out
    assert "✗ build/inner.zip: an archive in an archive is not opened" in done.out
    (tmp_path / "cut.zip").write_bytes(outer.read_bytes()[:-30])
    done = run(running, "upload-debug-files", tmp_path / "cut.zip")
    assert done.code == 1
    assert "✗ cut.zip: The zip archive is damaged or cut short" in done.out
    (cut,) = run(running, "upload-debug-files", tmp_path / "cut.zip", "--json").json
    assert (cut["key"], cut["name"], cut["debug_ids"], cut["problems"]) == (None, "cut.zip", [], [])
    assert cut["error"].startswith("The zip archive is damaged or cut short")


def test_what_is_too_large_is_not_sent(running: Running, build: Build, tmp_path: Path) -> None:
    built = build()
    with (tmp_path / "huge.debug").open("wb") as file:
        file.write(built.program.read_bytes())
        file.truncate(LARGEST_FILE + 1)
    done = run(running, "upload-debug-files", tmp_path / "huge.debug", built.program)
    assert (done.code, "✓ program " in done.out) == (1, True), done.out
    assert f"✗ huge.debug: It has {LARGEST_FILE + 1} bytes, more than the {LARGEST_FILE} (2 GiB)" in done.out


def test_of_a_folder_only_debug_files_are_sent(running: Running, build: Build) -> None:
    built = build()
    done = run(running, "upload-debug-files", built.program.parent)
    assert (done.code, done.out.count("✓")) == (0, 2), done.out
    (empty := built.program.parent / "empty").mkdir()
    done = run(running, "upload-debug-files", empty)
    assert (done.code, "there is no debug file among these" in done.err) == (1, True)


@pytest.mark.parametrize("version", ["2", "3"])
def test_sentry_cli_opens_a_zip_on_its_own_machine(
    version: str, running: Running, build: Build, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cli = SentryCli(sentry_cli_2() if version == "2" else sentry_cli_3(), home)
    built = build(f"-Wl,--build-id=0x{secrets.token_hex(20)}")
    archive = zipped(tmp_path / "symbols.zip", built.companion, built.program)

    def upload(*options: str) -> Ran:
        return cli.run("debug-files", "upload", *options, archive, token=running.token(), SENTRY_PROJECT="demo")

    ran = upload("--no-zips")
    assert (ran.code, "Found 0 debug information files" in ran.output) == (0, True), ran.output
    ran = upload("--wait")
    assert (ran.code, "Uploaded 2 missing debug information files" in ran.output) == (0, True), ran.output
    assert_names_the_crash(running.event(uploaded_id(crash(built.program, tmp_path, running.minidump_url))))


def test_a_form_with_a_zip_is_taken_as_sentry_once_took_it(running: Running, build: Build, tmp_path: Path) -> None:
    built = build(f"-Wl,--build-id=0x{secrets.token_hex(20)}")
    archive = zipped(tmp_path / "symbols.zip", built.companion, built.program)
    status, answer = post_form(running, ("file", "symbols.zip", archive.read_bytes()))
    assert (status, sorted(dif["objectName"] for dif in answer)) == (201, ["program", "program.debug"])
    assert len({dif["debugId"] for dif in answer}) == 1
    assert_names_the_crash(running.event(uploaded_id(crash(built.program, tmp_path, running.minidump_url))))
    status, answer = post_form(running, ("file", "large.zip", bytes(CHUNK_SIZE + 1)))
    assert (status, "cairn upload-debug-files" in answer["detail"]) == (413, True)


def post_form(running: Running, *parts: tuple[str, str, bytes]) -> tuple[int, Any]:
    """What the older route for debug files answers to a form."""
    address = f"{running.cairn.url}/api/0/projects/cairn/demo/files/dsyms/"
    headers = {"Authorization": f"Bearer {running.token()}", "Content-Type": FORM}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, form(*parts), headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_without_a_build_id_a_companion_serves_crashes_of_breakpad(
    running: Running, build: Build, tmp_path: Path
) -> None:
    built = build("-Wl,--build-id=none")
    done = run(running, "upload-debug-files", built.companion, built.program)
    assert done.code == 0, done.out
    ids = re.findall(r"✓ (\S+) +x86_64 +([0-9a-f-]{36}) ", done.out)
    assert sorted(name for name, _ in ids) == ["program", "program.debug"]
    assert ids[0][1] == ids[1][1]
    dump = tmp_path / "breakpad.dmp"
    dump.write_bytes(as_breakpad_has_it(crash(built.program, tmp_path).dumps[0], built.program))
    assert_names_the_crash(running.event(post_minidump(running.minidump_url, dump, {})))


@pytest.mark.parametrize("first", ["program", "companion"])
def test_without_a_build_id_they_may_be_sent_one_after_the_other(
    first: str, running: Running, build: Build, tmp_path: Path
) -> None:
    built = build("-Wl,--build-id=none")
    dump = tmp_path / "breakpad.dmp"
    dump.write_bytes(as_breakpad_has_it(crash(built.program, tmp_path).dumps[0], built.program))
    event_id = post_minidump(running.minidump_url, dump, {})
    running.event(event_id)
    make_unique(built)
    order = [built.program, built.companion] if first == "program" else [built.companion, built.program]
    sent = [run(running, "upload-debug-files", path) for path in order]
    assert [done.code for done in sent] == [0, 0], sent
    told = sent[0 if first == "companion" else 1].out
    if first == "companion":
        assert "○ program.debug: It waits for its program: it has no build id" in told
        assert "Upload the program too, or link with -Wl,--build-id." in " ".join(told.split())
    else:
        assert re.search(r"✓ program\.debug +x86_64 +[0-9a-f-]{36} +\(names, lines\)", told), told
    running.until(lambda: is_named(running.event(event_id)))
    assert_names_the_crash(running.event(event_id))


def make_unique(built: Built) -> None:
    """Give a pair a companion that no other has: the programs of these tests differ only in a constant."""
    with built.companion.open("ab") as file:
        file.write(secrets.token_bytes(8))
    for option in ("--remove-section=.gnu_debuglink", f"--add-gnu-debuglink={built.companion}"):
        subprocess.run(["objcopy", option, built.program], check=True)


def is_named(event: Event) -> bool:
    assert event.crash is not None and event.crash.stacktrace is not None
    return event.crash.stacktrace.frames[-1].lineno is not None


def test_a_companion_that_waits_is_told_wherever_files_are_told(running: Running, build: Build) -> None:
    make_unique(built := build("-Wl,--build-id=none"))
    companion = built.companion
    (sent,) = run(running, "upload-debug-files", companion, "--json").json
    assert (sent["error"], sent["debug_ids"]) == (None, [])
    assert sent["waits"].startswith("It waits for its program")
    sha1 = sent["key"].split("/")[1]
    shown = " ".join(run(running, "symbols", "show", sha1).out.split())
    assert "○ program.debug cannot be used yet: It waits for its program" in shown
    listed = run(running, "symbols", "list", "--failed", "--json").json
    assert any(one["sha1"] == sha1 and one["reason"] == sent["waits"] for one in listed)
    assert run(running, "symbols", "check", companion, "--json").json[0]["state"] == "waits"


@pytest.mark.parametrize("version", ["2", "3"])
def test_sentry_cli_sends_a_program_without_a_build_id_and_no_companion(
    version: str, running: Running, build: Build, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cli = SentryCli(sentry_cli_2() if version == "2" else sentry_cli_3(), home)
    built = build("-Wl,--build-id=none")
    ran = cli.run("debug-files", "upload", "--wait", built.program.parent, token=running.token(), SENTRY_PROJECT="demo")
    assert (ran.code, "Uploaded 1 missing debug information file" in ran.output) == (0, True), ran.output
    assert "program.debug" not in ran.output
    done = run(running, "upload-debug-files", built.companion)
    assert done.code == 0
    assert re.search(r"✓ program\.debug +x86_64 +[0-9a-f-]{36} +\(names, lines\)", done.out), done.out


def test_without_a_build_id_crashes_of_crashpad_say_what_to_do(running: Running, build: Build, tmp_path: Path) -> None:
    built = build("-Wl,--build-id=none")
    program = built.program.rename(built.program.with_name(f"game-{secrets.token_hex(4)}"))
    event = running.event(uploaded_id(crash(program, tmp_path, running.minidump_url)))
    (image,) = (image for image in event.debug_meta.images if image.code_file == str(program))
    assert (image.debug_id, image.code_id, image.debug_status) == (None, None, "missing")
    assert image.reason is not None and "link it with -Wl,--build-id" in image.reason
    (error,) = (error for error in event.errors if error.image_path == str(program))
    assert (error.type, error.message) == ("native_missing_dsym", image.reason)
    shown = run(running, "events", "show", event.event_id).out
    assert f"{program.name} has no symbols here: {image.reason}" in " ".join(shown.split())
    running.until(lambda: any(module["name"] == program.name for module in missing(running)))
    (module,) = (module for module in missing(running) if module["name"] == program.name)
    assert (module["crashes"], module["files"], module["command"]) == (1, [], None)
    assert module["nextStep"] == "link with -Wl,--build-id"
    told = run(running, "symbols", "missing").out
    to_send, _, nameless = told.partition("Without an id in the dump: no file can be told to be theirs")
    assert program.name not in to_send
    assert re.search(rf"{program.name} +1 +Linux x86_64 +{event.event_id} +link with -Wl,--build-id", nameless), told


def missing(running: Running) -> list[dict[str, object]]:
    found: list[dict[str, object]] = run(running, "symbols", "missing", "--json").json
    return found
