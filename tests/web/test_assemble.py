"""The assemble call: what is missing, what is under way, and what came of it."""

from __future__ import annotations

import io
import json
import os
import secrets
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.delete_debug_file import Deletion
from cairn.store.errors import UnavailableError
from cairn.store.queues import Queue
from cairn.store.symbols.assemblies import PENDING_SECONDS
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import LARGEST_FILE, debug_file_key
from cairn.store.table import Table
from cairn.symbols.symbol_file.index import CURRENT
from cairn.web.assemble import MOST_CHUNKS, MOST_FILES
from tests.web.conftest import Client, sha1


def sym_file() -> bytes:
    """A Breakpad symbol file with an id of its own."""
    head = f"MODULE Linux x86_64 {secrets.token_hex(16).upper()}0 game\n"
    return (
        head + "FILE 0 game.cpp\nFUNC 1000 10 0 main\n1000 10 7 0\nSTACK CFI INIT 1000 10 .cfa: $rsp 8 +\n"
    ).encode()


def test_a_file_goes_from_missing_to_ok(client: Client) -> None:
    content = sym_file()
    chunks = [content[:50], content[50:]]
    assert client.state(content, chunks) == {
        "state": "not_found",
        "missingChunks": [sha1(chunk) for chunk in chunks],
        "detail": None,
    }
    client.send_chunks(*chunks)
    assert client.state(content, chunks)["state"] == "assembling"
    assert client.work() == 1
    done = client.state(content, chunks)
    assert (done["state"], done["missingChunks"]) == ("ok", [])
    debug_id = content.split()[3].decode().lower()[:32]
    assert {name: done["dif"][name] for name in ("cpuName", "objectName", "sha1", "size", "symbolType", "data")} == {
        "cpuName": "x86_64",
        "objectName": "program",
        "sha1": sha1(content),
        "size": len(content),
        "symbolType": "breakpad",
        "data": {"type": "dbg", "features": ["symtab", "debug", "unwind"]},
    }
    assert done["dif"]["uuid"].replace("-", "") == debug_id
    assert done["dif"]["headers"] == {"Content-Type": "text/x-breakpad"}


def test_only_what_is_missing_is_asked_for(client: Client) -> None:
    chunks = [os.urandom(10) for _ in range(3)]
    client.send_chunks(chunks[1])
    found = client.state(b"".join(chunks), [*chunks, chunks[0]])
    assert found["missingChunks"] == [sha1(chunks[0]), sha1(chunks[2])]


def test_a_file_that_is_there_is_ok_without_any_chunk(client: Client) -> None:
    content = sym_file()
    client.send_chunks(content)
    client.state(content, [content])
    client.work()
    assert client.state(content, [os.urandom(10)])["state"] == "ok"
    assert client.state(content, [])["state"] == "ok"
    assert client.work() == 0


def test_asking_again_starts_nothing_again(client: Client) -> None:
    content = sym_file()
    client.send_chunks(content)
    states = [client.state(content, [content])["state"] for _ in range(3)]
    assert states == ["assembling"] * 3
    assert client.work() == 1


def test_what_could_not_be_queued_is_not_under_way(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    content = sym_file()
    client.send_chunks(content)

    def fail(*_: object) -> None:
        raise UnavailableError("store_throttled", "later")

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "send", fail)
        answer = client.assemble({sha1(content): {"name": "a", "chunks": [sha1(content)]}})
    assert (answer.status, answer.body) == (503, {"detail": "the store cannot be reached just now: try again"})
    assert client.state(content, [content])["state"] == "assembling"
    assert client.work() == 1


def test_chunks_in_a_wrong_order_are_an_error_and_the_right_ones_still_do(client: Client) -> None:
    content = sym_file()
    one, other = content[:40], content[40:]
    client.send_chunks(one, other)
    assert client.state(content, [other, one])["state"] == "assembling"
    client.work()
    found = client.state(content, [other, one])
    assert (found["state"], found["detail"]) == ("error", "Reported checksum mismatch")
    assert client.state(content, [one, other])["state"] == "assembling"
    client.work()
    assert client.state(content, [one, other])["state"] == "ok"


def test_a_chunk_that_is_lost_is_asked_for_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    content = sym_file()
    client.send_chunks(content)
    client.state(content, [content])
    settings = client.store.settings
    client.store.clients.s3.delete_object(Bucket=settings.bucket, Key=f"chunks/{sha1(content)}")
    client.work()
    found = client.state(content, [content])
    assert found["state"] == "error"
    assert f"The chunk {sha1(content)} is gone: upload the file again" in found["detail"]
    monkeypatch.setattr("cairn.store.symbols.assemblies.time.time", lambda: 2e9 * 2)
    assert client.state(content, [content])["missingChunks"] == [sha1(content)]


def test_what_is_no_debug_file_is_an_error_with_the_reason(client: Client) -> None:
    content = os.urandom(100)
    client.send_chunks(content)
    client.state(content, [content])
    client.work()
    found = client.state(content, [content])
    assert found["state"] == "error"
    assert "neither ELF, Mach-O, PE, PDB, portable PDB nor a Breakpad symbol file" in found["detail"]


def test_what_an_older_compiler_could_not_read_is_tried_again(client: Client) -> None:
    content = os.urandom(100)
    client.send_chunks(content)
    client.state(content, [content])
    client.work()
    records = DebugFileRecords(client.store.settings, client.store.clients)
    record = records.find([sha1(content)])[sha1(content)]
    table = Table(client.store.clients, client.store.settings.symbols_table)
    older = {":version": CURRENT - 1}
    table.update(f"debug_file#{sha1(content)}", "debug_file", "SET #version = :version", older)
    assert records.find([sha1(content)])[sha1(content)] == replace(record, version=CURRENT - 1)
    assert client.state(content, [content])["state"] == "assembling"


