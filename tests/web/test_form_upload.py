"""Sentry's older upload: a zip of debug files in a form, as old tools and curl send it."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from cairn.store.symbols.chunks import CHUNK_SIZE
from cairn.web.api import Api
from cairn.web.form_upload import PATIENCE
from tests.web.conftest import FORM, Answer, Client, form, sha1
from tests.web.test_assemble import sym_file
from tests.web.test_dsyms import guid, listed


@pytest.fixture(autouse=True)
def impatient(client: Client) -> None:
    """Requests wait for nothing: nobody works on the queue meanwhile."""
    change(client, patience=-1)


def change(client: Client, **how: Any) -> None:
    services = client.api._services
    client.api = Api(replace(services, form_upload=replace(services.form_upload, **how)))


def address(client: Client, more: str = "") -> str:
    return f"/api/0/projects/cairn/{client.project.slug}/files/dsyms/{more}"


def send(client: Client, content: bytes, name: str = "symbols.zip", field: str = "file") -> Answer:
    return client.post(address(client), form((field, name, content)), FORM)


def zipped(*files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"build/{number}.sym", content)
        archive.writestr("build/README", "hello")
    return packed.getvalue()


def test_the_files_of_a_zip_are_answered_as_sentry_does(client: Client) -> None:
    one, two = sym_file(), sym_file()
    archive = zipped(one, two)
    first = send(client, archive)
    assert (first.status, first.body) == (202, [])
    client.work()
    done = send(client, archive)
    assert done.status == 201
    assert {(dif["objectName"], dif["debugId"], dif["sha1"], dif["size"]) for dif in done.body} == {
        ("0.sym", guid(one), sha1(one), len(one)),
        ("1.sym", guid(two), sha1(two), len(two)),
    }
    assert {dif["symbolType"] for dif in done.body} == {"breakpad"}
    assert [dif["debugId"] for dif in listed(client, debug_id=guid(one)).body] == [guid(one)]


def test_a_file_alone_is_taken_too(client: Client) -> None:
    content = sym_file()
    assert send(client, content, "game.sym").status == 202
    client.work()
    (dif,) = send(client, content, "game.sym").body
    assert (dif["objectName"], dif["debugId"]) == ("game.sym", guid(content))


def test_what_cannot_be_used_says_why(client: Client) -> None:
    for content, words in ((b"hello", "neither ELF"), (zipped(), "holds no debug file"), (b"PK\3\4 cut", "damaged")):
        assert send(client, content).status == 202
        client.work()
        answer = send(client, content)
        assert answer.status == 400
        assert words in answer.body["detail"], answer.body


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (form(("other", "a.zip", b"x")), FORM, "Missing uploaded file"),
        (form(("file_gzip", "a.zip", b"x")), FORM, "Missing uploaded file"),
        (b"PK", "application/zip", "multipart/form-data"),
        (b"--B\r\nbroken", FORM, "cannot be read"),
    ],
    ids=["another field", "a chunk", "no form", "broken"],
)
def test_a_form_without_a_file_is_refused(client: Client, body: bytes, content_type: str, words: str) -> None:
    answer = client.post(address(client), body, content_type)
    assert answer.status == 400
    assert words in answer.body["detail"]


def test_what_is_too_large_is_told_another_way(client: Client) -> None:
    answer = send(client, bytes(CHUNK_SIZE + 1))
    assert answer.status == 413
    assert "cairn upload-debug-files" in answer.body["detail"]
    assert str(CHUNK_SIZE) in answer.body["detail"]


def test_it_waits_until_the_files_are_compiled(client: Client) -> None:
    change(client, patience=PATIENCE, sleep=lambda _seconds: client.work())
    assert send(client, sym_file()).status == 201


def test_it_needs_a_token_that_may_upload(client: Client) -> None:
    client.token = None
    assert send(client, sym_file()).status == 401


def test_old_clients_ask_what_is_there(client: Client) -> None:
    content = sym_file()
    send(client, content)
    there, gone = sha1(content), sha1(b"nobody sent this")
    asked = address(client, "unknown/")
    assert client.call("GET", asked, query=f"checksums={there}&checksums={gone}").body == {"missing": [there, gone]}
    client.work()
    assert client.get(asked, checksums=f"{there},{gone}").body == {"missing": [gone]}
    assert client.get(asked).body == {"missing": []}
    assert client.get(asked, checksums="../../x").status == 400
    answer = client.post(address(client, "associate/"), b"{}", "application/json")
    assert (answer.status, answer.body) == (200, {"associatedDsymFiles": []})
