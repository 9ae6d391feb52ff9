"""Symbol files of which two threads read half of the units each, against those that one has read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cairn.symbols.compiling import dwarf_halves
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.compiling.dwarf_halves import symcaches_by_halves
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.symbols.programs import SYM

SHARED = """
#include <string>
#include <vector>
namespace shop {
template <typename T> struct Basket {
    std::vector<T> items;
    __attribute__((noinline)) int total() const { int sum = 0; for (const T& item : items) sum += item; return sum; }
    int first() const { return items.empty() ? 0 : items[0]; }
};
struct Base { virtual ~Base() {} virtual int price(int n) { return n; } };
inline __attribute__((noinline)) int shared(int n) { return n * 3 + 1; }
}
"""
UNIT = """
struct Item: shop::Base { int price(int n) override { if (n > 99) throw n; return n + NUMBER; } };
static __attribute__((noinline)) int hidden(int n) { return shop::shared(n) * NUMBER; }
int FUNCTION(int n) {
    shop::Basket<int> basket;
    basket.items.push_back(n);
    std::string all = std::to_string(n);
    Item item;
    shop::Base& base = item;
    return basket.total() + basket.first() + all.size() + hidden(n) + base.price(n);
}
"""
UNITS = 3


@pytest.fixture(autouse=True)
def _of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dwarf_halves, "WORTH_HALVES", 0)
    monkeypatch.setattr(dwarf_halves, "CHUNK", 1024)


def build_units(folder: Path, *flags: str) -> Path:
    """Compile a program of several units, which share inline functions and templates."""
    names = [f"unit{number}" for number in range(UNITS)]
    for number, name in enumerate(names):
        unit = UNIT.replace("NUMBER", str(number + 2)).replace("FUNCTION", name)
        (folder / f"{name}.cc").write_text(SHARED + unit)
    calls = " + ".join(f"{name}(count)" for name in names)
    (folder / "main.cc").write_text(
        "".join(f"int {name}(int);\n" for name in names) + f"int main(int count, char**) {{ return {calls}; }}\n"
    )
    program = folder / "program"
    sources = [folder / f"{name}.cc" for name in (*names, "main")]
    subprocess.run(["g++", *flags, "-Wl,--build-id", "-o", program, *sources], check=True)
    return program


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a program, its debug information as it is; not to be changed."""
    return build_units(tmp_path_factory.mktemp("plain"), "-O2", "-g")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, plain: Path) -> Path:
    """The same with its debug information packed."""
    return repacked(plain, tmp_path_factory.mktemp("packed"), "zlib")


def repacked(program: Path, folder: Path, how: str) -> Path:
    subprocess.run(["objcopy", f"--compress-debug-sections={how}", program, folder / how], check=True)
    return folder / how


def symbol_files(path: Path, folder: Path) -> list[SymbolFile]:
    """The symbol file made as one, and the one made by halves."""
    found = []
    for side_by_side in (False, True):
        out = folder / str(side_by_side)
        out.mkdir()
        (compiled,) = compile_here(path, out, side_by_side=side_by_side)
        found.append(SymbolFile.open(FileBlob(compiled.path)))
    return found


@pytest.mark.parametrize(
    "flags",
    (
        ("-O2", "-gdwarf-5"),
        ("-O2", "-gdwarf-4", "-gz=zlib"),
        ("-O0", "-g"),
        ("-O2", "-g", "-fdebug-types-section", "-gz=zlib"),
        ("-O2", "-g", "-ffunction-sections", "-Wl,--gc-sections", "-no-pie"),
    ),
    ids=" ".join,
)
def test_all_look_ups_are_the_same(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build_units(tmp_path, *flags)
    halves = symcaches_by_halves(program)
    assert halves
    caches = [SymCache(data) for data in halves]
    assert all(cache.file_count for cache in caches), "each half has units"
    one, two = symbol_files(program, tmp_path)
    starts = {start for cache in caches for start in cache.starts}
    places = sorted({start + step for start in starts for step in (-1, 0, 1) if start + step >= 0})
    assert len(places) > 500
    assert one.locate(places) == two.locate(places)
    assert [one.nearest(place) for place in places] == [two.nearest(place) for place in places]
    assert [place for place in places if one.has_function(place) != two.has_function(place)] == []


def test_units_that_refer_to_each_other_are_left_to_one(tmp_path: Path) -> None:
    program = build_units(tmp_path, "-O2", "-g", "-flto")
    forms = subprocess.run(["readelf", "--debug-dump=abbrev", program], check=True, capture_output=True, text=True)
    assert "DW_FORM_ref_addr" in forms.stdout
    assert symcaches_by_halves(program) is None
    (compiled,) = compile_here(program, tmp_path, side_by_side=True)
    assert compiled.features.debug_info


@pytest.mark.parametrize("how", ["zlib-gnu", "zstd"])
def test_other_packings_are_left_to_one(how: str, plain: Path, tmp_path: Path) -> None:
    assert symcaches_by_halves(repacked(plain, tmp_path, how)) is None


def test_small_files_and_other_formats_are_left_to_one(
    plain: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_bytes(SYM)
    (tmp_path / "nothing").write_bytes(b"")
    assert [symcaches_by_halves(tmp_path / name) for name in ("text", "nothing")] == [None, None]
    assert symcaches_by_halves(plain)
    monkeypatch.setattr(dwarf_halves, "WORTH_HALVES", 64 << 20)
    assert symcaches_by_halves(plain) is None


def test_what_takes_too_much_memory_is_left_to_one(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dwarf_halves, "memory_limit", lambda: 100_000)
    assert symcaches_by_halves(plain) is None


def place_of(section: str, path: Path) -> int:
    """Where a section lies in a file."""
    listed = subprocess.run(["readelf", "-SW", path], check=True, capture_output=True, text=True).stdout
    found = re.search(rf" \{section} +PROGBITS +\w+ (\w+)", listed)
    assert found
    return int(found[1], 16)


@pytest.mark.parametrize(
    ("place", "written"),
    (
        (8, bytes(8)),
        (8, (1 << 40).to_bytes(8, "little")),
        (8, (1 << 20).to_bytes(8, "little")),
        (30, b"\xff" * 30),
    ),
    ids=["empty", "huge", "longer than it is", "damaged"],
)
def test_damaged_sections_are_left_to_one(place: int, written: bytes, packed: Path, tmp_path: Path) -> None:
    assert symcaches_by_halves(packed)
    assert symcaches_by_halves(overwritten(packed, tmp_path, place, written)) is None


def test_a_unit_without_an_end_is_what_it_is_to_symbolic(plain: Path, tmp_path: Path) -> None:
    broken = overwritten(plain, tmp_path, 0, b"\xf0\xff\xff\x7f")
    found = []
    for side_by_side in (False, True):
        (compiled,) = compile_here(broken, tmp_path, side_by_side=side_by_side)
        found.append((compiled.features, compiled.problems))
    assert found[0] == found[1]


def overwritten(program: Path, folder: Path, place: int, written: bytes) -> Path:
    """A copy with other bytes at a place in ``.debug_info``."""
    begin = place_of(".debug_info", program) + place
    data = bytearray(program.read_bytes())
    data[begin : begin + len(written)] = written
    (folder / "broken").write_bytes(data)
    return folder / "broken"
