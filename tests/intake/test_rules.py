from __future__ import annotations

import time

import pytest

from cairn.intake.limits import PATTERN
from cairn.intake.rules import Filter, FilterKind, matching


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("game@1.2.3", "game@1.2.3", True),
        ("game@1.2.3", "game@1.2.30", False),
        ("game@1.2.3", "game@1x2x3", False),
        ("game@1.*", "game@1.", True),
        ("game@1.*", "Game@1.2.3-BETA", True),
        ("game@1.?", "game@1.2", True),
        ("game@1.?", "game@1.22", False),
        ("*out of memory*", "Fatal Error: Out of Memory\nat 12", True),
        ("operator[]*", "operator[](int)", True),
        ("[a-z]", "b", False),
        ("[!a]", "[!a]", True),
        ("", "", True),
        ("", "x", False),
        ("*", "", True),
        ("lager (?)", "lager (ß)", True),
    ],
)
def test_patterns(pattern: str, text: str, matches: bool) -> None:
    assert Filter(FilterKind.MESSAGE, pattern).matches(text) is matches


def test_the_first_filter_of_its_kind_is_found() -> None:
    filters = [
        Filter(FilterKind.RELEASE, "*"),
        Filter(FilterKind.MESSAGE, "lamp*"),
        Filter(FilterKind.MESSAGE, "*"),
    ]
    assert matching(filters, FilterKind.MESSAGE, ["dark", "lamp out"]) == filters[1]
    assert matching(filters[:2], FilterKind.MESSAGE, ["dark"]) is None
    assert matching(filters, FilterKind.MESSAGE, []) is None


def test_a_hostile_text_is_looked_through_soon() -> None:
    pattern = Filter(FilterKind.MESSAGE, "*a" * (PATTERN // 2 - 1) + "*b")
    started = time.process_time()
    assert not pattern.matches("a" * 8192)
    assert time.process_time() - started < 1
