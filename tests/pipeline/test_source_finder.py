"""Source bundles of a deployment: a help, and never a crash's fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.pipeline.compile_debug_file import Compilation
from cairn.pipeline.source_finder import StoredSources
from cairn.store.aws import Clients
from cairn.store.debug_files import DebugFiles
from cairn.store.errors import RefusedError
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.symbols.source_bundle import SourceBundle
from tests.emulator import running_store
from tests.web.test_dsyms import source_bundle

Store = tuple[Settings, Clients]
DEBUG_ID = "0123456789abcdef0123456789abcdef"
LINES = {"/src/game.cpp": ["int main() {}"]}


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


def uploaded(store: Store, folder: Path) -> str:
    path = folder / "game.src.zip"
    path.write_bytes(source_bundle(DEBUG_ID))
    key = DebugFiles(*store).put(path, path.name)
    assert Compilation(*store).run(key).entries
    return key


def test_lines_of_what_was_uploaded(store: Store, tmp_path: Path) -> None:
    uploaded(store, tmp_path)
    sources = StoredSources(*store)
    assert sources.lines(DEBUG_ID, ["/src/game.cpp", "/src/other.cpp"]) == LINES
    assert sources.lines("f" * 32, ["/src/game.cpp"]) == {}


def test_a_bundle_that_is_gone_has_nothing(store: Store, tmp_path: Path) -> None:
    key = uploaded(store, tmp_path)
    Objects(store[1], store[0].bucket).delete(key)
    assert StoredSources(*store).lines(DEBUG_ID, ["/src/game.cpp"]) == {}


def test_a_bundle_that_goes_after_it_was_opened_has_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise RefusedError("no_such_object", "gone")

    uploaded(store, tmp_path)
    sources = StoredSources(*store)
    assert sources.lines(DEBUG_ID, ["/src/game.cpp"]) == LINES
    monkeypatch.setattr(SourceBundle, "lines", gone)
    assert sources.lines(DEBUG_ID, ["/src/game.cpp"]) == {}
