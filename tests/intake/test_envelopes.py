"""The parser: whatever pieces the bytes come in, the same items come out, and no more is held than must be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.intake.envelopes import EnvelopeReader
from cairn.intake.errors import EmptyBodyError, InvalidEnvelopeError
from cairn.intake.limits import ENVELOPE_LINE, ITEMS
from tests.intake.envelopes import envelope, item, line

Read = tuple[dict[str, Any], list[tuple[str, bytes]]]


def read(*pieces: bytes) -> Read:
    reader = EnvelopeReader(pieces)
    return reader.header, [(one.kind, b"".join(one.payload)) for one in reader.items()]


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def test_items_with_and_without_a_length() -> None:
    body = b'{"event_id":null}\n{"type":"session"}\n{"sid":"1"}\n{"type":"file","length":3}\na\nb\n{"type":"log"}\nend'
    assert read(body) == ({"event_id": None}, [("session", b'{"sid":"1"}'), ("file", b"a\nb"), ("log", b"end")])


@pytest.mark.parametrize("body", [b"{}", b"{}\n", b"{}\n\n\n", b"{}\r\n", b' {"a":1} \n'.replace(b'"a":1', b"")])
def test_no_items(body: bytes) -> None:
    assert read(body) == ({}, [])


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'{}\n{"type":"a","length":0}', [("a", b"")]),
        (b'{}\n{"type":"a","length":0}\n\n', [("a", b"")]),
        (b'{}\n{"type":"a"}\n\n{"type":"b"}\n', [("a", b""), ("b", b"")]),
        (b'{}\n{"type":"a"}', [("a", b"")]),
        (b'{}\n{"type":"a","length":null}\nx', [("a", b"x")]),
        (b'{}\n\n\n{"type":"a","length":1}\nx\n\n\n{"type":"b","length":1}\ny', [("a", b"x"), ("b", b"y")]),
        (b'{}\r\n{"type":"a","length":1}\r\nx', [("a", b"x")]),
    ],
)
def test_edges(body: bytes, items: list[tuple[str, bytes]]) -> None:
    assert read(body)[1] == items


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"hello", "first line is not JSON"),
        (b"\n{}", "first line is not JSON"),
        (b"[]", "first line is not a JSON object"),
        (b"\xff\xfe", "first line is not JSON"),
        (b'{}\n{"length":1}\nx', "item 1 has no type"),
        (b'{}\n{"type":7}\nx', "item 1 has no type"),
        (b'{}\n{"type":"a"}\nx\nrubbish', "item 2 is not JSON"),
        (b'{}\n{"type":"a","length":-1}\nx', "length of item 1 is not a number"),
        (b'{}\n{"type":"a","length":"1"}\nx', "length of item 1 is not a number"),
        (b'{}\n{"type":"a","length":true}\nx', "length of item 1 is not a number"),
        (b'{}\n{"type":"a","length":1e99}\nx', "length of item 1 is not a number"),
        (b'{}\n{"type":"a","length":5}\nabc', "item 1 is 2 bytes shorter"),
        (b'{}\n{"type":"a","length":2}\nabc', "no newline after the payload of item 1"),
        (b'{}\n{"type":"a","length":' + b"9" * 5000 + b"}\n", "item 1 is not JSON"),
        (b'{"a":' * 20_000, "longer than"),
        (b'{"a":' * 5000 + b"\n", "first line is not JSON"),
        (b"{" + b" " * ENVELOPE_LINE + b"}\n", "longer than"),
        (b'{}\n{"type":"a","x":"' + b"y" * ENVELOPE_LINE + b'"}\n', "item 1 is longer than"),
    ],
)
@pytest.mark.parametrize("size", [1_000_000, 7])
def test_what_is_no_envelope(body: bytes, cause: str, size: int) -> None:
    with pytest.raises(InvalidEnvelopeError) as caught:
        read(*cut(body, size))
    assert cause in caught.value.causes[0]


@pytest.mark.parametrize("pieces", [(), (b"",), (b"", b"")])
def test_nothing_at_all(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(EmptyBodyError):
        read(*pieces)


def test_the_number_of_items_is_bounded() -> None:
    most = [item("session", b"{}")] * ITEMS
    assert len(read(envelope(*most))[1]) == ITEMS
    with pytest.raises(InvalidEnvelopeError, match="more than 500 items"):
        read(envelope(*most, item("session", b"{}")))


def test_what_is_not_read_of_a_payload_is_passed_over() -> None:
    reader = EnvelopeReader(cut(envelope(item("a", b"x" * 1000), b'{"type":"b"}\nyyy\n', item("c", b"z")), 64))
    payloads = []
    for one in reader.items():
        if one.kind == "a":
            assert next(one.payload)
        elif one.kind == "c":
            payloads.append(b"".join(one.payload))
    assert payloads == [b"z"]


def test_no_more_is_held_than_a_piece() -> None:
    """Two gigabytes go through a reader that is only asked for the last item."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield line({}) + line({"type": "log"})
        piece = bytes(1024 * 1024).replace(b"\0", b"x")
        for _ in range(2048):
            taken += 1
            yield piece
        yield b"\n" + line({"type": "session"})

    kinds = [(one.kind, taken) for one in EnvelopeReader(endless()).items()]
    assert kinds == [("log", 0), ("session", 2048)]


JSON = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers(0, 2**53) | st.text(max_size=10))
KINDS = st.text(st.characters(codec="utf-8"), max_size=8)
ITEM = st.tuples(KINDS, st.binary(max_size=60), st.booleans())


@given(header=JSON, items=st.lists(ITEM, max_size=6), end=st.sampled_from([b"", b"\n"]), size=st.integers(1, 40))
def test_round_trip(header: dict[str, Any], items: list[tuple[str, bytes, bool]], end: bytes, size: int) -> None:
    body, expected = line(header), []
    for kind, payload, has_length in items:
        content = payload if has_length else payload.replace(b"\n", b"")
        head = {"type": kind} | ({"length": len(content)} if has_length else {})
        body += line(head) + content + b"\n"
        expected.append((kind, content))
    whole = body.removesuffix(b"\n") + end
    assert read(*cut(whole, size)) == (header, expected)


@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_any_bytes(body: bytes, size: int) -> None:
    try:
        header, _ = read(*cut(body, size))
    except (EmptyBodyError, InvalidEnvelopeError) as error:
        assert error.causes
    else:
        json.dumps(header, allow_nan=False)
