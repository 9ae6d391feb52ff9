"""Debug files by content."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import pytest

from cairn.store.symbols.debug_files import DebugFiles, debug_file_key
from tests.store.conftest import Store

SMALL_PART = 64 * 1024


@pytest.fixture
def debug_files(store: Store) -> DebugFiles:
    return DebugFiles(store.settings, store.clients)


@pytest.mark.parametrize("size", [0, 1000, SMALL_PART, 9 * SMALL_PART + 17])
def test_a_file_goes_up_and_comes_down(
    debug_files: DebugFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("cairn.store.parts.PART", SMALL_PART)
    content = (secrets.token_bytes(4096) * (size // 4096 + 1))[:size]
    path = tmp_path / "libpaint.so.debug"
    path.write_bytes(content)
    sent: list[int] = []
    key = debug_files.put(path, "libpaint.so.debug", sent.append)
    assert key == f"debug-files/{hashlib.sha1(content).hexdigest()}/libpaint.so.debug"
    assert sum(sent) == size
    assert debug_files.download(key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


def test_a_file_that_is_there_is_not_sent_again(debug_files: DebugFiles, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(secrets.token_bytes(1000))
    key = debug_files.put(path, "a")
    calls: list[str] = []

    def note(model: object, **_: object) -> None:
        calls.append(model.name)  # type: ignore[attr-defined]

    store.clients.s3.meta.events.register("before-call.s3", note, unique_id="note")
    sent: list[int] = []
    assert debug_files.put(path, "a", sent.append) == key
    store.clients.s3.meta.events.unregister("before-call.s3", unique_id="note")
    assert calls == ["HeadObject"]
    assert sent == [1000]


def test_a_file_that_is_not_there_is_an_answer(debug_files: DebugFiles, tmp_path: Path) -> None:
    assert debug_files.download("debug-files/0/none", tmp_path / "none") is False
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.pdb", "a.pdb"),
        ("C:\\build\\a.pdb", "a.pdb"),
        ("/usr/lib/a.so", "a.so"),
        ("a.dSYM/", "a.dSYM"),
        ("../..", ".."),
        ("", "file"),
        ("/", "file"),
        ("ü" * 300, "ü" * 100),
    ],
)
def test_a_name_becomes_part_of_a_key(name: str, kept: str) -> None:
    assert debug_file_key("ab", name) == f"debug-files/ab/{kept}"
