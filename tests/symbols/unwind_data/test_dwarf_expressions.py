from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.symbols.unwind_data.cfi_text import Row
from cairn.symbols.unwind_data.dwarf_expressions import AMD64, MAX_EXPRESSION, X86, functions_in
from tests.targets.zig import LINUX_AMD64, build

START, SIZE = 0x5000, 0x40
AT_ENTRY = ".cfa: rsp 8 + .ra: .cfa -8 + ^"
ALIGNED = (
    b"\x41\x0c\x0a\x00"  # lea r10, [rsp + 8]: the CFA is r10
    b"\x49\x10\x06\x02\x76\x00"  # push rbp, mov rbp, rsp: where rbp is
    b"\x42\x0f\x03\x76\x78\x06"  # push r10: the CFA is there
)
"""What GCC writes of a function that aligns its stack."""


def section(operations: bytes, head: bytes = b"\x0c\x07\x08\x90\x01", version: int = 1) -> bytes:
    """``.eh_frame`` at 0: a CIE and a function. ``head`` are the operations that functions share."""
    cie = struct.pack("<IB", 0, version) + b"zR\0\x01\x78\x10\x01\x1b" + head
    cie += bytes(-len(cie) % 4)
    place = 8 + len(cie) + 4
    fde = struct.pack("<IiI", place - 4, START - place, SIZE) + b"\0" + operations
    fde += bytes(-len(fde) % 4)
    return struct.pack("<I", len(cie)) + cie + struct.pack("<I", len(fde)) + fde + bytes(4)


def rows(operations: bytes, names: tuple[str, ...] = AMD64) -> list[Row]:
    return [row for function in functions_in(section(operations), 0, names) for row in function]


def test_a_function_that_aligns_its_stack() -> None:
    at_top = ".ra: .cfa -8 + ^ rbp: rbp 0 + ^"
    assert rows(ALIGNED) == [
        Row(START, AT_ENTRY, True),
        Row(START + 1, ".cfa: r10 0 + .ra: .cfa -8 + ^"),
        Row(START + 10, f".cfa: r10 0 + {at_top}"),
        Row(START + 12, f".cfa: rbp -8 + ^ {at_top}"),
        Row(START + SIZE, None),
    ]


def test_other_operations_count_as_well() -> None:
    """Remembered and restored states, registers restored, lost and kept, a value that is an expression."""
    more = b"\x0a\x41\x83\x03\x41\x16\x0c\x04\x77\x08\x23\x41\x41\x07\x0c\x41\xc3\x41\x0b\x2e\x10"
    before, rbp = ".cfa: rbp -8 + ^ .ra: .cfa -8 + ^", "rbp: rbp 0 + ^"
    assert [row.rule for row in rows(ALIGNED + more)][4:] == [
        f"{before} {rbp} rbx: .cfa -24 + ^",
        f"{before} r12: rsp 8 + 65 + {rbp} rbx: .cfa -24 + ^",
        f"{before} r12: .undef {rbp} rbx: .cfa -24 + ^",
        f"{before} r12: .undef {rbp}",
        f"{before} {rbp}",
        None,
    ]


def test_the_registers_of_x86() -> None:
    operations = b"\x41\x0c\x01\x00\x41\x10\x05\x02\x75\x00\x41\x0f\x03\x75\x7c\x06"
    assert rows(operations, X86)[3].rule == ".cfa: ebp -4 + ^ .ra: .cfa -8 + ^ ebp: ebp 0 + ^"


def test_functions_without_expressions_are_left_to_others() -> None:
    assert rows(b"\x41\x0e\x10\x86\x02\x43\x0d\x06") == []


@pytest.mark.parametrize(
    "operations",
    (
        ALIGNED + b"\x41\x0f\x02\x76\x00\x41\x3f",
        b"\x41\x0f\x04\x76\x08\x76\x08",
        b"\x41\x0f\x03\x76\x08\x22",
        b"\x41\x0f\x03\x76\x08\x1a",
        b"\x41\x0f" + bytes((MAX_EXPRESSION + 1,)) + b"\x76\x00" + b"\x06" * (MAX_EXPRESSION - 1),
        b"\x41\x0f\x03\x76",
        ALIGNED + b"\x0b",
        ALIGNED + b"\x0a" + b"\x41\x0e\x08\x41\x0e\x10" * 3000,
    ),
    ids=("unknown", "two values", "no value", "and", "too long", "cut short", "nothing remembered", "too many"),
)
def test_what_makes_no_sense_is_left_out(operations: bytes) -> None:
    assert rows(operations) == []


@given(st.binary(max_size=120), st.binary(max_size=8), st.integers(0, 60), st.integers(0, 255))
def test_any_bytes_are_answered(operations: bytes, head: bytes, place: int, byte: int) -> None:
    data = bytearray(section(ALIGNED + operations, head))
    data[min(place, len(data) - 1)] = byte
    for function in functions_in(bytes(data), 0, AMD64):
        assert function[-1].rule is None
        assert [row.start for row in function] == sorted({row.start for row in function})


ASSEMBLER = """\
.text
.globl start
.type start, @function
start:
.cfi_startproc
lea 8(%rsp), %r10
.cfi_def_cfa %r10, 0
and $-64, %rsp
push -8(%r10)
push %rbp
mov %rsp, %rbp
.cfi_escape 0x10, 0x6, 0x2, 0x76, 0
push %r10
.cfi_escape 0xf, 0x3, 0x76, 0x78, 0x6
nop
.cfi_endproc
.size start, .-start
.globl after
after:
.cfi_startproc
nop
.cfi_endproc
"""


def test_such_a_function_in_a_program(tmp_path: Path) -> None:
    source = tmp_path / "aligned.s"
    source.write_text(ASSEMBLER)
    program = build(LINUX_AMD64, source).program
    (compiled,) = compile_here(program, tmp_path)
    file = SymbolFile.open(FileBlob(compiled.path))
    start = next(offset for offset in range(0x40_0000) if (rule := file.rule_at(offset)) and rule.at_function_start)  # type: ignore[union-attr]
    found = [file.rule_at(start + offset) for offset in range(22)]
    assert [rule and rule.cfa for rule in found] == [  # type: ignore[union-attr]
        *[("rsp", 8, "+")] * 5, *[("r10", 0, "+")] * 14, *[("rbp", -8, "+", "^")], ("rsp", 8, "+"), None,
    ]  # fmt: skip
