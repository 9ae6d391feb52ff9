"""Breakpad's own streams."""

from __future__ import annotations

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Assertion, BreakpadInfo
from tests.synth.minidump import MinidumpBuilder


@pytest.mark.parametrize(
    ("validity", "info"),
    [(0, BreakpadInfo(None, None)), (1, BreakpadInfo(7, None)), (2, BreakpadInfo(None, 8)), (3, BreakpadInfo(7, 8))],
)
def test_thread_ids_count_where_the_validity_bits_say_so(validity: int, info: BreakpadInfo) -> None:
    assert read(MinidumpBuilder().breakpad_info(7, 8, validity=validity).build()).breakpad == info


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize(("kind", "word"), [(1, "invalid_parameter"), (2, "pure_virtual_call"), (9, "unknown 9")])
def test_assertions(kind: int, word: str, big_endian: bool) -> None:
    builder = MinidumpBuilder(big_endian=big_endian).assertion(kind, "x != 0", "main", "ä.c", 17)
    assert read(builder.build()).assertion == Assertion(word, "x != 0", "main", "ä.c", 17)


def test_an_assertion_text_that_fills_its_place_has_no_end_mark() -> None:
    assertion = read(MinidumpBuilder().assertion(1, "e" * 200, "f", "g", 1).build()).assertion
    assert assertion is not None
    assert (assertion.expression, assertion.function) == ("e" * 128, "f")


def test_cut_off_streams_are_left_out() -> None:
    dump = read(MinidumpBuilder().stream(0x47670001, bytes(8)).stream(0x47670002, bytes(700)).build())
    assert (dump.breakpad, dump.assertion, len(dump.problems)) == (None, None, 2)
