from __future__ import annotations

import struct
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.arriving.archive import Refused
from cairn.symbols.arriving.arrivals import Arrivals
from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.compiling.compile import identify
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.formats.companions import Companions, add_build_id, checksum, give_build_id, lacks_id
from cairn.symbols.formats.elf import Elf
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.records import Features
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.symbols.programs import SYM, build


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A stripped program without a build id, and the companion that it names."""
    return stripped(tmp_path, "-Wl,--build-id=none")


def stripped(folder: Path, *flags: str) -> tuple[Path, Path]:
    program, companion = build(folder, "-g", "-O1", *flags), folder / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
    return program, companion


def test_a_program_without_a_build_id_is_known_by_its_code(pair: tuple[Path, Path]) -> None:
    program, companion = pair
    with program.open("rb") as file:
        elf = Elf(file)
        text_id = elf.text_id()
        assert text_id is not None
        assert (elf.build_id(), elf.debug_link(), elf.is_companion()) == (None, checksum(companion), False)
    assert identify([program, companion]) == [[(elf_debug_id(text_id.hex()), None)], [(None, None)]]
    with companion.open("rb") as file:
        assert (Elf(file).text_id(), Elf(file).debug_link(), Elf(file).is_companion()) == (None, None, True)
    assert (lacks_id(program), lacks_id(companion)) == (False, True)


def test_a_companion_gets_the_id_of_its_program(pair: tuple[Path, Path], tmp_path: Path) -> None:
    program, companion = pair
    companions = Companions()
    companions.note(program)
    (made,) = companions.with_ids(companion, tmp_path)
    before, after = identify([program, made])
    assert isinstance(before, list) and isinstance(after, list)
    assert after[0][0] == before[0][0] is not None
    (compiled,) = compile_here(made, tmp_path)
    assert compiled.features == Features(symbols=True, debug_info=True)
    file = SymbolFile.open(FileBlob(compiled.path))
    places = [place for place in range(0x1000, 0x3000) if file.has_function(place)]
    assert any(at.line for calls in file.locate(places).values() for at in calls)
    first = made.read_bytes()
    (again,) = companions.with_ids(companion, tmp_path)
    assert again.read_bytes() == first
    said = subprocess.run(["readelf", "-SW", made], check=True, capture_output=True, text=True)
    assert ".note.gnu.build-id" in said.stdout and ".debug_info" in said.stdout


def test_a_companion_of_another_program_gets_none(pair: tuple[Path, Path], tmp_path: Path) -> None:
    program, companion = pair
    assert list(Companions().with_ids(companion, tmp_path)) == []
    companions = Companions()
    companions.note(program)
    with companion.open("ab") as file:
        file.write(b"another")
    assert list(companions.with_ids(companion, tmp_path)) == []


def test_with_build_ids_nothing_is_paired(tmp_path: Path) -> None:
    program, companion = stripped(tmp_path, "-Wl,--build-id")
    companions = Companions()
    companions.note(program)
    assert (lacks_id(companion), list(companions.with_ids(companion, tmp_path))) == (False, [])


def test_an_id_in_place_of_another_is_as_good_as_the_first(pair: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_bytes(pair[1].read_bytes())
    assert give_build_id(one, bytes(range(16))) and give_build_id(one, b"x" * 16)
    assert add_build_id(other, b"x" * 16)
    assert one.read_bytes() == other.read_bytes()
    one.write_bytes(b"no ELF file")
    assert give_build_id(one, b"x" * 16) is False


@pytest.mark.parametrize(
    "content", [b"", SYM, b"\x7fELF", b"\x7fELF\2\1\1" + bytes(57), b"\x7fELF\2\1\1" + b"\xff" * 90]
)
def test_what_is_no_program_is_passed_over(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    Companions().note(path)
    assert lacks_id(path) is False


@pytest.mark.parametrize("wide", [True, False])
def test_a_header_that_cannot_count_one_more_section_stays(wide: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    head = bytearray(b"\x7fELF" + bytes([2 if wide else 1, 1, 1])).ljust(64, b"\0")
    at = 58 if wide else 46
    head[at : at + 6] = (64 if wide else 40).to_bytes(2, "little") + b"\0\xff\1\0"
    path.write_bytes(head)
    assert add_build_id(path, bytes(16)) is False
    assert path.read_bytes() == head


@given(st.data())
def test_a_companion_of_any_bytes_ends_well(data: st.DataObject) -> None:
    """Numbers all over a companion's header and its table of sections are others; the table is right behind it."""
    size, count = 64, 4
    code = struct.pack("<IIQQQQIIQQ", 1, 8, 4, 0, 0, 64, 0, 0, 1, 0)
    names = struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, 64 + size * count, 16, 0, 0, 1, 0)
    head = struct.pack("<4s3B9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 62, 1, 0, 0, 64, 0, 64, 0, 0, size, count, 2)
    content = bytearray(head + bytes(size) + code + names + bytes(size) + b"\0.text".ljust(16, b"\0"))
    for at, value in data.draw(st.lists(st.tuples(st.integers(40, len(content) - 8), st.integers(0, 2**64 - 1)))):
        struct.pack_into("<Q", content, at, value)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        Companions().note(path)
        if lacks_id(path) and not add_build_id(path, bytes(16)):
            assert path.read_bytes() == content


def test_a_header_that_leads_beyond_the_file_stays(pair: tuple[Path, Path]) -> None:
    companion = bytearray(pair[1].read_bytes())
    (table,) = struct.unpack_from("<Q", companion, 40)
    (names,) = struct.unpack_from("<H", companion, 62)
    struct.pack_into("<Q", companion, table + names * 64 + 24, 2**64 - 1)
    pair[1].write_bytes(companion)
    assert lacks_id(pair[1])
    assert add_build_id(pair[1], bytes(16)) is False
    assert pair[1].read_bytes() == companion


def arrived(folder: Path, *paths: Path) -> list[tuple[str, bytes]]:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    arrivals = Arrivals(scratch)
    found = [*(one for path in paths for one in read(arrivals.of(path))), *read(arrivals.late())]
    return found


def read(found: object) -> list[tuple[str, bytes]]:
    taken = []
    for one in found:  # type: ignore[attr-defined]
        assert not isinstance(one, Refused)
        taken.append((one.name, one.path.read_bytes()))
    return taken


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["program first", "companion first"])
@pytest.mark.parametrize("how", ["files", "archive", "file and archive"])
def test_they_may_come_in_any_order_and_packed(
    how: str, order: tuple[int, int], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = (pair[number] for number in order)
    paths = [first, second]
    if how != "files":
        archive = tmp_path / "build.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in paths if how == "archive" else paths[:1]:
                packed.write(path, f"build/{path.name}")
        paths = [archive] if how == "archive" else [archive, second]
    found = arrived(tmp_path, *paths)
    assert [name for name, _ in found] == ["program", "program.debug"]
    (tmp_path / "with-id").write_bytes(found[1][1])
    known, made = identify([pair[0], tmp_path / "with-id"])
    assert isinstance(known, list) and isinstance(made, list)
    assert made[0][0] == known[0][0] is not None


def test_a_companion_alone_arrives_as_it_is(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert arrived(tmp_path, pair[1]) == [("program.debug", pair[1].read_bytes())]
