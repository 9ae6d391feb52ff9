from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf
from cairn.symbols.unwind_data.arm_exidx import exidx_rows
from cairn.symbols.unwind_data.arm_exidx_codes import rule_of
from tests.symbols.unwind_data.test_pe_amd64 import parts
from tests.targets.zig import run

ENTRY = {".cfa": "sp 0 +", ".ra": "lr"}
SHT_EXIDX = 0x7000_0001
BASE, INDEX, TEXT = 0x1_0000, 0x1_0100, 0x1_0800
ASSEMBLER = """\
.syntax unified
.thumb
.text
.macro function name
.globl \\name
.type \\name, %function
.thumb_func
\\name:
.fnstart
.endm
function inline_codes
.save {r4, r7, lr}
push {r4, r7, lr}
.pad #20
sub sp, #20
add sp, #20
pop {r4, r7, pc}
.fnend
function in_the_table
.save {r4-r11, lr}
push {r4-r11, lr}
.setfp r7, sp, #12
add r7, sp, #12
.vsave {d8-d11}
vpush {d8-d11}
.pad #4096
sub sp, #4096
nop
.fnend
function with_a_handler
.save {r5, lr}
push {r5, lr}
nop
.personality handler
.handlerdata
.word 0
.fnend
function a_leaf
bx lr
.fnend
function for_nobody
nop
.cantunwind
.fnend
function handler
bx lr
.fnend
"""


@pytest.mark.parametrize(
    ("codes", "expected"),
    (
        ("b0", {}),
        ("", {}),
        ("04", {".cfa": "sp 20 +"}),  # vsp += 20
        ("41 06", {".cfa": "sp 20 +"}),  # vsp -= 8, then += 28
        ("84 08", {".cfa": "sp 8 +", "r7": ".cfa -8 + ^", ".ra": ".cfa -4 + ^", "lr": ".cfa -4 + ^"}),  # r7, lr
        ("88 00", {".cfa": "sp 4 +", ".ra": ".cfa -4 + ^"}),  # pc
        ("97", {".cfa": "r7 0 +"}),  # vsp = r7
        ("9b 41", {".cfa": "r11 -8 +"}),
        ("a1", {".cfa": "sp 8 +", "r4": ".cfa -8 + ^", "r5": ".cfa -4 + ^"}),
        ("a8", {".cfa": "sp 8 +", "r4": ".cfa -8 + ^", ".ra": ".cfa -4 + ^", "lr": ".cfa -4 + ^"}),
        ("b1 0f", {".cfa": "sp 16 +"}),  # r0 to r3
        ("b2 04", {".cfa": "sp 532 +"}),
        ("b2 80 01", {".cfa": "sp 1028 +"}),
        ("b3 81", {".cfa": "sp 20 +"}),  # d8, d9 as FSTMFDX
        ("b4", {".cfa": "sp 4 +"}),
        ("b9", {".cfa": "sp 20 +"}),
        ("c2", {".cfa": "sp 24 +"}),  # registers of iWMMXt
        ("c6 a1", {".cfa": "sp 16 +"}),
        ("c7 05", {".cfa": "sp 8 +"}),
        ("c8 01", {".cfa": "sp 16 +"}),  # d16, d17
        ("c9 83", {".cfa": "sp 32 +"}),
        ("d1", {".cfa": "sp 16 +"}),
        ("b0 ff", {}),  # nothing after the end counts
    ),
)
def test_each_code(codes: str, expected: dict[str, str]) -> None:
    rule = rule_of(bytes.fromhex(codes))
    assert rule
    assert parts(rule) == ENTRY | expected


def test_a_function_that_nothing_can_unwind() -> None:
    assert rule_of(b"\x80\x00") is None


@pytest.mark.parametrize(
    "codes", ("9d", "9f", "a0 97", "82 00", "b1 00", "b1 10", "b5", "ca", "d8", "ff", "80", "b2 80", "b2 ffffffff7f")
)  # fmt: skip
def test_codes_that_make_no_sense(codes: str) -> None:
    with pytest.raises(MalformedDebugFileError):
        rule_of(bytes.fromhex(codes))


