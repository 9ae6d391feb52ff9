"""Where `cairn submit` sends to and which files, without sending anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from cairn_cli.dsn import Dsn, parse_minidump_url
from cairn_cli.errors import CliError
from cairn_cli.submit.files import dumps_of

KEY = "f47ac10b58cc4372a5670e02b2c3d479"


@pytest.mark.parametrize(
    ("url", "key", "found"),
    [
        (f"https://h/api/1/minidump/?sentry_key={KEY}", None, Dsn("https://h", KEY, 1)),
        ("http://127.0.0.1:8000/api/42/minidump", KEY, Dsn("http://127.0.0.1:8000", KEY, 42)),
        ("https://h/cairn/api/1/", KEY, Dsn("https://h/cairn", KEY, 1)),
        (f"https://h/api/1/minidump/?a=b&sentry_key={'0' * 32}", KEY, Dsn("https://h", KEY, 1)),
    ],
    ids=["key in the query", "key apart", "under a path", "the option wins"],
)
def test_an_address_for_curl(url: str, key: str | None, found: Dsn) -> None:
    assert parse_minidump_url(url, key) == found


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("https://h/1", KEY, "the URL cannot be read"),
        ("h/api/1/minidump/", KEY, "the URL cannot be read"),
        (f"https://{KEY}@h/1", None, "the URL cannot be read"),
        ("https://h/api/1/minidump/", None, "the URL has no key"),
        ("https://h/api/1/minidump/", "short", "the key cannot be read"),
    ],
    ids=["no path", "no scheme", "a dsn", "no key", "a short key"],
)
def test_what_is_no_address(url: str, key: str | None, said: str) -> None:
    with pytest.raises(CliError, match=said):
        parse_minidump_url(url, key)


def test_folders_are_looked_through_for_dumps(tmp_path: Path) -> None:
    for name in ("pending/b.dmp", "pending/a.DMP", "c.mdmp", "d.dmp.gz", "e.txt", "f.gz", "attachments/g/log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    named = tmp_path / "e.txt"
    found = dumps_of([named, tmp_path, tmp_path / "c.mdmp"])
    assert found == [named, *(tmp_path / name for name in ("c.mdmp", "d.dmp.gz", "pending/a.DMP", "pending/b.dmp"))]


def test_a_folder_without_dumps_is_said(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="no minidumps in"):
        dumps_of([tmp_path])
