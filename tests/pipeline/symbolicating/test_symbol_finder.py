"""Symbol files of a deployment, and the debug files behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.symbolicating.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.emulator import running_store
from tests.symbols.programs import build


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[Settings, Clients]]:
    with running_store() as made:
        yield made


def uploaded(store: tuple[Settings, Clients], program: Path) -> tuple[str, SymbolFile]:
    """The key of an uploaded program, and its symbol file as a crash gets it."""
    key = DebugFiles(*store).put(program, program.name)
    (entry,) = Compilation(*store).run(key).entries
    found = IndexFinder(SymbolIndex(*store), OpenSymbolFiles(*store)).find(entry.debug_id, None)
    (file,) = found.files
    return key, file


def test_code_is_read_from_the_uploaded_file(store: tuple[Settings, Clients], tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-g", name="first")
    key, file = uploaded(store, program)
    assert file.origin == key
    (code,) = [segment for segment in file.description.segments if segment.executable]
    content = program.read_bytes()[code.offset :]
    assert file.code.read(code.address, 16) == content[:16]
    assert file.code.read(code.address + 40, 16) == content[40:56]
    assert file.code.reads == 1


def test_a_deleted_debug_file_is_no_fault(store: tuple[Settings, Clients], tmp_path: Path) -> None:
    key, file = uploaded(store, build(tmp_path, "-O1", "-g", source="int main() { return 7; }", name="second"))
    settings, clients = store
    clients.s3.delete_object(Bucket=settings.bucket, Key=key)
    assert file.code.read(0, 16) is None
    assert file.has_function(0) is False
