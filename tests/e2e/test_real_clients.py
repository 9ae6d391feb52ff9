"""Real clients: programs compiled here crash, and Crashpad's handler or curl brings the dump to a running Cairn."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cairn.crash.event import Event
from tests.contract.crashpad import Crash, compile_program, crash
from tests.e2e.conftest import Running

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")

SOURCE = """
struct Part { int serial; };

__attribute__((noinline)) int read_serial(const Part* part) {
    return part->serial;
}

__attribute__((noinline)) int assemble(const Part* part) {
    return read_serial(part) + 1;
}

int main(int argc, char**) {
    return assemble(argc > 5 ? new Part : nullptr);
}
"""
CRASHING_LINE = 5


@pytest.fixture(scope="module")
def program(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose symbols Cairn has."""
    built = compile_program(SOURCE, tmp_path_factory.mktemp("program"), "-g", "-O1", "-fno-optimize-sibling-calls")
    running.symbols(built)
    return built


def assert_names_the_crash(event: Event) -> None:
    assert event.crash is not None and event.crash.stacktrace is not None
    assert event.crash.type == "SIGSEGV / SEGV_MAPERR / 0x0"
    assert event.title == "read_serial"
    innermost = event.crash.stacktrace.frames[-1]
    assert (innermost.function, innermost.filename, innermost.lineno) == ("read_serial", "program.cpp", CRASHING_LINE)
    named = [frame.function for frame in reversed(event.crash.stacktrace.frames)]
    assert named[:3] == ["read_serial", "assemble", "main"]
    assert {frame.trust for frame in event.crash.stacktrace.frames[-3:]} == {"context", "cfi"}


def uploaded_id(crashed: Crash) -> str:
    """The event id that the handler got as an answer: it keeps it beside the dump (crashpad: database metadata)."""
    metadata = next((crashed.database / "completed").glob("*.meta")).read_bytes()
    return metadata[-36:].decode()


@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "plain"])
def test_crashpad_handler_uploads_to_cairn(running: Running, program: Path, tmp_path: Path, gzip: bool) -> None:
    options = ["--annotation=prod=assembler", "--annotation=ver=2.1"] + ([] if gzip else ["--no-upload-gzip"])
    crashed = crash(program, tmp_path, running.minidump_url, *options)
    event = running.event(uploaded_id(crashed))
    assert_names_the_crash(event)
    assert event.extra["prod"] == "assembler"
    assert event.contexts["crashpad"]["ver"] == "2.1"
    assert event.sdk["name"] == "minidump.crashpad"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_posts_to_cairn(running: Running, program: Path, tmp_path: Path) -> None:
    dump = crash(program, tmp_path).dumps[0]
    fields = ["sentry[release]=assembler@2.1", 'sentry={"tags":{"line":"3"}}', "shift=night"]
    forms = [word for field in fields for word in ("-F", field)]
    command = ["curl", "--silent", "--fail", *forms, "-F", f"upload_file_minidump=@{dump}", running.minidump_url]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    event = running.event(answer)
    assert_names_the_crash(event)
    assert (event.release, event.tags, event.extra) == ("assembler@2.1", {"line": "3"}, {"shift": "night"})


def test_what_was_sent_is_kept_unchanged(running: Running, program: Path, tmp_path: Path) -> None:
    crashed = crash(program, tmp_path, running.minidump_url)
    record = running.record(uploaded_id(crashed))
    clients, bucket = running.target.clients, running.target.settings.bucket
    manifest = json.loads(clients.s3.get_object(Bucket=bucket, Key=record.upload_key)["Body"].read())
    stored = clients.s3.get_object(Bucket=bucket, Key=manifest["dump"]["key"])["Body"].read()
    assert stored == crashed.dumps[0].read_bytes()
