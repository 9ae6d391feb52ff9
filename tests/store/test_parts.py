"""Objects that are written again in parts: what is the same is copied within S3."""

from __future__ import annotations

import secrets

import pytest

from cairn.store.objects import Objects
from cairn.store.parts import COPIED_PART, PART, Span, spans
from tests.store.conftest import Store


def test_parts_are_written_over_and_the_rest_copied(store: Store) -> None:
    objects = Objects(store.clients, store.settings.bucket)
    key = secrets.token_hex(8)
    before = b"".join(bytes([number]) * PART for number in range(5)) + b"end"
    objects.put(key, before)
    found = objects.read_with_tag(key, len(before))
    assert found
    after = bytearray(before)
    after[PART] = after[4 * PART] = 255
    assert objects.put_parts_over(key, bytes(after), {1, 4}, found[1]) is True
    assert objects.read(key, len(before)) == bytes(after)
    assert objects.put_parts_over(key, before, {1, 4}, found[1]) is False, "it is another one by now"
    assert objects.read(key, len(before)) == bytes(after)
    objects.delete(key)
    assert objects.put_parts_over(key, before, {0, 1, 2, 3, 4, 5}, found[1]) is False, "nor is it brought back"
    assert objects.size(key) is None
    uploads = store.clients.s3.list_multipart_uploads(Bucket=objects.bucket).get("Uploads", [])
    assert key not in [upload["Key"] for upload in uploads]


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, COPIED_PART + PART, 3 * COPIED_PART + 5])
@pytest.mark.parametrize(
    "changed", [set(), {0}, {1}, {0, 1, 2}, {15, 16, 17}], ids=["none", "first", "second", "three", "far"]
)
def test_an_object_falls_into_spans(size: int, changed: set[int]) -> None:
    found = list(spans(size, changed))
    assert [span.start for span in found] == [0, *(span.end for span in found)][:-1]
    assert found[-1].end == size
    there = {number for number in changed if number * PART < size}
    assert {span.start // PART for span in found if span.changed} == there
    assert all(span.end - span.start <= (PART if span.changed else COPIED_PART) for span in found)
    assert all(span.end - span.start >= PART for span in found[:-1]), "S3 takes no smaller ones but the last"
    assert Span(0, size, changed=False) in found or size > COPIED_PART or there
