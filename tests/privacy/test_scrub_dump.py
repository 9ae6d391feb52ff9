"""Dumps of real programs under Crashpad, with secrets in their environment, arguments and memory."""

from __future__ import annotations

import time
from mmap import mmap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.crash.build_event import Received, build_event
from cairn.crash.event import Event
from cairn.crash.process import process
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from cairn.privacy.scrub_dump import BLOCK, Effort, scrub_dump, scrub_in_place
from cairn.privacy.settings import Privacy
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.contract.crashpad import compile_program, crash
from tests.crash.symbol_files import SAMPLE, Files, compiled
from tests.synth.minidump import MinidumpBuilder

SECRETS = ("canary-hunter2", "canary.mail@example.com", "canaryuser")
SOURCE = """
#include <cstring>
#include <cstdio>
#include <cstdlib>
struct Session { char mail[40]; char16_t wide[40]; char path[60]; char password[40]; int* target; };
__attribute__((noinline)) int play(Session& session, int depth) {
    volatile char near[64];
    std::snprintf((char*)near, sizeof near, "password=%s", session.password);
    if (depth) return play(session, depth - 1) + near[0];
    return *session.target;
}
int main(int, char** arguments) {
    Session session{};
    std::strcpy(session.mail, "canary.mail@example.com");
    std::strcpy(session.path, "/home/canaryuser/saves/one.sav");
    std::strcpy(session.password, arguments[2]);
    for (int i = 0; session.mail[i]; i++) session.wide[i] = session.mail[i];
    return play(session, 3);
}
"""


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[SymbolFile]]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "symbols").mkdir()
    program = compile_program(SOURCE, folder, "-g", "-O1", name="session")
    (path,) = crash(program, folder, arguments=("--password", "canary-hunter2")).dumps
    return path.read_bytes(), compiled(folder / "symbols", program)


def event_of(data: bytes, files: list[SymbolFile]) -> Event:
    return build_event(process(data, Files(*files)), Received("ab" * 16, 1, 1_700_000_000.0))


def holds(data: bytes, text: str) -> bool:
    return text.encode() in data or text.encode("utf-16-le") in data


def test_secrets_are_gone_and_the_frames_are_the_same(dump: tuple[bytes, list[SymbolFile]]) -> None:
    data, files = dump
    assert all(holds(data, secret) for secret in SECRETS), "the dump has what is looked for"
    done = scrub_dump(data, read(data), Privacy())
    assert [secret for secret in SECRETS if holds(done.data, secret)] == []
    assert len(done.data) == len(data)
    assert {"email", "userpath", "option", "variable", "copy"} <= done.counts.keys()

    before, after = event_of(data, files), event_of(done.data, files)
    assert after.exception == before.exception
    assert after.threads == before.threads
    assert after.debug_meta == before.debug_meta
    assert before.crash and before.crash.stacktrace
    assert "play" in [frame.function for frame in before.crash.stacktrace.frames]


def test_only_what_is_found_changes(dump: tuple[bytes, list[SymbolFile]]) -> None:
    data, _ = dump
    done = scrub_dump(data, read(data), Privacy())
    changed = [new for old, new in zip(data, done.data, strict=True) if old != new]
    assert set(changed) == {ord("*")}
    assert len(changed) < len(data) / 20
    assert scrub_dump(done.data, read(done.data), Privacy()).data == done.data, "twice is harmless"
    assert scrub_dump(done.data, read(done.data), Privacy()).counts == {}


def linux(environment: bytes, arguments: bytes) -> bytes:
    builder = MinidumpBuilder(Arch.AMD64, Os.LINUX)
    return builder.stream(0x47670007, environment).stream(0x47670006, arguments).build()


def test_the_environment_and_the_arguments_are_searched_by_name() -> None:
    environment = "LANG=de\0DB_PASS=canäry one\0USER=canary\0PATH=/home/canary/bin:/bin\0MY_TOKEN=\0".encode()
    arguments = b"game\0--api-key\0canary\0--mode\0fast\0--secret=canary two\0-x\0"
    data = linux(environment, arguments)
    done = scrub_dump(data, read(data), Privacy()).data
    assert b"DB_PASS=***********\0USER=******\0PATH=/home/******/bin:/bin\0MY_TOKEN=\0" in done
    assert b"game\0--api-key\0******\0--mode\0fast\0--secret=**********\0-x\0" in done


def test_a_project_names_variables_of_its_own() -> None:
    data = linux(b"PLAYER=amy\0MY_TOKEN=open\0", b"game\0")
    privacy = Privacy(safe_fields=("my-token",), sensitive_fields=("player",))
    assert b"PLAYER=***\0MY_TOKEN=open\0" in scrub_dump(data, read(data), privacy).data


