"""A zip archive that has arrived: each debug file in it is one of its own from then on, and nothing happens twice."""

from __future__ import annotations

import secrets
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.sweep_debug_files import Sweep
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.last_uses import DAY
from cairn.store.symbols.symbol_index import SymbolIndex
from tests.emulator import running_store
from tests.symbols.programs import SYM, build

Store = tuple[Settings, Clients]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


def fresh() -> bytes:
    """A debug file that no store has seen."""
    return SYM + f"PUBLIC 9000 0 {secrets.token_hex(8)}\n".encode()


def zipped(folder: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "symbols.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def arrive(store: Store, path: Path) -> tuple[str, CompiledDebugFile]:
    """Put a file where files go, and do what S3's message asks for."""
    key = DebugFiles(*store).put(path, path.name)
    return key, Compilation(*store).run(key)


def record(store: Store, key: str) -> Any:
    return DebugFileRecords(*store).find([key.split("/")[1]]).get(key.split("/")[1])


def objects(store: Store) -> Objects:
    return Objects(store[1], store[0].bucket)


def test_each_file_becomes_a_debug_file_of_its_own(store: Store, tmp_path: Path) -> None:
    one, two = fresh(), fresh()
    key, done = arrive(store, zipped(tmp_path, {"a/one.sym": one, "b/two.sym": two, "README": b"hello"}))
    assert (done.entries, done.reason, done.again) == ((), None, ())
    assert [member.rpartition("/")[2] for member in done.members] == ["one.sym", "two.sym"]
    assert [objects(store).read(member, 10_000) for member in done.members] == [one, two]
    for member in done.members:
        (entry,) = Compilation(*store).run(member).entries
        assert entry.debug_file_key == member
        assert record(store, member).entries == (entry,)
    assert record(store, key).members == tuple(member.split("/")[1] for member in done.members)


def test_an_archive_is_gone_once_all_of_it_is_stored(store: Store, tmp_path: Path) -> None:
    key, done = arrive(store, zipped(tmp_path, {"one.sym": fresh()}))
    assert done.members and not done.reason
    assert objects(store).size(key) is None
    assert Compilation(*store).run(key).reason == "the debug file is not there any more"


def test_twice_is_as_good_as_once(store: Store, tmp_path: Path) -> None:
    path = zipped(tmp_path, {"one.sym": fresh(), "same.sym": fresh()})
    key, done = arrive(store, path)
    for member in done.members:
        Compilation(*store).run(member)
    before = record(store, done.members[0])
    again_key, again = arrive(store, path)
    assert (again_key, again.members, again.again) == (key, done.members, ())
    assert record(store, done.members[0]) == before


def test_what_an_older_compiler_is_done_with_is_compiled_again(store: Store, tmp_path: Path) -> None:
    path = zipped(tmp_path, {"one.sym": fresh(), "two.sym": fresh()})
    _, done = arrive(store, path)
    Compilation(*store).run(done.members[0])
    Compilation(*store).run(done.members[1])
    DebugFileRecords(*store).remove(done.members[0].split("/")[1])
    old = replace(record(store, done.members[1]), version=0)
    DebugFileRecords(*store).remove(old.sha1)
    DebugFileRecords(*store).put(old)
    assert arrive(store, path)[1].again == (done.members[1],)


def test_what_is_refused_is_named_and_the_archive_kept(store: Store, tmp_path: Path) -> None:
    path = zipped(tmp_path, {"one.sym": fresh(), "inner.zip": b"PK\x03\x04 and so on"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("two.sym", SYM)
    key, done = arrive(store, path)
    assert len(done.members) == 1
    assert done.reason is not None
    assert done.reason.startswith("1 debug files of the zip archive were taken. Not taken: inner.zip: an archive in")
    assert "two.sym: it is packed with bzip2" in done.reason
    assert objects(store).size(key) is not None
    assert key in SymbolIndex(*store).failed()
    failure = SymbolIndex(*store).failure(key)
    assert failure is not None and failure.reason == done.reason
    assert record(store, key).reason == done.reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04" + bytes(50), "damaged or cut short"),
        (b"PK\x05\x06" + bytes(18), "holds no debug file"),
    ],
    ids=["damaged", "empty"],
)
def test_an_archive_of_no_use_says_why_and_goes_in_the_end(
    store: Store, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / f"{secrets.token_hex(4)}.zip"
    path.write_bytes(content)
    key, done = arrive(store, path)
    assert done.reason is not None and words in done.reason
    assert record(store, key).reason == done.reason
    in_the_end = record(store, key).created + (store[0].symbol_retention_days + 1) * DAY
    while Sweep(*store).run(in_the_end)[1]:
        pass
    assert objects(store).size(key) is None
    assert record(store, key) is None


def test_a_companion_without_a_build_id_is_paired_with_its_program(store: Store, tmp_path: Path) -> None:
    program, companion = build(tmp_path, "-g", "-Wl,--build-id=none"), tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
    path = zipped(tmp_path, {"game.debug": companion.read_bytes(), "game": program.read_bytes()})
    _, done = arrive(store, path)
    first, second = (Compilation(*store).run(member).entries[0] for member in done.members)
    assert (first.name, second.name) == ("game", "game.debug")
    assert first.debug_id == second.debug_id is not None
    assert (first.features.unwind_info, second.features.debug_info) == (True, True)
    found = SymbolIndex(*store).find([(first.debug_id, None)], consistent=True)[first.debug_id, None]
    assert {entry.name for entry in found} >= {"game", "game.debug"}
