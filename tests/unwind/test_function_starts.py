"""Where functions begin, by a symbol file: what makes the link register of arm64 exact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cairn.crash.symbolication import Symbolicator
from cairn.minidump.records import Arch, Module, Os
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.symbol_file import reader as symbol_file
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.unwind.arm64 import NEARBY
from cairn.unwind.frames import FunctionStarts, Stack
from cairn.unwind.walker import walk_threads
from tests.crash.symbol_files import Files
from tests.unwind.crashed import APP, STACK, Machine, pcs, trusts

ANDROID = Machine(Arch.ARM64, Os.ANDROID, "pc", "sp")
SYM = b"""\
MODULE Linux arm64 4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0 app
FILE 0 /src/a.c
INLINE_ORIGIN 0 inlined
FUNC 1000 3000 0 long_function
INLINE 0 4 0 0 3800 100
1000 3000 3 0
FUNC 4000 20 0 leaf
FUNC 4020 100 0 caller_of_leaf
FUNC 8000 1000 0 main
"""
MODULE = APP._replace(debug_id="4d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a")
LONG, LEAF, CALLER, MAIN = (APP.base + offset for offset in (0x1000, 0x4000, 0x4020, 0x8010))
RECORD = [STACK + 32, MAIN, 0, 0, 0, 0]


class Counting(BytesBlob):
    """A symbol file that counts the ranges read of it."""

    reads = 0

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.reads += len(ranges)
        return super().read(ranges)


@pytest.fixture
def blob(tmp_path: Path) -> Counting:
    path = tmp_path / "app.sym"
    path.write_bytes(SYM)
    (compiled,) = compile_here(path, tmp_path)
    return Counting(compiled.path.read_bytes())


def walk(rules: Symbolicator, pc: int, lr: int) -> Stack:
    dump = ANDROID.dump(RECORD, {"pc": pc, "fp": STACK, "lr": lr}, [MODULE])
    return walk_threads(dump, rules)[0]


def symbolicator(blob: BytesBlob | None = None) -> Symbolicator:
    return Symbolicator(Files(*([SymbolFile.open(blob)] if blob else [])))


def test_where_functions_start(blob: Counting) -> None:
    rules: FunctionStarts = symbolicator(blob)
    assert isinstance(rules, FunctionStarts)
    offsets = (0x1000, 0x3850, 0x4000, 0x401F, 0x8FFF, 0x9000, 0x10)
    starts = [rules.function_start(MODULE, offset) for offset in offsets]
    assert starts == [0x1000, 0x1000, 0x4000, 0x4000, 0x8000, None, None]
    assert symbolicator().function_start(MODULE, 0x1000) is None
    assert rules.function_start(Module(0, 100, "other"), 0) is None


def test_a_stale_link_register_far_away_in_one_function_is_not_shown(blob: Counting) -> None:
    pc, lr = LONG + 0x2850, LONG + 0x104
    assert pc - lr > NEARBY
    assert pcs(walk(symbolicator(), pc, lr)) == [pc, lr, MAIN]
    assert pcs(walk(symbolicator(blob), pc, lr)) == [pc, MAIN]


def test_the_caller_of_a_leaf_right_beside_it_is_kept(blob: Counting) -> None:
    pc, lr = LEAF + 0x10, CALLER + 0x40
    assert abs(pc - lr) < NEARBY
    assert pcs(walk(symbolicator(), pc, lr)) == [pc, MAIN]
    stack = walk(symbolicator(blob), pc, lr)
    assert pcs(stack) == [pc, lr, MAIN]
    assert trusts(stack) == ["context", "leaf_return", "frame_pointer"]


def test_a_return_address_behind_the_last_instruction_is_of_the_function_before(blob: Counting) -> None:
    assert pcs(walk(symbolicator(blob), LEAF + 0x10, CALLER)) == [LEAF + 0x10, MAIN]


def test_nothing_more_is_read_than_names_need(blob: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_file, "WHOLE_FILE", 0)
    monkeypatch.setattr(symbol_file, "TAIL", 16)
    rules = symbolicator(blob)
    stack = walk(rules, LEAF + 0x10, CALLER + 0x40)
    walked = blob.reads
    (frames,) = rules.name([stack.frames])
    assert [named.calls[-1].function for named in frames] == ["leaf", "caller_of_leaf", "main"]
    assert blob.reads == walked