def test_of_a_modules_path_only_the_users_name_goes() -> None:
    path = "/home/canary/mods/plug@in.org.so"
    other = "/srv/home/amy/1.2.3.4/app"
    builder = MinidumpBuilder(Arch.AMD64, Os.LINUX).module(0x1000, 0x1000, path).module(0x3000, 0x1000, other)
    builder.linux(environment=f"MODS={path}\0MY_TOKEN=plug@in.org\0BY=amy@1.2.3.4.example.org\0")
    data = builder.build()
    done = scrub_dump(data, read(data), Privacy()).data
    assert [module.code_file for module in read(done).modules] == ["/home/******/mods/plug@in.org.so", other]
    assert b"MODS=/home/******/mods/plug@in.org.so\0MY_TOKEN=***********\0BY=***" in done
    assert scrub_dump(done, read(done), Privacy()).data == done


@pytest.mark.parametrize("arch", [Arch.X86, Arch.AMD64])
def test_a_pointer_that_looks_like_text_stays(arch: Arch) -> None:
    """On 32 bits four letters may be an address: of the module, or of the stack."""
    base = int.from_bytes(b"a@b.", "little") & ~0xFFF
    word = (base + 0x10).to_bytes(arch.pointer_size, "little")
    text = b"canary@mail" + bytes(1) + b"token=" + word + b"\0" * 8
    names = ("eip", "esp") if arch is Arch.X86 else ("rip", "rsp")
    stack = 0x10_0000
    builder = MinidumpBuilder(arch, Os.LINUX).module(base, 0x1000, "/opt/app")
    builder.thread(1, {names[0]: base, names[1]: stack}, (stack, text))
    data = builder.build()
    assert word in scrub_dump(data, read(data), Privacy()).data


def test_a_dump_that_cannot_be_read_is_searched_too() -> None:
    data = b"no dump at all: canary@example.com " + "canary@example.com".encode("utf-16-le")
    done = scrub_dump(data, None, Privacy()).data
    assert b"canary" not in done.replace(b"\0", b"") and len(done) == len(data)


def test_the_sample_gives_the_same_event(tmp_path: Path) -> None:
    data = (SAMPLE / "lighthouse.dmp").read_bytes()
    files = compiled(tmp_path, SAMPLE / "lighthouse")
    done = scrub_dump(data, read(data), Privacy())
    before, after = event_of(data, files), event_of(done.data, files)
    assert (after.exception, after.threads) == (before.exception, before.threads)
    assert after.cairn.facts == before.cairn.facts


HOSTILE = {
    "mails": b"a@b.co\0",
    "passwords": b"password=12345678\0",
    "one-value": b"token=aaaaaaaa" + b"a" * 4000 + b"\0",
    "long": b"/home/" + b"x" * 60 + b" secret=1 ",
    "options": b"--password\0",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_dump_takes_no_longer_than_its_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (HOSTILE[name] * (size // len(HOSTILE[name])) for size in (100_000, 800_000))
    assert seconds(large) < 20 * seconds(small) + 0.1
    monkeypatch.setattr("cairn.privacy.scrub_dump.WORK", 100_000)
    done = scrub_dump(large, None, Privacy())
    assert not done.complete and len(done.data) == len(large)


def seconds(data: bytes) -> float:
    start = time.process_time()
    assert scrub_dump(data, None, Privacy()).complete
    return time.process_time() - start


@settings(max_examples=50)
@given(st.binary(max_size=400), st.sampled_from([b"", b"password=", b"a@b.com", b"/home/x", b"--token\0abcd"]))
def test_any_bytes_keep_their_length(data: bytes, more: bytes) -> None:
    whole = data + more + data
    once = scrub_dump(whole, None, Privacy()).data
    assert len(once) == len(whole)
    assert scrub_dump(once, None, Privacy()).data == once


def test_a_mapped_file_is_changed_in_its_place(tmp_path: Path) -> None:
    data = bytes(BLOCK) + b" a@b.com \0" + bytes(BLOCK) + (SAMPLE / "lighthouse.dmp").read_bytes()
    path = tmp_path / "dump"
    path.write_bytes(data)
    effort = Effort(work=10**9, searched=1 << 32)
    with path.open("r+b") as file, mmap(file.fileno(), 0) as mapped:
        done = scrub_in_place(mapped, None, Privacy(), effort)
    assert path.read_bytes() == scrub_dump(data, None, Privacy()).data
    assert done.complete and done.counts["email"] == 1 and done.changed >= {1} and 0 not in done.changed


def test_it_ends_when_its_time_is_over() -> None:
    data = bytearray(b"a@b.com\0" * 1000)
    done = scrub_in_place(data, None, Privacy(), Effort(work=10**9, searched=1 << 32, seconds=-1))
    assert not done.complete and done.counts == {}
