"""The files of an event through the API: listed as Sentry lists them, and fetched with a token for that."""

from __future__ import annotations

import urllib.request

import pytest

from cairn.store.tokens import ApiTokens
from tests.store.crashes.test_event_files import NOW, attachment, stored
from tests.web.conftest import HOST, Client


def token(client: Client, *scopes: str) -> str:
    return ApiTokens(client.store.settings, client.store.clients).create(f"https://{HOST}", "", scopes)[0]


@pytest.fixture
def reader(client: Client) -> Client:
    client.token = token(client, "event:read")
    return client


def path(client: Client, event_id: str, file_id: str = "") -> str:
    base = f"/api/0/projects/cairn/{client.project.slug}/events/{event_id}/attachments/"
    return f"{base}{file_id}/" if file_id else base


def test_the_list(reader: Client) -> None:
    dump, log = attachment("a.dmp", b"MDMP", "event.minidump"), attachment("log.txt", b"hello")
    event_id = stored(reader.store, reader.project.id, dump, log)
    answer = reader.get(path(reader, event_id))
    assert answer.status == 200
    assert [(one["id"], one["name"], one["type"], one["size"]) for one in answer.body] == [
        ("dump", "a.dmp", "event.minidump", 4),
        ("attachment-0", "log.txt", "event.attachment", 5),
    ]
    first = answer.body[0]
    assert first["event_id"] == event_id and first["mimetype"] == "text/plain"
    assert first["headers"] == {"Content-Type": "text/plain"} and first["sha1"] is None
    assert first["dateCreated"].endswith("Z") and NOW > 0
    assert reader.get(path(reader, event_id, "dump")).body == first
    hyphenated = f"{event_id[:8]}-{event_id[8:12]}-{event_id[12:16]}-{event_id[16:20]}-{event_id[20:]}"
    assert reader.get(path(reader, hyphenated)).body == answer.body


def test_a_download(reader: Client) -> None:
    event_id = stored(reader.store, reader.project.id, attachment("a.dmp", b"MDMP 1", "event.minidump"))
    for query in ({"download": "1"}, {"download": ""}):
        answer = reader.get(path(reader, event_id, "dump"), **query)
        assert answer.status == 302
        assert answer.headers["cache-control"] == "no-store"
        with urllib.request.urlopen(answer.headers["location"], timeout=30) as content:
            assert content.read() == b"MDMP 1"


@pytest.mark.parametrize("scope", ["project:read", "project:write", "project:releases", "org:ci", "symbols:read"])
def test_no_other_scope_is_enough(client: Client, scope: str) -> None:
    event_id = stored(client.store, client.project.id, attachment("a.dmp", b"MDMP", "event.minidump"))
    client.token = token(client, scope)
    for file_id in ("", "dump"):
        answer = client.get(path(client, event_id, file_id), download="1")
        assert answer.status == 403 and "event:read" in answer.body["detail"]
        assert "location" not in answer.headers


def test_that_scope_allows_nothing_else(reader: Client) -> None:
    for elsewhere in ("organizations/cairn/projects/", f"projects/cairn/{reader.project.slug}/files/dsyms/"):
        assert reader.get(f"/api/0/{elsewhere}").status == 403


@pytest.mark.parametrize("event_id", ["0" * 32, "x", "1" * 3000])
def test_what_is_not_there(reader: Client, event_id: str) -> None:
    assert reader.get(path(reader, event_id)).status == 404
    assert reader.get(path(reader, event_id, "dump")).status == 404


def test_a_file_that_is_not_of_the_event(reader: Client) -> None:
    event_id = stored(reader.store, reader.project.id, attachment("log.txt", b"hello"))
    for file_id in ("dump", "upload.json", "attachment-1", "..", "%2e%2e"):
        answer = reader.get(path(reader, event_id, file_id), download="1")
        assert answer.status == 404, file_id
