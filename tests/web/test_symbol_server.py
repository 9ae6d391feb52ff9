"""The symbol server: which file a path asks for, and who may have it."""

from __future__ import annotations

import base64
import json
import secrets
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.store.objects import Objects
from cairn.store.symbols.debug_files import DebugFiles, debug_file_key
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.store.tokens import ApiTokens
from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.records import Features
from cairn.web.access import hide_token
from cairn.web.source_files import MOST_BYTES
from tests.web.conftest import HOST, Answer, Client, event
from tests.web.test_assemble import sym_file
from tests.web.test_dsyms import guid, upload

DEBUG = Features(symbols=True, debug_info=True)
STRIPPED = Features(unwind_info=True)


@pytest.fixture
def debugger(client: Client) -> Client:
    """A client without a header, whose token stands in the path."""
    tokens = ApiTokens(client.store.settings, client.store.clients)
    text, _ = tokens.create(f"https://{HOST}", "gdb", ["symbols:read"])
    client.token = None
    return replace(client, token=None, project=replace(client.project, slug=text))


def ask(debugger: Client, path: str) -> Answer:
    return debugger.get(f"/symbols/{debugger.project.slug}/{path}")


def fetched(answer: Answer) -> bytes:
    """What a debugger gets in the end."""
    assert answer.status == 302, answer
    with urllib.request.urlopen(answer.headers["location"], timeout=10) as found:
        return bytes(found.read())


def put(client: Client, content: bytes, **changes: Any) -> SymbolEntry:
    """Store and index a file that is ELF with a build id of its own unless ``changes`` say otherwise."""
    key = debug_file_key(secrets.token_hex(20), changes.pop("file", "game"))
    made = SymbolEntry(
        debug_id=None,
        code_id=secrets.token_hex(20),
        name="game",
        format="elf",
        kind="lib",
        arch="x86_64",
        features=STRIPPED,
        key=f"symbols/{secrets.token_hex(8)}",
        debug_file_key=key,
        size=1,
        version=1,
        created=1.0,
        has_code=True,
    )
    entry = replace(made, **changes)
    Objects(client.store.clients, client.store.settings.bucket).put(key, content)
    SymbolIndex(client.store.settings, client.store.clients).put(entry)
    return entry


@pytest.mark.parametrize("companion_first", [True, False], ids=["companion-first", "program-first"])
def test_a_program_and_its_companion_have_one_build_id(debugger: Client, companion_first: bool) -> None:
    build_id = secrets.token_hex(20)
    times = (1.0, 2.0) if companion_first else (2.0, 1.0)
    put(debugger, b"companion", code_id=build_id, kind="dbg", features=DEBUG, has_code=False, created=times[0])
    put(debugger, b"program", code_id=build_id, created=times[1])
    assert fetched(ask(debugger, f"buildid/{build_id}/debuginfo")) == b"companion"
    assert fetched(ask(debugger, f"buildid/{build_id}/executable")) == b"program"
    assert fetched(ask(debugger, f"_.debug/elf-buildid-sym-{build_id}/_.debug")) == b"companion"
    assert fetched(ask(debugger, f"game/elf-buildid-{build_id.upper()}/game")) == b"program"


def test_a_whole_program_is_both(debugger: Client) -> None:
    entry = put(debugger, b"whole", features=DEBUG)
    for part in ("debuginfo", "executable"):
        assert fetched(ask(debugger, f"buildid/{entry.code_id}/{part}")) == b"whole"


def test_a_static_program_is_none_of_the_companions_though_its_kind_says_so(debugger: Client) -> None:
    build_id = secrets.token_hex(20)
    put(debugger, b"static", code_id=build_id, kind="dbg")
    assert fetched(ask(debugger, f"buildid/{build_id}/executable")) == b"static"
    assert ask(debugger, f"buildid/{build_id}/debuginfo").status == 404


def test_what_an_older_cairn_indexed_goes_by_its_kind(debugger: Client) -> None:
    build_id = secrets.token_hex(20)
    put(debugger, b"companion", code_id=build_id, kind="dbg", features=DEBUG, has_code=None)
    put(debugger, b"program", code_id=build_id, has_code=None)
    assert fetched(ask(debugger, f"buildid/{build_id}/debuginfo")) == b"companion"
    assert fetched(ask(debugger, f"buildid/{build_id}/executable")) == b"program"


