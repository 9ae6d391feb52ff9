"""Debug files side by side: how many, in which order, and how it ends."""

from __future__ import annotations

import secrets
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cairn.store import parts
from cairn.store.aws import Clients
from cairn.store.errors import StoreError
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn_cli import debug_file_sending
from cairn_cli.debug_file_sending import AT_ONCE, upload
from cairn_cli.target import Target

PATIENCE = 30
"""Seconds until what never comes is a failure."""


@dataclass
class Bucket:
    """Where files go: it notes what came, and how many were on their way at once. ``meet`` is called with each."""

    meet: Callable[[str], None] = lambda name: None
    came: dict[str, bytes] = field(default_factory=dict)
    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: Path, name: str, progress: Callable[[int], None]) -> str:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.meet(name)
            self.came[name] = path.read_bytes()
            progress(path.stat().st_size)
        finally:
            with self._lock:
                self._now -= 1
        return f"debug-files/{name}"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()

    def put(_: DebugFiles, path: Path, name: str, progress: Callable[[int], None]) -> str:
        return made.put(path, name, progress)

    monkeypatch.setattr(DebugFiles, "put", put)
    return made


@pytest.fixture
def target() -> Target:
    return Target(
        "nowhere",
        "http://localhost",
        Settings.from_outputs(defaultdict(lambda: "none")),
        Clients("http://localhost:9"),
        {},
    )


def sym_files(folder: Path, number: int) -> dict[str, bytes]:
    """Debug files in ``folder``, by their names."""
    files = {
        f"{n:02}.sym": f"MODULE Linux x86_64 {secrets.token_hex(16).upper()}0 game\n".encode() for n in range(number)
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def test_small_files_go_side_by_side_and_are_told_in_order(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    all_there = threading.Barrier(AT_ONCE)
    bucket.meet = lambda name: void(all_there.wait(PATIENCE))
    files = sym_files(tmp_path, 3 * AT_ONCE)
    sent = upload(target, [tmp_path / name for name in files])
    assert sent.keys == [f"debug-files/{name}" for name in files]
    assert (bucket.came, bucket.most) == (files, AT_ONCE)


def test_files_of_an_archive_are_not_written_over_while_they_are_sent(
    bucket: Bucket, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_there = threading.Barrier(AT_ONCE)
    bucket.meet = lambda name: void(all_there.wait(PATIENCE))
    left: list[str] = []
    finish = debug_file_sending.Sending.finish

    def note(sending: debug_file_sending.Sending) -> None:
        finish(sending)
        left.extend(path.name for path in sending._folder.glob("*.sending"))

    monkeypatch.setattr(debug_file_sending.Sending, "finish", note)
    files = sym_files(tmp_path, 2 * AT_ONCE)
    with zipfile.ZipFile(tmp_path / "symbols.zip", "w") as archive:
        for name in files:
            archive.write(tmp_path / name, name)
    sent = upload(target, [tmp_path / "symbols.zip"])
    assert sent.keys == [f"debug-files/{name}" for name in files]
    assert bucket.came == files
    assert left == [], "what was sent takes no room on the disk"


def test_a_large_file_goes_alone(
    bucket: Bucket, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", 10)
    files = sym_files(tmp_path, 5)
    assert upload(target, [tmp_path / name for name in files]).keys == [f"debug-files/{name}" for name in files]
    assert bucket.most == 1


@pytest.mark.parametrize(
    "error", [StoreError("unavailable", "S3 is away"), KeyboardInterrupt()], ids=["store", "ctrl-c"]
)
def test_when_one_fails_no_other_begins(bucket: Bucket, target: Target, tmp_path: Path, error: BaseException) -> None:
    begun: list[str] = []

    def meet(name: str) -> None:
        begun.append(name)
        if name == "00.sym":
            raise error

    bucket.meet = meet
    files = sym_files(tmp_path, 10 * AT_ONCE)
    with pytest.raises(type(error)):
        upload(target, [tmp_path / name for name in files])
    assert len(begun) <= AT_ONCE
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("debug-file")]


def void(_: object) -> None:
    """Nothing."""
