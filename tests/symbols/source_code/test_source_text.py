"""Lines of source files, as compilers count them."""

from __future__ import annotations

import pytest

from cairn.symbols.source_code.source_text import MAX_LINE, lines_at


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"one\ntwo\nthree\n", id="LF"),
        pytest.param(b"one\r\ntwo\r\nthree", id="CR LF"),
        pytest.param(b"one\rtwo\rthree\r", id="CR"),
        pytest.param(b"one\r\ntwo\nthree\r", id="all of them"),
        pytest.param(b"\xef\xbb\xbfone\ntwo\nthree", id="UTF-8 with its mark"),
        pytest.param("\ufeffone\r\ntwo\r\nthree".encode("utf-16-le"), id="UTF-16"),
        pytest.param("\ufeffone\ntwo\nthree\n".encode("utf-16-be"), id="UTF-16, big end first"),
    ],
)
def test_lines_by_number(content: bytes) -> None:
    assert lines_at(content, range(1, 10)) == {1: "one", 2: "two", 3: "three"}
    assert lines_at(content, {3, 99}) == {3: "three"}


def test_a_form_feed_ends_no_line() -> None:
    """GNU sources have one before each function; no compiler counts it, nor the other separators of Unicode."""
    assert lines_at("one\n\f\none\x0btwo\x85\u2028three\nfour".encode(), {3, 4}) == {
        3: "one\x0btwo\x85\u2028three",
        4: "four",
    }


def test_other_encodings_show_what_can_be_shown() -> None:
    assert lines_at("für".encode("latin-1") + b"\nnext", {1, 2}) == {1: "f\ufffdr", 2: "next"}
    assert lines_at(b"\xff\xfea\0\n\0b", {1, 2}) == {1: "a", 2: "\ufffd"}


def test_long_lines_are_clipped() -> None:
    found = lines_at(b"x" * 5_000_000 + b"\n" + "ü".encode() * 400 + b"\nend", range(1, 4))
    assert found == {1: "x" * MAX_LINE, 2: "ü" * MAX_LINE, 3: "end"}


@pytest.mark.parametrize("numbers", [(), (0,), (5,), (1 << 40,)])
def test_lines_that_are_not_there(numbers: tuple[int, ...]) -> None:
    assert lines_at(b"one\n", numbers) == {}
    assert lines_at(b"", numbers) == {}
