"""Debug files that someone puts straight into the bucket's folder: whatever the key, and however large."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.debug_files.delete_debug_file import Deletion
from cairn.pipeline.debug_files.sweep_debug_files import Sweep
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols import debug_files
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, debug_file_key, sha1_in
from cairn.store.symbols.last_uses import DAY
from cairn.store.symbols.symbol_index import SymbolIndex
from tests.emulator import running_store
from tests.pipeline.debug_files.test_unpack_archive import fresh
from tests.web.conftest import sha1

Store = tuple[Settings, Clients]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


def objects(store: Store) -> Objects:
    return Objects(store[1], store[0].bucket)


@pytest.mark.parametrize("place", ["game.sym", "build/game.sym", "build/x64/Release/game.sym"])
def test_a_file_anywhere_in_the_folder_goes_where_it_belongs(place: str, store: Store) -> None:
    content = fresh()
    key = f"debug-files/{secrets.token_hex(4)}-{place}"
    objects(store).put(key, content)
    done = Compilation(*store).run(key)
    name = key.rpartition("/")[2]
    assert (done.members, done.reason) == ((debug_file_key(sha1(content), name),), None)
    assert objects(store).size(key) is None
    assert Compilation(*store).run(done.members[0]).entries[0].name == name
    assert Compilation(*store).run(key).reason == "the debug file is not there any more"


def test_the_mark_of_a_folder_is_no_file(store: Store) -> None:
    objects(store).put("debug-files/build/", b"")
    assert Compilation(*store).run("debug-files/build/").reason == "a folder, and no file"
    assert "debug-files/build/" not in SymbolIndex(*store).failed()


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "in its place"])
def test_what_is_too_large_is_refused_unread(
    by_hand: bool, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = fresh()
    monkeypatch.setattr(debug_files, "LARGEST_FILE", len(content) - 1)
    key = f"debug-files/{secrets.token_hex(4)}/huge.debug" if by_hand else debug_file_key(sha1(content), "huge.debug")
    objects(store).put(key, content)
    done = Compilation(*store).run(key)
    assert done.reason is not None and done.members == ()
    assert done.reason.startswith(f"It has {len(content)} bytes, more than the {len(content) - 1} (2 GiB)")
    name = sha1_in(key)
    assert (name == sha1(content)) is not by_hand
    record = DebugFileRecords(*store).find([name])[name]
    assert (record.reason, record.size) == (done.reason, len(content))
    assert key in SymbolIndex(*store).failed()
    assert DebugFiles(*store).size(key) == len(content)
    assert Deletion(*store).run(name).debug_files == (key,)
    assert objects(store).size(key) is None
    assert key not in SymbolIndex(*store).failed()


def test_what_is_too_large_goes_in_the_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_files, "LARGEST_FILE", 1)
    key = "debug-files/huge.debug"
    objects(store).put(key, b"xx")
    assert Compilation(*store).run(key).reason
    name = sha1_in(key)
    created = DebugFileRecords(*store).find([name])[name].created
    while Sweep(*store).run(created + (store[0].symbol_retention_days + 1) * DAY)[1]:
        pass
    assert objects(store).size(key) is None