def test_a_file_that_debuggers_fetch_is_kept(debugger: Client) -> None:
    used, unused = put(debugger, b"used"), put(debugger, b"unused")
    assert ask(debugger, f"buildid/{used.code_id}/executable").status == 302
    due = LastUses(debugger.store.settings, debugger.store.clients).unused_since(time.time() - 60)
    assert unused.debug_file_key.split("/")[1] in due
    assert used.debug_file_key.split("/")[1] not in due


def test_a_slash_too_many_does_no_harm(debugger: Client) -> None:
    entry = put(debugger, b"program")
    assert fetched(ask(debugger, f"/buildid/{entry.code_id}/executable")) == b"program"
    assert fetched(ask(debugger, f"/game//elf-buildid-{entry.code_id}/game")) == b"program"


def test_the_latest_of_several_is_given(debugger: Client) -> None:
    build_id = secrets.token_hex(20)
    for created in (3.0, 5.0, 4.0):
        put(debugger, str(created).encode(), code_id=build_id, created=created)
    assert fetched(ask(debugger, f"buildid/{build_id}/executable")) == b"5.0"


def test_a_pdb_is_found_by_its_guid_and_age(debugger: Client) -> None:
    debug_id = f"{secrets.token_hex(4)}-1111-2222-3333-444455556666-1a"
    put(debugger, b"pdb", debug_id=debug_id, code_id=None, format="pdb", kind="dbg", has_code=False)
    asked = debug_id.replace("-", "").upper()
    assert fetched(ask(debugger, f"game.pdb/{asked}/game.pdb")) == b"pdb"
    assert fetched(ask(debugger, f"Game.PDB/{asked.lower()}/Game.PDB")) == b"pdb"
    assert ask(debugger, f"game.pdb/{asked}/game.pd_").status == 404
    assert ask(debugger, f"game.pdb/{asked[:-1]}/game.pdb").status == 404


def test_a_portable_pdb_has_no_age(debugger: Client) -> None:
    debug_id = f"{secrets.token_hex(4)}-1111-2222-3333-444455556666"
    put(debugger, b"portable", debug_id=debug_id, code_id=None, format="portablepdb", has_code=False)
    assert fetched(ask(debugger, f"a.pdb/{debug_id.replace('-', '')}FFFFFFFF/a.pdb")) == b"portable"


def test_a_windows_program_is_found_by_time_stamp_and_size(debugger: Client) -> None:
    code_id = secrets.token_hex(4) + "1a000"
    put(debugger, b"exe", code_id=code_id, format="pe", kind="exe")
    assert fetched(ask(debugger, f"game.exe/{code_id[:8].upper()}{code_id[8:]}/game.exe")) == b"exe"


def test_apples_programs_and_dsyms_have_one_uuid(debugger: Client) -> None:
    uuid = secrets.token_hex(16)
    put(debugger, b"dylib", debug_id=uuid, format="macho")
    put(debugger, b"dsym", debug_id=uuid, format="macho", kind="dbg", features=DEBUG, has_code=False)
    assert fetched(ask(debugger, f"game.dylib/mach-uuid-{uuid}/game.dylib")) == b"dylib"
    assert fetched(ask(debugger, f"_.dwarf/mach-uuid-sym-{uuid.upper()}/_.dwarf")) == b"dsym"


def test_breakpad_symbols_are_had_as_they_were_sent(client: Client, debugger: Client) -> None:
    content = sym_file()
    client.token, _ = ApiTokens(client.store.settings, client.store.clients).create("", "", ["project:write"])
    upload(client, content, "game.sym")
    asked = guid(content).replace("-", "").upper() + "0"
    assert fetched(ask(debugger, f"game/{asked}/game.sym")) == content
    assert "there is only game.sym (breakpad, dbg)" in ask(debugger, f"game/{asked}/game.pdb").body["detail"]


