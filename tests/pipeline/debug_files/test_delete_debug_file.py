"""A debug file goes with everything that was made of it, in one go or in several."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.delete_debug_file import Deletion
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.assemblies import Assemblies, Plan
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.hot_sets import hot_key
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.store.table import Table
from tests.emulator import running_store
from tests.symbols.programs import SYM
from tests.web.test_dsyms import source_bundle

Store = tuple[Settings, Clients]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


@pytest.fixture
def entry(store: Store, tmp_path: Path) -> SymbolEntry:
    """A compiled file with a hot set, put together from chunks. Its ids are those of other tests' files."""
    content = SYM + f"PUBLIC 9000 0 {secrets.token_hex(8)}\n".encode()
    (made,) = compiled(store, tmp_path, content, "game.sym").entries
    objects(store).put(hot_key(made.key), b"hot")
    Assemblies(*store).start(Plan(sha1_of(made), "game.sym", ("00" * 20,)))
    return made


def compiled(store: Store, folder: Path, content: bytes, name: str) -> CompiledDebugFile:
    path = folder / name
    path.write_bytes(content)
    return Compilation(*store).run(DebugFiles(*store).put(path, name))


def objects(store: Store) -> Objects:
    return Objects(store[1], store[0].bucket)


def sha1_of(entry: SymbolEntry) -> str:
    return entry.debug_file_key.split("/")[1]


def left_of(store: Store, sha1: str) -> list[str]:
    """All rows and objects that name a file."""
    pages = store[1].dynamodb.get_paginator("scan").paginate(TableName=store[0].symbols_table)
    rows = [item for page in pages for item in page["Items"] if sha1 in str(item)]
    return [str(row) for row in rows] + [key for key in objects(store).keys("") if sha1 in key]


def test_nothing_is_left_and_it_is_said(store: Store, entry: SymbolEntry) -> None:
    sha1 = sha1_of(entry)
    assert len(left_of(store, sha1)) >= 7
    done = Deletion(*store).run(sha1)
    assert (done.debug_files, done.symbol_files) == ((entry.debug_file_key,), (entry.key,))
    assert (done.hot_sets, done.entries, done.record) == ((hot_key(entry.key),), (entry,), True)
    assert left_of(store, sha1) == []
    assert entry not in SymbolIndex(*store).find([(entry.debug_id, None)])[entry.debug_id, None]


def test_doing_it_again_changes_nothing(store: Store, entry: SymbolEntry) -> None:
    assert not Deletion(*store).run(sha1_of(entry)).is_empty
    assert Deletion(*store).run(sha1_of(entry)).is_empty


def test_other_files_of_the_same_ids_stay(store: Store, entry: SymbolEntry, tmp_path: Path) -> None:
    other = replace(entry, debug_file_key=f"debug-files/{secrets.token_hex(20)}/game.sym", key="symbols/other")
    SymbolIndex(*store).put(other)
    Deletion(*store).run(sha1_of(entry))
    found = SymbolIndex(*store).find([(entry.debug_id, entry.code_id)])[entry.debug_id, entry.code_id]
    assert other in found and entry not in found
    assert other in SymbolIndex(*store).list()


class BrokenOffError(Exception):
    """A process that was killed."""


@contextmanager
def breaking_off(step: int) -> Iterator[None]:
    """The writes up to the one before ``step`` are done, and that one kills the process."""
    calls = itertools.count(1)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if next(calls) == step:
                raise BrokenOffError
            return function(*arguments, **more)

        return call

    with pytest.MonkeyPatch.context() as patch, pytest.raises(BrokenOffError):
        for place, name in ((Table, "update"), (Table, "delete"), (Objects, "delete")):
            patch.setattr(place, name, counted(getattr(place, name)))
        yield


@pytest.mark.parametrize("step", range(1, 12))
def test_it_goes_on_where_it_broke_off(store: Store, entry: SymbolEntry, step: int) -> None:
    with breaking_off(step):
        Deletion(*store).run(sha1_of(entry))
    assert left_of(store, sha1_of(entry))
    found = [one for one in SymbolIndex(*store).list() if one.debug_id == entry.debug_id]
    assert entry in found, "it is found by its ids as long as something is left"
    Deletion(*store).run(sha1_of(entry))
    assert left_of(store, sha1_of(entry)) == []


@pytest.mark.parametrize("step", range(1, 5))
def test_so_does_one_of_a_file_that_could_not_be_read(store: Store, tmp_path: Path, step: int) -> None:
    content = secrets.token_bytes(40)
    assert compiled(store, tmp_path, content, "noise.bin").reason
    sha1 = hashlib.sha1(content).hexdigest()
    with breaking_off(step):
        Deletion(*store).run(sha1)
    Deletion(*store).run(sha1)
    assert left_of(store, sha1) == []


def test_a_file_that_could_not_be_read_goes_with_its_reason(store: Store, tmp_path: Path) -> None:
    content = secrets.token_bytes(40)
    assert compiled(store, tmp_path, content, "noise.bin").reason
    sha1 = hashlib.sha1(content).hexdigest()
    done = Deletion(*store).run(sha1)
    assert (len(done.debug_files), done.entries, done.record) == (1, (), True)
    assert left_of(store, sha1) == []
    assert DebugFileRecords(*store).find([sha1]) == {}


def test_a_source_bundle_goes(store: Store, tmp_path: Path) -> None:
    debug_id = "0b5c8a1e-7d42-4f7e-9d7f-2f3a4b5c6d7e"
    content = source_bundle(debug_id)
    assert compiled(store, tmp_path, content, "game.src.zip").entries
    Deletion(*store).run(hashlib.sha1(content).hexdigest())
    assert SymbolIndex(*store).find_sources([debug_id]) == {}
    assert left_of(store, hashlib.sha1(content).hexdigest()) == []


@pytest.mark.parametrize("text", ["", "..", "ab" * 19, "AB" * 20])
def test_only_a_whole_sha1_names_a_file(store: Store, text: str) -> None:
    with pytest.raises(ValueError, match="is no SHA-1"):
        Deletion(*store).run(text)
