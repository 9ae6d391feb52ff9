"""Addresses and names that people give for their servers."""

from __future__ import annotations

import pytest

from cairn.symbols.sources.addresses import SourceError, checked_name, checked_url
from cairn.symbols.sources.records import Layout


@pytest.mark.parametrize(
    ("given", "layout", "kept"),
    [
        ("https://symbols.example/", Layout.SYMSTORE, "https://symbols.example"),
        ("http://symbols.example:8080/a/b//", Layout.BREAKPAD, "http://symbols.example:8080/a/b"),
        ("https://debuginfod.example/buildid/", Layout.DEBUGINFOD, "https://debuginfod.example"),
        ("https://symbols.example/buildid", Layout.UNIFIED, "https://symbols.example/buildid"),
        ("s3://my-symbols/store/", Layout.SSQP, "s3://my-symbols/store"),
        ("s3://my-symbols", Layout.SSQP, "s3://my-symbols"),
    ],
)
def test_an_address_is_kept_short(given: str, layout: Layout, kept: str) -> None:
    assert checked_url(given, layout) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "symbols.example",
        "ftp://symbols.example",
        "file:///etc",
        "https://",
        "https://me:secret@symbols.example",
        "https://symbols.example/?a=b",
        "https://symbols.example/#a",
        "https://symbols.example:99999",
        "https://[::1",
        "https://symbols.example/a b",
        "https://symbols.example/\n",
        "https://sÿmbols.example/",
        "s3://UPPER/x",
        "s3:///x",
        "https://x/" + "a" * 1000,
    ],
)
def test_an_address_that_cannot_be_used_is_refused(wrong: str) -> None:
    with pytest.raises(SourceError):
        checked_url(wrong, Layout.SYMSTORE)


def test_a_name_can_be_typed() -> None:
    assert checked_name("build-1.game_x") == "build-1.game_x"
    for wrong in ("", "Upper", "a b", "-a", "a" * 41, "a#b"):
        with pytest.raises(SourceError):
            checked_name(wrong)