def test_what_there_is_not(debugger: Client) -> None:
    unknown = secrets.token_hex(20)
    for path in (f"buildid/{unknown}/debuginfo", f"a.exe/{unknown}/a.exe", f"buildid/{unknown}/executable"):
        assert ask(debugger, path).body == {"detail": f"no debug file with the id {unknown} was uploaded"}
    for path in (
        f"buildid/{unknown}/section",
        f"buildid/{unknown}/source/usr/include/stdio.h",
        f"buildid/{unknown}/source",
        f"buildid/{'0' * 300}/source/a.c",
        f"buildid/{unknown[:5]}/source/a.c",
        f"buildid/{unknown}/source/{'a' * 5000}",
        "index2.txt",
        "pingme.txt",
        "a.pdb/nonsense/a.pdb",
        "a.pdb/../a.pdb",
        f"a/sha256-{unknown}/a",
        f"a/elf-buildid-{'0' * 5000}/a",
        f"buildid/{'0' * 40}/executable",
    ):
        assert ask(debugger, path).status == 404, path


def test_a_file_may_be_asked_for_by_head(debugger: Client) -> None:
    entry = put(debugger, b"program")
    for path in (f"buildid/{entry.code_id}/executable", f"game/elf-buildid-{entry.code_id}/game"):
        answer = debugger.call("HEAD", f"/symbols/{debugger.project.slug}/{path}")
        assert answer.status == 302
        asked = urllib.request.Request(answer.headers["location"], method="HEAD")
        with urllib.request.urlopen(asked, timeout=10) as found:
            assert (found.status, found.headers["content-length"]) == (200, "7")
        got = ask(debugger, path).headers["location"]
        assert got.split("Signature=")[1] != answer.headers["location"].split("Signature=")[1], "the method is signed"
    assert debugger.call("HEAD", f"/symbols/{debugger.project.slug}/buildid/{'ab' * 20}/executable").status == 404


def source_file(debugger: Client, path: str, method: str = "GET", header: dict[str, str] | None = None) -> bytes | int:
    """A source file as the gateway hands it on, or the status of an error."""
    asked = event(method, path, b"", {"host": HOST, **(header or {})}, "")
    answer = debugger.api.answer(asked, cast(LambdaContext, None))
    if answer["statusCode"] != 200:
        return int(answer["statusCode"])
    assert answer["isBase64Encoded"] and answer["headers"]["Content-Type"] == "application/octet-stream"
    return base64.b64decode(answer["body"])


SOURCES = {"/src/game.cpp": b"int main() {}\r\n\xff", "/src/a b+%41.h": b"blank", "relative.c": b"relative"}


def put_sources(client: Client, folder: Path, build_id: str, files: Mapping[str, bytes]) -> None:
    """Upload and compile a source bundle of a program."""
    where, path = (client.store.settings, client.store.clients), folder / f"{secrets.token_hex(4)}.src.zip"
    names = {f"files/{number}": name for number, name in enumerate(files)}
    members = {name: {"type": "source", "path": path} for name, path in names.items()}
    with path.open("wb") as file:
        file.write(b"SYSB\2\0\0\0")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in zip(names, files.values(), strict=True):
                archive.writestr(name, content)
            manifest = {"files": members, "debug_id": elf_debug_id(build_id), "arch": "x86_64"}
            archive.writestr("manifest.json", json.dumps(manifest))
    assert Compilation(*where).run(DebugFiles(*where).put(path, path.name)).entries


def test_a_source_file_comes_out_of_the_bundle_as_it_is(client: Client, debugger: Client, tmp_path: Path) -> None:
    build_id = secrets.token_hex(20)
    put_sources(client, tmp_path, build_id, SOURCES)
    place = f"/symbols/{debugger.project.slug}/buildid/{build_id}/source"
    assert source_file(debugger, f"{place}/src/game.cpp") == SOURCES["/src/game.cpp"]
    assert source_file(debugger, f"{place}//src/./x/../game.cpp") == SOURCES["/src/game.cpp"]
    assert source_file(debugger, f"{place}/src/a%20b%2B%2541.h") == b"blank"
    assert source_file(debugger, f"{place}/src/a b+%41.h") == b"blank", "the gateway may have unquoted it"
    assert source_file(debugger, f"{place}/relative.c") == b"relative"
    assert source_file(debugger, f"{place}/src/game.cpp", "HEAD") == SOURCES["/src/game.cpp"]
    by_header = f"/symbols/buildid/{build_id.upper()}/source/src/game.cpp"
    header = {"authorization": f"Bearer {debugger.project.slug}"}
    assert source_file(client, by_header, header=header) == SOURCES["/src/game.cpp"]
    assert source_file(client, by_header) == 401
    for absent in ("/src/other.cpp", "/../../etc/passwd", "/manifest.json", "/files/0"):
        assert source_file(debugger, place + absent) == 404, absent