def test_tables_that_llvm_writes(tmp_path: Path) -> None:
    source, program = tmp_path / "exidx.s", tmp_path / "program"
    source.write_text(ASSEMBLER)
    command = ("cc", "-target", "thumb-linux-gnueabihf", "-nostdlib", "-Wl,-e,a_leaf", "-Wl,--build-id")
    run(tmp_path, *command, str(source), "-o", str(program))
    problems: list[str] = []
    with program.open("rb") as file:
        rows = exidx_rows(Elf(file), problems)
    assert problems == []
    lr = {".ra": ".cfa -4 + ^", "lr": ".cfa -4 + ^"}
    eight = {f"r{number}": f".cfa {4 * number - 52} + ^" for number in range(4, 12)}
    assert [(row.is_init, row.rule and parts(row.rule)) for row in rows[:-1]] == [
        (True, ENTRY),
        (False, {".cfa": "sp 32 +", "r4": ".cfa -12 + ^", "r7": ".cfa -8 + ^"} | lr),
        (True, ENTRY),
        (False, {".cfa": "r7 24 +"} | eight | lr),
        (True, ENTRY),
        (False, {".cfa": "sp 8 +", "r5": ".cfa -8 + ^"} | lr),
        (True, ENTRY),
        (False, None),
        (True, ENTRY),
    ]
    starts = [row.start for row in rows if row.is_init]
    assert starts == sorted(set(starts))
    (compiled,) = compile_here(program, tmp_path)
    assert compiled.features.unwind_info


def elf(index: bytes, order: str = "<") -> Elf:
    """A program with this index at ``INDEX``, and the same bytes after it up to its end."""
    content = index.ljust(0x100, b"\0")
    head = b"\x7fELF\1" + (b"\1" if order == "<" else b"\2") + bytes(10)
    head += struct.pack(order + "HHIIIIIHHHHHH", 3, 40, 1, 0, 52, 84, 0, 52, 32, 1, 40, 1, 0)
    head += struct.pack(order + "8I", 1, 0, BASE, BASE, 0x200, 0x200, 5, 0)
    head += struct.pack(order + "10I", 0, SHT_EXIDX, 0, INDEX, 0x100, len(index), 0, 0, 0, 8)
    return Elf(io.BytesIO(head.ljust(0x100, b"\0") + content))


def pointer(target: int, place: int) -> int:
    return (target - place) & 0x7FFF_FFFF


@pytest.mark.parametrize("order", ("<", ">"))
def test_either_byte_order(order: str) -> None:
    index = struct.pack(order + "4I", pointer(TEXT, INDEX), 0x80A8_B0B0, pointer(TEXT + 0x20, INDEX + 8), 1)
    rows = exidx_rows(elf(index, order), [])
    assert [row.start for row in rows] == [TEXT - BASE, TEXT - BASE + 2, TEXT - BASE + 0x20]
    assert parts(rows[1].rule or "")["r4"] == ".cfa -8 + ^"
    assert rows[2].rule is None


@pytest.mark.parametrize("data", (0x8100_0000, 0x8300_0000, 0x80FF_B0B0, 0x4000_0000, 0x3000_0000))
def test_an_entry_that_makes_no_sense_costs_one_function_its_rules(data: int) -> None:
    index = struct.pack("<4I", pointer(TEXT, INDEX), 0x80A8_B0B0, pointer(TEXT + 0x20, INDEX + 8), data)
    problems: list[str] = []
    rows = exidx_rows(elf(index), problems)
    assert [row.rule is None for row in rows] == [False, False, True]
    assert problems == ["1 functions have unwind data (.ARM.exidx) that makes no sense, and no rules."]


@given(st.lists(st.tuples(st.integers(0, 0x400), st.integers(0, (1 << 32) - 1) | st.integers(0, 0x200)), max_size=20))
def test_any_index_ends_well(entries: list[tuple[int, int]]) -> None:
    index = b"".join(
        struct.pack("<II", pointer(TEXT + start, INDEX + 8 * number), data)
        for number, (start, data) in enumerate(entries)
    )
    rows = exidx_rows(elf(index), [])
    starts = [row.start for row in rows]
    assert starts == sorted(set(starts))


@given(st.binary(max_size=80))
def test_any_codes_end_well(codes: bytes) -> None:
    try:
        rule = rule_of(codes)
    except MalformedDebugFileError as error:
        assert error.code == "malformed"
        return
    assert rule is None or parts(rule)[".cfa"]
