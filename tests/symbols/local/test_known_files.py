"""Debug files that did not change are not read again; those that did are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cairn.symbols.local import known_files
from cairn.symbols.local.folder import LocalSymbols
from cairn.symbols.local.known_files import KnownFiles
from tests.symbols.programs import SYM, SYM_DEBUG_ID

HASH = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as settled at once."""
    monkeypatch.setattr(known_files, "SETTLED", -1)
    path = tmp_path / "a.sym"
    path.write_text("hello")
    return path


def remembered(file: Path) -> Path:
    """The JSON file of a ``KnownFiles`` that has seen ``file``."""
    path = file.parent / "cache/known.json"
    known = KnownFiles(path)
    known.put_ids(file, [("debug", None), (None, "code")])
    assert known.content_hash(file) == HASH
    known.save()
    return path


def test_ids_and_hash_come_back(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownFiles(remembered(file))
    monkeypatch.setattr(Path, "open", None)
    assert known.ids(file) == [("debug", None), (None, "code")]
    assert known.content_hash(file) == HASH


def test_another_content_is_another_file(file: Path) -> None:
    path = remembered(file)
    before = file.stat()
    file.write_text("HELLO")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a build may do that wants to be reproducible
    known = KnownFiles(path)
    assert known.ids(file) is None
    assert known.content_hash(file) != HASH


def test_another_file_in_its_place_is_another_file(file: Path) -> None:
    path = remembered(file)
    other = file.with_suffix(".new")
    other.write_text("HELLO")
    other.rename(file)
    assert KnownFiles(path).ids(file) is None


def test_a_file_that_is_gone_is_not_known(file: Path) -> None:
    path = remembered(file)
    file.rename(file.with_suffix(".old"))
    assert KnownFiles(path).ids(file) is None


def test_a_file_that_just_changed_is_not_remembered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_files, "SETTLED", 10**12)
    path = file.parent / "known.json"
    known = KnownFiles(path)
    known.put_ids(file, [])
    known.save()
    assert not path.exists()
    assert known.ids(file) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b'{"/x": 1}', b"\xff"])
def test_a_broken_memory_is_none(file: Path, content: bytes) -> None:
    path = file.parent / "known.json"
    path.write_bytes(content.replace(b"/x", str(file).encode()))
    assert KnownFiles(path).ids(file) is None


def test_the_files_seen_last_are_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_files, "MAX_FILES", 1)
    path = remembered(file)
    other = file.with_suffix(".other")
    other.write_text("x")
    known = KnownFiles(path)
    known.put_ids(other, [])
    known.save()
    assert (KnownFiles(path).ids(file), KnownFiles(path).ids(other)) == (None, [])


def test_a_folder_that_cannot_be_written_is_no_fault(file: Path) -> None:
    known = KnownFiles(file / "known.json")
    known.put_ids(file, [])
    known.save()


def test_known_symbols_are_found_without_opening_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(SYM)
    assert LocalSymbols([file], file.parent / "cache").find(SYM_DEBUG_ID, None)
    opened = []
    true_open = Path.open

    def note(path: Path, mode: str = "r") -> object:
        opened.append(path)
        return true_open(path, mode)

    monkeypatch.setattr(Path, "open", note)
    assert LocalSymbols([file], file.parent / "cache").find(SYM_DEBUG_ID, None)
    assert opened and file not in opened
