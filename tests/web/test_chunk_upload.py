"""What the server says it takes, and chunks out of forms."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib

import pytest

from cairn.store.symbols.chunks import CHUNK_SIZE, Chunks
from cairn.web.chunk_upload import CHUNKS_PER_REQUEST, read_chunks, upload_options
from cairn.web.errors import BadRequestError
from cairn_cli.local.front_door import MAX_EVENT, event_size
from tests.web.conftest import FORM, HOST, Client, form, sha1


def part(chunk: bytes, field: str = "file", name: str | None = None) -> tuple[str, str, bytes]:
    return field, name or sha1(chunk), chunk


def refusal(body: bytes, content_type: str = FORM, encoding: str = "") -> str:
    with pytest.raises(BadRequestError) as caught:
        read_chunks(body, content_type, encoding)
    return caught.value.message


def test_the_options_are_those_of_this_server(client: Client) -> None:
    options = client.get("/api/0/organizations/cairn/chunk-upload/").body
    assert options == upload_options(f"https://{HOST}/api/0/organizations/cairn/chunk-upload/")
    assert options["chunkSize"] == 4 * 1024 * 1024 == options["maxRequestSize"]
    assert options["maxFileSize"] == 2**31
    assert {"debug_files", "pdbs", "portablepdbs", "sources"} <= set(options["accept"])


def test_the_largest_request_gets_through_the_gateway() -> None:
    chunk = os.urandom(CHUNK_SIZE)
    headers = {"content-type": FORM, "authorization": "Bearer " + "x" * 400, "user-agent": "sentry-cli/3.8.2"}
    for body in (form(part(chunk)), form(part(gzip.compress(chunk), "file_gzip", sha1(chunk)))):
        assert event_size(headers, body) < MAX_EVENT


def test_chunks_come_plain_or_compressed() -> None:
    one, other = b"one" * 50, b"other" * 50
    body = form(part(one), part(gzip.compress(other), "file_gzip", sha1(other)))
    assert read_chunks(body, FORM, "") == {sha1(one): one, sha1(other): other}


def test_content_encoding_is_that_of_each_chunk() -> None:
    chunk = b"chunk" * 50
    assert read_chunks(form(part(gzip.compress(chunk), "file", sha1(chunk))), FORM, "gzip") == {sha1(chunk): chunk}
    with_both = form(part(gzip.compress(chunk), "file_gzip", sha1(chunk)))
    assert refusal(with_both, encoding="gzip") == "Cannot combine Content-Encoding with file_gzip field"
    assert refusal(with_both, encoding="br") == "Unsupported Content-Encoding"


def test_other_fields_are_passed_over() -> None:
    assert read_chunks(form(("comment", "x", b"hello"), part(b"chunk")), FORM, "") == {sha1(b"chunk"): b"chunk"}


def test_a_chunk_must_be_what_its_name_says() -> None:
    assert refusal(form(part(b"chunk", name=sha1(b"other")))).startswith("Checksum mismatch: the chunk called")
    assert "must be its SHA-1" in refusal(form(part(b"chunk", name="chunk.bin")))
    assert "must be its SHA-1" in refusal(form(part(b"chunk", name=sha1(b"chunk").upper())))


def test_a_chunk_has_its_limit() -> None:
    large = bytes(CHUNK_SIZE + 1)
    assert refusal(form(part(large))) == "Chunk size too large"
    assert refusal(form(part(gzip.compress(large), "file_gzip", sha1(large)))) == "Chunk size too large"
    full = bytes(CHUNK_SIZE)
    assert read_chunks(form(part(full)), FORM, "").keys() == {sha1(full)}


def test_a_request_has_its_limits() -> None:
    half = [os.urandom(CHUNK_SIZE // 2) for _ in range(3)]
    assert refusal(form(*map(part, half))) == "Request too large"
    many = [part(b"%d" % number) for number in range(CHUNKS_PER_REQUEST + 1)]
    assert refusal(form(*many)) == "Too many chunks"
    assert len(read_chunks(form(*many[1:]), FORM, "")) == CHUNKS_PER_REQUEST


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(400_000_000), 9)
    body = form(part(bomb, "file_gzip", sha1(b"")))
    tracemalloc.start()
    assert refusal(body) == "Chunk size too large"
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not gzip", "Invalid gzip payload"),
        (gzip.compress(b"chunk" * 100, mtime=0)[:-9], "it breaks off"),
        (zlib.compress(b"chunk"), "Invalid gzip payload"),
        (b"", "it breaks off"),
    ],
)
def test_broken_gzip(content: bytes, words: str) -> None:
    assert words in refusal(form(part(content, "file_gzip", sha1(b"chunk"))))


def test_what_is_no_form() -> None:
    assert "is no form" in refusal(b"{}", "application/json")
    assert "is no form" in refusal(form(part(b"chunk")), "multipart/form-data")
    assert "cannot be read" in refusal(form(part(b"chunk"))[:-20])
    assert "has no chunks" in refusal(form())
    assert "has no chunks" in refusal(form(("comment", "x", b"hello")))
    assert "cannot be read" in refusal(form(*[("comment", "x", b"")] * 300))


def test_chunks_that_were_sent_are_known(client: Client) -> None:
    plain, packed = os.urandom(1000), os.urandom(2000)
    assert client.send_chunks(plain, compressed=False).status == 200
    assert client.send_chunks(packed).status == 200
    known = Chunks(client.store.settings, client.store.clients).known([sha1(plain), sha1(packed)])
    assert known == {sha1(plain): 1000, sha1(packed): 2000}


def test_of_a_refused_request_nothing_is_kept(client: Client) -> None:
    good = os.urandom(100)
    body = form(part(good), part(b"bad", name=sha1(b"other")))
    answer = client.post("/api/0/organizations/cairn/chunk-upload/", body, FORM)
    assert (answer.status, answer.body.keys()) == (400, {"detail"})
    assert Chunks(client.store.settings, client.store.clients).known([sha1(good)]) == {}
