"""A companion without a build id and its program, in uploads of their own: they are paired in either order."""

from __future__ import annotations

import secrets
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.pair_companions import NO_ROOM, WAITS
from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.symbols.formats.companions import lacks_id
from cairn.symbols.formats.elf import Elf
from tests.emulator import running_store
from tests.symbols.programs import CPP

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")

Store = tuple[Settings, Clients]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A stripped program without a build id that no store has seen, and the companion that it names."""
    source, program, companion = tmp_path / "game.cpp", tmp_path / "game", tmp_path / "game.debug"
    source.write_text(CPP.replace("argc + 5", f"argc + {secrets.randbelow(2**30)}"))
    subprocess.run(["g++", "-g", "-Wl,--build-id=none", "-o", program, source], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
    return program, companion


def arrive(store: Store, path: Path) -> tuple[str, CompiledDebugFile]:
    key = DebugFiles(*store).put(path, path.name)
    return key, Compilation(*store).run(key)


def record(store: Store, key: str) -> DebugFileRecord | None:
    return DebugFileRecords(*store).find([key.split("/")[1]]).get(key.split("/")[1])


def assert_serves(store: Store, debug_id: str | None) -> None:
    """The companion serves the program with this id."""
    assert debug_id is not None
    found = SymbolIndex(*store).find([(debug_id, None)], consistent=True)[debug_id, None]
    assert sorted((entry.name, entry.features.debug_info) for entry in found) == [("game", False), ("game.debug", True)]


def assert_replaced(store: Store, companion: str) -> None:
    """The companion as it came is no more: what was made of it stands for it."""
    kept = record(store, companion)
    assert kept is not None and kept.members
    assert (kept.reason, kept.waits) == (None, False)
    assert Objects(store[1], store[0].bucket).size(companion) is None
    assert companion not in SymbolIndex(*store).failed()
    assert SymbolIndex(*store).failure(companion) is None


def compile_members(store: Store, companion: str) -> None:
    """Compile what was made of a companion, as S3 asks for."""
    kept = record(store, companion)
    assert kept is not None
    for sha1 in kept.members:
        (key,) = Objects(store[1], store[0].bucket).keys(f"debug-files/{sha1}/")
        Compilation(*store).run(key)


def test_the_program_first(store: Store, pair: tuple[Path, Path]) -> None:
    _, program = arrive(store, pair[0])
    key, done = arrive(store, pair[1])
    assert (done.reason, done.waits, done.entries, done.again, len(done.members)) == (None, False, (), (), 1)
    compile_members(store, key)
    assert_serves(store, program.entries[0].debug_id)
    assert_replaced(store, key)


def test_the_companion_first(store: Store, pair: tuple[Path, Path]) -> None:
    key, done = arrive(store, pair[1])
    assert (done.reason, done.waits, done.members) == (WAITS, True, ())
    kept = record(store, key)
    assert kept is not None and (kept.waits, kept.reason) == (True, WAITS)
    assert key in SymbolIndex(*store).failed()
    assert Compilation(*store).run(key) == done
    _, program = arrive(store, pair[0])
    compile_members(store, key)
    assert_serves(store, program.entries[0].debug_id)
    assert_replaced(store, key)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_programs_that_differ_in_a_constant_share_a_companion(
    place: int, store: Store, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    """The companion comes first, second or last of three."""
    first, companion = pair
    other = tmp_path / "other" / "game"
    other.parent.mkdir()
    content = bytearray(first.read_bytes())
    with first.open("rb") as opened:
        text = Elf(opened).section(b".text")
    assert text is not None
    content[text[0] + 1] ^= 1
    other.write_bytes(content)
    order = [first, other]
    order.insert(place, companion)
    made = [arrive(store, path) for path in order]
    key = made[place][0]
    compile_members(store, key)
    programs = [done for at, (_, done) in enumerate(made) if at != place]
    paired = {key for key in Objects(store[1], store[0].bucket).keys("debug-files/") if key.endswith("/game.debug")}
    for one in paired:
        Compilation(*store).run(one)
    for done in programs:
        assert_serves(store, done.entries[0].debug_id)
    assert_replaced(store, key)


def test_twice_is_as_good_as_once(store: Store, pair: tuple[Path, Path]) -> None:
    program, _ = arrive(store, pair[0])
    _, first = arrive(store, pair[1])
    Compilation(*store).run(first.members[0])
    before = Objects(store[1], store[0].bucket).keys("debug-files/")
    again = arrive(store, pair[1])[1]
    assert (again.members, again.again) == (first.members, ())
    Compilation(*store).run(program)
    assert Objects(store[1], store[0].bucket).keys("debug-files/") == before


def test_a_waiting_companion_that_was_deleted_is_not_missed(store: Store, pair: tuple[Path, Path]) -> None:
    key, _ = arrive(store, pair[1])
    DebugFiles(*store).remove(key)
    assert arrive(store, pair[0])[1].reason is None
    assert Compilation(*store).run(key).reason == "the debug file is not there any more"
    assert len(arrive(store, pair[1])[1].members) == 1


def test_a_companion_that_can_take_no_id_is_refused(store: Store, pair: tuple[Path, Path]) -> None:
    program, companion = pair
    content = bytearray(companion.read_bytes())
    (table,) = struct.unpack_from("<Q", content, 40)
    (names,) = struct.unpack_from("<H", content, 62)
    struct.pack_into("<Q", content, table + names * 64 + 32, 2**62)
    companion.write_bytes(content)
    subprocess.run(["objcopy", "--remove-section=.gnu_debuglink", program], check=True)
    subprocess.run(["objcopy", f"--add-gnu-debuglink={companion}", program], check=True)
    arrive(store, program)
    key, done = arrive(store, companion)
    assert lacks_id(companion)
    assert (done.reason, done.waits) == (NO_ROOM, False)
    kept = record(store, key)
    assert kept is not None and (kept.reason, kept.waits) == (NO_ROOM, False)


def test_programs_with_a_build_id_pair_with_nothing(store: Store, tmp_path: Path) -> None:
    source, program = tmp_path / "game.cpp", tmp_path / "game"
    source.write_text(CPP)
    subprocess.run(["g++", "-g", f"-Wl,--build-id=0x{secrets.token_hex(20)}", "-o", program, source], check=True)
    (tmp_path / "game.debug").write_bytes(b"x")
    subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={tmp_path / 'game.debug'}", program], check=True)
    (entry,) = arrive(store, program)[1].entries
    assert entry.code_id is not None
