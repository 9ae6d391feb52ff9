"""Unwinding from every instruction of real Windows programs, against what their code alone says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import pytest

from cairn.symbols.formats.pe import Pe
from cairn.symbols.rules import CfiRule
from cairn.symbols.unwind_data import pe_amd64, pe_arm64
from cairn.symbols.unwind_data.cfi_text import parse_rule
from cairn.symbols.unwind_data.frame_rules import Function
from cairn.symbols.unwind_data.pe_unwind import pe_unwind_rows
from cairn.unwind.amd64 import AMD64
from cairn.unwind.architecture import Architecture
from cairn.unwind.arm64 import ARM64
from cairn.unwind.cfi import CfiProgram, compile_rule, unwind
from tests.symbols.unwind_data import amd64_steps, arm64_steps
from tests.symbols.unwind_data.windows_programs import (
    build_with_exceptions,
    build_with_gcc,
    build_with_llvm,
    carried_programs,
)

CARRIED, CARRIED_ARM64 = carried_programs("64"), carried_programs("arm64")
VERSION_2 = "-fwinx64-eh-unwindv2=best-effort"
LEVELS = ("-O0", "-O2", "-Os")


class Rules:
    """The rules of a program by address, ready to run."""

    def __init__(self, path: Path, arch: Architecture) -> None:
        problems: list[str] = []
        rows = pe_unwind_rows(path, problems)
        assert problems == []
        self._texts = [row.rule for row in rows]
        self._starts = [row.start for row in rows]
        self._arch = arch
        self._programs: dict[str, CfiProgram] = {}

    def at(self, address: int) -> CfiProgram:
        text = self._texts[bisect_right(self._starts, address) - 1]
        assert text is not None, hex(address)
        if text not in self._programs:
            rule = parse_rule(text)
            assert isinstance(rule, CfiRule)
            self._programs[text] = compile_rule(rule, self._arch)
        return self._programs[text]


def check_amd64(path: Path) -> int:
    """Unwind from everywhere in the program; return from how many places."""
    pe, rules = Pe(path.read_bytes()), Rules(path, AMD64)
    found = list(pe_amd64.functions(pe))
    parts = [function for function in found if not _begins(function)]
    expected = amd64_steps.CALLER | {"rip": amd64_steps.RETURN}
    seen = 0
    for function in found:
        if not _begins(function):
            continue
        for stop in amd64_steps.stops(_reader(pe), function.start, _inside([function, *parts])):
            caller = unwind(rules.at(stop.lookup), AMD64, stop.state.registers, stop.state.memory.get)
            assert caller == expected, f"function {function.start:#x}, at {stop.lookup:#x}"
            seen += 1
    return seen


def check_arm64(path: Path) -> tuple[int, list[tuple[int, int]]]:
    """Unwind from everywhere in the program; return from how many places, and where the stack pointer was another than
    at entry: start of the function, difference. All else has to be right."""
    pe, rules = Pe(path.read_bytes()), Rules(path, ARM64)
    found = list(pe_arm64.functions(pe))
    parts = [function for function in found if function.is_part]
    expected = arm64_steps.CALLER | {"pc": arm64_steps.RETURN}
    seen, moved = 0, []
    for function in found:
        if function.is_part:
            continue
        for stop in arm64_steps.stops(_reader(pe), function.start, _inside([function, *parts])):
            caller = unwind(rules.at(stop.lookup), ARM64, stop.state.registers, stop.state.memory.get)
            assert isinstance(caller, dict)
            assert caller | {"sp": expected["sp"]} == expected, f"function {function.start:#x}, at {stop.lookup:#x}"
            if caller["sp"] != expected["sp"]:
                moved.append((function.start, caller["sp"] - expected["sp"]))
            seen += 1
    return seen, moved


def _begins(function: Function) -> bool:
    """Whether a call enters here; GCC gives cold parts their own data, without a word of where they belong."""
    return not function.is_part and function.rules[0][1].startswith(".cfa: rsp 8 +")


def _inside(functions: list[Function]) -> Callable[[int], bool]:
    ranges = sorted((function.start, function.end) for function in functions)

    def inside(address: int) -> bool:
        index = bisect_right(ranges, (address, 1 << 64)) - 1
        return index >= 0 and address < ranges[index][1]

    return inside


def _reader(pe: Pe) -> Callable[[int], bytes]:
    def read(address: int) -> bytes:
        offset, end = pe.place(address)
        return pe.data[offset : min(end, offset + 16)]

    return read


@pytest.mark.parametrize("level", ("O0", "O2", "Os"))
def test_programs_of_gcc(level: str, tmp_path: Path) -> None:
    assert check_amd64(build_with_gcc(tmp_path, level)) > 300


@pytest.mark.skipif(not CARRIED, reason="no Windows programs in pip and setuptools")
@pytest.mark.parametrize("path", CARRIED, ids=lambda path: path.name)
def test_programs_of_microsofts_compiler(path: Path) -> None:
    assert check_amd64(path) > 10_000


@pytest.mark.parametrize("level", LEVELS)
def test_programs_of_llvm(level: str, tmp_path: Path) -> None:
    assert check_amd64(build_with_llvm(tmp_path, "x86_64", level)) > 250
    seen, moved = check_arm64(build_with_llvm(tmp_path, "aarch64", level))
    assert (seen > 250, moved) == (True, [])


@pytest.mark.parametrize("level", LEVELS)
def test_handlers_of_exceptions(level: str, tmp_path: Path) -> None:
    assert check_amd64(build_with_exceptions(tmp_path, "x86_64", level)) > 250
    seen, moved = check_arm64(build_with_exceptions(tmp_path, "aarch64", level, "-mbranch-protection=standard"))
    assert (seen > 200, moved) == (True, [])


@pytest.mark.parametrize("flags", (("x86_64", "-O2", "-mavx2"), ("x86_64", "-O2", "-Xclang", VERSION_2)), ids="-".join)
def test_vectors_and_version_2(flags: tuple[str, ...], tmp_path: Path) -> None:
    """Vectors are not what the emulator of ``tests/targets`` can run."""
    assert check_amd64(build_with_exceptions(tmp_path, *flags)) > 250


@pytest.mark.skipif(not CARRIED_ARM64, reason="no arm64 Windows programs in pip and setuptools")
@pytest.mark.parametrize("path", CARRIED_ARM64, ids=lambda path: path.name)
def test_arm64_programs_of_microsofts_compiler(path: Path) -> None:
    """Two functions of the runtime return with another stack pointer: they put a cookie on their caller's stack, and
    take it away."""
    seen, moved = check_arm64(path)
    assert seen > 10_000
    assert len({function for function, _ in moved}) == 2
    assert {distance for _, distance in moved} == {-16, 16}