def test_a_file_above_the_limit_is_refused(client: Client) -> None:
    chunk = bytes(4 * 1024 * 1024)
    client.send_chunks(chunk)
    chunks = [sha1(chunk)] * (LARGEST_FILE // len(chunk) + 1)
    name = secrets.token_hex(20)
    answer = client.assemble({name: {"name": "huge", "chunks": chunks}}).body[name]
    assert (answer["state"], answer["detail"]) == ("error", "File exceeds maximum size")
    assert client.messages() == []


def test_a_file_of_no_chunks_is_not_found(client: Client) -> None:
    assert client.state(b"", [])["state"] == "not_found"


def test_every_file_of_a_request_is_answered_and_no_other(client: Client) -> None:
    request = {secrets.token_hex(20): {"name": "a", "chunks": [secrets.token_hex(20)]} for _ in range(150)}
    answer = client.assemble(request)
    assert answer.body.keys() == request.keys()
    assert all(answer.body[key]["missingChunks"] == request[key]["chunks"] for key in request)


GOOD = secrets.token_hex(20)


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ([], "must be an object"),
        ({"abc": {"name": "a", "chunks": []}}, "named by its SHA-1"),
        ({GOOD: []}, "name must be a text"),
        ({GOOD: {"chunks": []}}, "name must be a text"),
        ({GOOD: {"name": "", "chunks": []}}, "name must be a text"),
        ({GOOD: {"name": "x" * 2000, "chunks": []}}, "name must be a text"),
        ({GOOD: {"name": "a"}}, "chunks must be a list"),
        ({GOOD: {"name": "a", "chunks": "abc"}}, "chunks must be a list"),
        ({GOOD: {"name": "a", "chunks": [7]}}, "chunks must be a list"),
        ({GOOD: {"name": "a", "chunks": ["A" * 40]}}, "chunks must be a list"),
        ({f"{n:040x}": {"name": "a", "chunks": []} for n in range(MOST_FILES + 1)}, "must be an object"),
        ({GOOD: {"name": "a", "chunks": [GOOD] * (MOST_CHUNKS + 1)}}, "Too many chunks"),
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, request_body: Any, words: str) -> None:
    answer = client.assemble(request_body)
    assert answer.status == 400
    assert words in answer.body["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(client: Client, body: bytes) -> None:
    path = f"/api/0/projects/cairn/{client.project.slug}/files/difs/assemble/"
    answer = client.post(path, body, "application/json")
    assert answer.status == 400
    assert "not JSON" in answer.body["detail"]


def test_a_name_cannot_lead_out_of_its_place(client: Client) -> None:
    content = sym_file()
    client.send_chunks(content)
    client.state(content, [content], name="../../a\nb/C:\\build\\game.sym\x00")
    client.work()
    found = client.state(content, [content])
    assert found["dif"]["objectName"] == "game.sym_"
    assert json.dumps(found)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"build/{name}", content)
    return packed.getvalue()


def uploaded(client: Client, content: bytes) -> dict[str, Any]:
    client.send_chunks(content)
    client.state(content, [content], "build.zip")
    client.work()
    return client.state(content, [content], "build.zip")


def test_an_archive_is_ok_when_all_in_it_is_compiled(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = sym_file(), sym_file()
    content = zipped(one=one, two=two)
    with monkeypatch.context() as patch:
        patch.setattr(Compilation, "run", unpacks_only(Compilation.run))
        assert uploaded(client, content)["state"] == "assembling"
    compilation = Compilation(client.store.settings, client.store.clients)
    for name, member in (("one", one), ("two", two)):
        assert client.state(content, [content])["state"] == "assembling"
        compilation.run(debug_file_key(sha1(member), name))
    done = client.state(content, [content])
    assert (done["state"], done["detail"], done["dif"]["objectName"]) == ("ok", None, "one")
    assert client.state(one, [one])["state"] == "ok"


def unpacks_only(run: Callable[..., CompiledDebugFile]) -> Callable[..., CompiledDebugFile]:
    """A compiler that is slow with what was in an archive."""

    def call(compilation: Compilation, key: str) -> CompiledDebugFile:
        return run(compilation, key) if key.endswith(".zip") else CompiledDebugFile()

    return call


def test_what_of_an_archive_cannot_be_used_is_an_error_with_its_name(client: Client) -> None:
    good = sym_file()
    done = uploaded(client, zipped(good=good, bad=b"\x7fELF\2\1\1" + secrets.token_bytes(60)))
    assert done["state"] == "error"
    assert done["detail"].startswith("bad: ")
    assert client.state(good, [good])["state"] == "ok"


def test_an_archive_in_an_archive_is_an_error_and_the_rest_is_taken(client: Client) -> None:
    good = sym_file()
    done = uploaded(client, zipped(**{"good.sym": good, "inner.zip": zipped(other=sym_file())}))
    assert done["state"] == "error"
    assert "build/inner.zip: an archive in an archive is not opened" in done["detail"]
    assert client.state(good, [good])["state"] == "ok"


def test_an_archive_brings_back_what_was_deleted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    good = sym_file()
    content = zipped(good=good)
    assert uploaded(client, content)["state"] == "ok"
    Deletion(client.store.settings, client.store.clients).run(sha1(good))
    assert client.state(content, [content])["state"] == "assembling", "it may still be under way"
    later = time.time() + PENDING_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.state(content, [content])["state"] == "assembling"
    assert client.work() == 1
    assert client.state(content, [content])["state"] == "ok"
