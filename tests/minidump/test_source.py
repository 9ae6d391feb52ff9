"""Bounds that all streams share."""

from __future__ import annotations

from cairn.minidump.reader import read
from cairn.minidump.source import MAX_PROBLEMS, MAX_TEXT
from tests.synth.minidump import MinidumpBuilder


def test_a_flood_of_problems_is_cut() -> None:
    builder = MinidumpBuilder()
    for number in range(300):
        builder.thread(number, raw_context=b"xx")
    problems = read(builder.build()).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1] == "more problems are not listed"


def test_the_same_problem_is_told_once() -> None:
    builder = MinidumpBuilder()
    entry = builder.pack("IQ", 1, 0xFFFFFFFFFFFFFF00)
    dump = read(builder.stream(24, builder.pack("I", 2) + entry + entry).build())
    assert len(dump.problems) == 1


def test_a_string_that_is_too_long_is_left_out() -> None:
    dump = read(MinidumpBuilder().module(0, 1, "x" * MAX_TEXT).build())
    assert dump.modules[0].code_file == ""
    assert "more than a string may have" in dump.problems[0]


def test_soft_errors_are_kept_as_they_are() -> None:
    assert read(MinidumpBuilder().soft_errors('[{"a": 1}]').build()).soft_errors == '[{"a": 1}]'
