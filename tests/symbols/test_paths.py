from __future__ import annotations

import pytest

from cairn.symbols.paths import clean_path, join_path


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    (
        ("", "a.c", "a.c"), ("/src", "", "/src"), ("/src", "a.c", "/src/a.c"), ("/src/", "a.c", "/src/a.c"),
        ("/src", "/abs/a.c", "/abs/a.c"), ("C:\\src", "a.c", "C:\\src\\a.c"), ("C:\\src", "D:\\a.c", "D:\\a.c"),
        ("C:/src", "lib\\a.c", "C:/src\\lib\\a.c"), ("/src", "<built-in>", "<built-in>"), ("src", "a.c", "src/a.c"),
    ),
)  # fmt: skip
def test_joining(base: str, path: str, joined: str) -> None:
    assert join_path(base, path).replace("/", "\\") == joined.replace("/", "\\")


@pytest.mark.parametrize(
    ("path", "clean"),
    (
        ("/a/./b/../c.c", "/a/c.c"), ("/a//b.c", "/a/b.c"), ("../a.c", "../a.c"), ("a/../../b.c", "../b.c"),
        ("/../a.c", "/a.c"), ("C:\\a\\..\\b.c", "C:\\b.c"), ("C:\\a\\.\\b.c", "C:\\a\\b.c"), ("", ""),
        ("git:github.com/o/r:x//y/../z.rs:abc", "git:github.com/o/r:x//z.rs:abc"), ("/rustc/1/a.rs", "/rustc/1/a.rs"),
    ),
)  # fmt: skip
def test_cleaning(path: str, clean: str) -> None:
    assert clean_path(path) == clean
