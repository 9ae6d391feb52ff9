"""The same crash under Crashpad, built and loaded in several ways, is one issue; other crashes are others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.crash.build_event import Received, build_event
from cairn.crash.event import Event, GroupingInfo
from cairn.crash.grouping import grouping
from cairn.crash.process import process
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.contract.crashpad import compile_program, crash
from tests.crash.symbol_files import Files, compiled

SOURCE = """
#include <cstdlib>
#include <cstring>
#include <vector>
struct Lamp { long pad[2]; int level; void dim(int by); };
inline __attribute__((always_inline)) void Lamp::dim(int by) { level -= by; }
template <typename T> struct Holder {
    T* held;
    __attribute__((noinline)) int use(int by) { held->dim(by); return by + 1; }
};
__attribute__((noinline)) int shine(Holder<Lamp>& holder, int times) {
    std::vector<int> steps(times, 2);
    int sum = 0;
    auto step = [&](int by) { sum += holder.use(by); };
    for (int by : steps) step(by);
    return sum;
}
__attribute__((noinline)) int give_up(int code) { if (code) abort(); return code; }
__attribute__((noinline)) int copy(char* to, int size) { memcpy(to, "0123456789abcdef", size); return size + 1; }
__attribute__((noinline)) int down(int depth) {
    volatile char page[4096];
    page[depth % 4096] = 1;
    return depth < 0 ? 0 : down(depth + 1) + page[0];
}
int main(int, char** arguments) {
    int code = 0;
    Holder<Lamp> holder{nullptr};
    if (!strcmp(arguments[1], "lamp")) code = shine(holder, 3);
    if (!strcmp(arguments[1], "abort")) code = give_up(7);
    if (!strcmp(arguments[1], "copy")) code = copy(nullptr, 16 + (int)strlen(arguments[1]) - 4);
    if (!strcmp(arguments[1], "deep")) code = down(1);
    return code + 1;
}
"""
BUILDS = {"O0": ("-O0",), "O2": ("-O2",), "O2-fp": ("-O2", "-fno-omit-frame-pointer"), "no-pie": ("-O1", "-no-pie")}
LIBC = Path(next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libc.so" in line))
WAYS = ("lamp", "abort", "copy", "deep")


class Crashes:
    """Programs of one source, and their crashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._programs: dict[str, tuple[Path, list[SymbolFile]]] = {}
        self._libc = compiled(folder, LIBC)

    def event(self, build: str, way: str, *, symbols: bool = True, libc: bool = True) -> Event:
        place = self._folder / f"crash-{next(self._numbers)}"
        place.mkdir()
        program, files = self._program(build)
        (dump,) = crash(program, place, arguments=(way,)).dumps
        known = (files if symbols else []) + (self._libc if libc else [])
        return build_event(process(dump.read_bytes(), Files(*known)), Received("0" * 32, 1, 1.0))

    def group(self, build: str, way: str, *, symbols: bool = True, libc: bool = True) -> GroupingInfo:
        return grouping(self.event(build, way, symbols=symbols, libc=libc))

    def _program(self, build: str) -> tuple[Path, list[SymbolFile]]:
        if build not in self._programs:
            folder = self._folder / build
            (folder / "symbols").mkdir(parents=True)
            program = compile_program(SOURCE, folder, "-g", *BUILDS[build], name="lamps")
            self._programs[build] = program, compiled(folder / "symbols", program)
        return self._programs[build]


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    yield Crashes(tmp_path_factory.mktemp("crashes"))


@pytest.mark.parametrize("way", WAYS)
def test_the_same_crash_of_every_build_is_one_issue(crashes: Crashes, way: str) -> None:
    found = {build: crashes.group(build, way) for build in BUILDS}
    assert len({one.hash for one in found.values()}) == 1, found
    assert found["O2"].by == "functions"


def test_an_abort_is_one_issue_also_without_the_systems_unwind_information(crashes: Crashes) -> None:
    """The walk then guesses how libc was left, and in some builds also who called."""
    found = {build: crashes.group(build, "abort", libc=False) for build in BUILDS}
    assert len({one.hash for one in found.values()} | {crashes.group("O2", "abort").hash}) == 1, found


def test_other_crashes_are_other_issues(crashes: Crashes) -> None:
    assert len({crashes.group("O2", way).hash for way in WAYS}) == len(WAYS)


def test_it_is_named_by_what_a_person_would_name(crashes: Crashes) -> None:
    assert crashes.group("O2", "lamp").components == ("Lamp::dim", "Holder<T>::use", "lambda", "shine", "main")
    assert crashes.group("O2", "abort").components[0] == "give_up"


def test_without_symbols_each_run_is_the_same_and_each_place_another(crashes: Crashes) -> None:
    runs = [crashes.event("O2", "lamp", symbols=False) for _ in range(2)]
    assert runs[0].debug_meta.images[0].image_addr != runs[1].debug_meta.images[0].image_addr, "loaded elsewhere"
    first, second = map(grouping, runs)
    assert first == second and first.by == "place"
    assert first != crashes.group("O2", "copy", symbols=False)