def test_of_several_bundles_the_latest_that_has_the_file_counts(
    client: Client, debugger: Client, tmp_path: Path
) -> None:
    build_id = secrets.token_hex(20)
    put_sources(client, tmp_path, build_id, {"/a.c": b"old", "/b.c": b"old"})
    put_sources(client, tmp_path, build_id, {"/a.c": b"new"})
    place = f"/symbols/{debugger.project.slug}/buildid/{build_id}/source"
    assert (source_file(debugger, f"{place}/a.c"), source_file(debugger, f"{place}/b.c")) == (b"new", b"old")


def test_a_source_file_fits_into_an_answer(client: Client, debugger: Client, tmp_path: Path) -> None:
    build_id = secrets.token_hex(20)
    put_sources(client, tmp_path, build_id, {"/most.c": bytes(MOST_BYTES), "/more.c": bytes(MOST_BYTES + 1)})
    place = f"/symbols/{debugger.project.slug}/buildid/{build_id}/source"
    assert source_file(debugger, f"{place}/most.c") == bytes(MOST_BYTES)
    assert len(base64.b64encode(bytes(MOST_BYTES))) < 6_000_000
    assert source_file(debugger, f"{place}/more.c") == 404


def test_a_bundle_that_is_gone_has_no_sources(client: Client, debugger: Client, tmp_path: Path) -> None:
    build_id = secrets.token_hex(20)
    put_sources(client, tmp_path, build_id, SOURCES)
    debug_id = elf_debug_id(build_id)
    (entry,) = SymbolIndex(client.store.settings, client.store.clients).find_sources([debug_id])[debug_id]
    Objects(client.store.clients, client.store.settings.bucket).delete(entry.debug_file_key)
    assert source_file(debugger, f"/symbols/{debugger.project.slug}/buildid/{build_id}/source/src/game.cpp") == 404


def test_a_token_may_come_in_the_header(client: Client) -> None:
    entry = put(client, b"program")
    assert fetched(client.get(f"/symbols/buildid/{entry.code_id}/executable")) == b"program"
    assert fetched(client.get(f"/symbols/game/elf-buildid-{entry.code_id}/game")) == b"program"
    client.token = None
    assert client.get(f"/symbols/buildid/{entry.code_id}/executable").status == 401


def test_nothing_is_had_without_a_token_that_allows_it(client: Client) -> None:
    entry = put(client, b"program")
    tokens = ApiTokens(client.store.settings, client.store.clients)
    text, token = tokens.create("", "", ["symbols:read"])
    path = f"buildid/{entry.code_id}/executable"
    client.token = None
    assert client.get(f"/symbols/{text}/{path}").status == 302
    assert client.get(f"/symbols/{text[:-1]}/{path}").status == 401
    tokens.revoke(token.id)
    assert f"the token …{token.ending} was revoked" in client.get(f"/symbols/{text}/{path}").body["detail"]
    client.token, _ = tokens.create("", "", ["org:ci"])
    assert client.get(f"/symbols/{path}").status == 403


def test_a_debuggers_token_allows_nothing_else(client: Client) -> None:
    client.token, _ = ApiTokens(client.store.settings, client.store.clients).create("", "", ["symbols:read"])
    assert client.get(f"/api/0/projects/cairn/{client.project.slug}/files/dsyms/").status == 403
    assert client.get("/api/0/organizations/cairn/chunk-upload/").status == 403


def test_no_log_has_the_token() -> None:
    assert hide_token("/symbols/cairn_secret/buildid/00/debuginfo") == "/symbols/…/buildid/00/debuginfo"
    assert hide_token("/symbols/cairn_secret") == "/symbols/…"
    assert hide_token("//symbols/cairn_secret/index2.txt") == "//symbols/…/index2.txt"
    assert hide_token("/api/0/projects/cairn/1/files/dsyms/") == "/api/0/projects/cairn/1/files/dsyms/"
