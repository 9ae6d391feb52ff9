"""The list of debug files, as Symbolicator asks for it."""

from __future__ import annotations

import io
import json
import secrets
import urllib.request
import zipfile

import pytest

from cairn.web.dsyms import PAGE, link_header
from tests.web.conftest import Answer, Client, sha1
from tests.web.test_assemble import sym_file


def listed(client: Client, **query: str) -> Answer:
    return client.get(f"/api/0/projects/cairn/{client.project.slug}/files/dsyms/", **query)


def upload(client: Client, content: bytes, name: str) -> None:
    client.send_chunks(content)
    client.state(content, [content], name)
    client.work()
    assert client.state(content, [content])["state"] == "ok"


def source_bundle(debug_id: str) -> bytes:
    """What sentry-cli makes of the sources of a program."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("files/game.cpp", "int main() {}\n")
        files = {"files/game.cpp": {"type": "source", "path": "/src/game.cpp"}}
        archive.writestr("manifest.json", json.dumps({"files": files, "debug_id": debug_id, "arch": "x86_64"}))
    return b"SYSB\2\0\0\0" + packed.getvalue()


def guid(content: bytes) -> str:
    text = content.split()[3].decode().lower()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))


def test_a_file_is_found_by_its_id_and_fetched(client: Client) -> None:
    content = sym_file()
    upload(client, content, "game.sym")
    (found,) = listed(client, debug_id=guid(content)).body
    assert (found["objectName"], found["sha1"], found["size"]) == ("game.sym", sha1(content), len(content))
    assert (found["debugId"], found["symbolType"]) == (guid(content), "breakpad")
    answer = listed(client, id=found["id"])
    assert answer.status == 302
    with urllib.request.urlopen(answer.headers["location"]) as fetched:
        assert fetched.read() == content


def test_sources_are_found_beside_the_symbols(client: Client) -> None:
    content = sym_file()
    upload(client, content, "game.sym")
    upload(client, source_bundle(guid(content)), "game.src.zip")
    found = listed(client, debug_id=guid(content)).body
    assert {file["symbolType"]: file["data"] for file in found} == {
        "breakpad": {"type": "dbg", "features": ["symtab", "debug", "unwind"]},
        "sourcebundle": {"type": "src", "features": ["sources"]},
    }
    only = listed(client, debug_id=guid(content), file_formats="sourcebundle,elf").body
    assert [file["symbolType"] for file in only] == ["sourcebundle"]


def test_a_broken_source_bundle_is_refused(client: Client) -> None:
    content = source_bundle(guid(sym_file()))[:-30] + secrets.token_bytes(8)
    client.send_chunks(content)
    client.state(content, [content])
    client.work()
    assert client.state(content, [content])["state"] == "error"


def test_a_source_bundle_of_no_module_is_refused(client: Client) -> None:
    content = source_bundle("") + b""
    client.send_chunks(content)
    client.state(content, [content])
    client.work()
    found = client.state(content, [content])
    assert (found["state"], "names no debug id" in found["detail"]) == ("error", True)


def test_what_there_is_not(client: Client) -> None:
    assert listed(client, debug_id=guid(sym_file())).body == []
    assert listed(client, code_id="00ff").body == []
    for unknown in (secrets.token_hex(20), "7", "x" * 5000):
        answer = listed(client, id=unknown)
        assert (answer.status, "there is no debug file" in answer.body["detail"]) == (404, True)


def test_files_are_searched_by_a_text(client: Client) -> None:
    name = secrets.token_hex(8)
    upload(client, sym_file(), f"{name}-one.sym")
    upload(client, sym_file(), f"{name}-two.sym")
    assert [file["objectName"] for file in listed(client, query=name.upper()).body] == [
        f"{name}-two.sym",
        f"{name}-one.sym",
    ]
    assert len(listed(client, query=f"{name}-one").body) == 1


def test_pages_lead_to_each_other() -> None:
    url = "https://crashes.example.com/list/"
    assert link_header(url, {"query": "a b"}, PAGE, True) == (
        f'<{url}?query=a+b&cursor=0%3A0%3A0>; rel="previous"; results="true"; cursor="0:0:0", '
        f'<{url}?query=a+b&cursor=0%3A200%3A0>; rel="next"; results="true"; cursor="0:200:0"'
    )
    assert 'rel="previous"; results="false"' in link_header(url, {}, 0, False)


def test_a_page_ends_after_a_hundred(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.web.dsyms.PAGE", 1)
    name = secrets.token_hex(8)
    for number in range(3):
        upload(client, sym_file(), f"{name}-{number}.sym")
    seen, cursor = [], "0:0:0"
    for _ in range(3):
        answer = listed(client, query=name, cursor=cursor)
        seen += [file["objectName"] for file in answer.body]
        following = answer.headers["link"].split(", ")[1]
        cursor = following.rpartition('cursor="')[2].rstrip('"')
    assert seen == [f"{name}-{number}.sym" for number in (2, 1, 0)]
    assert 'results="false"' in following
    assert listed(client, cursor="1;DROP").status == 400
