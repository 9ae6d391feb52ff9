"""Expressions of STACK CFI."""

from __future__ import annotations

import pytest

from cairn.unwind.amd64 import AMD64
from cairn.unwind.arm64 import ARM64
from cairn.unwind.cfi import compile_expression, compile_rule, unwind
from cairn.unwind.frames import StackEnd
from cairn.unwind.limits import MAX_EXPRESSION_TOKENS
from cairn.unwind.x86 import X86
from tests.unwind.crashed import cfi, expression

MEMORY = {0x1000: 0x2222, 0xFFFF_FFF8: 7}
REGISTERS = {"rsp": 0xFF8, "rbp": 0x2000, "x": 17, ".cfa": 0x1010}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("rsp", 0xFF8),
        ("rsp 8 +", 0x1000),
        ("rsp 8 -", 0xFF0),
        ("rsp -8 +", 0xFF0),
        ("rsp 8 + ^", 0x2222),
        (".cfa 16 - ^", 0x2222),
        (".cfa -16 + ^", 0x2222),
        ("rsp 8 + ^ 2 +", 0x2224),
        ("x 5 /", 3),
        ("x 5 %", 2),
        ("x 4 *", 68),
        ("x 8 @", 16),
        ("x 24 @", None),
        ("x 0 @", None),
        ("x 0 /", None),
        ("x 0 %", None),
        ("0 1 -", (1 << 64) - 1),
        ("rbp ^", None),
        ("rax", None),
        ("rax 8 +", None),
        ("rax 8 + ^", None),
        ("1 2", None),
        ("+", None),
        ("1 +", None),
        ("^", None),
        ("", None),
        (".undef", None),
        ("1 " + "1 + " * MAX_EXPRESSION_TOKENS, None),
    ],
)
def test_expressions(text: str, value: int | None) -> None:
    assert compile_expression(expression(text), AMD64)(REGISTERS, MEMORY.get) == value


def test_arithmetic_wraps_at_the_width_of_a_pointer() -> None:
    assert compile_expression(expression("esp 16 +"), X86)({"esp": 0xFFFF_FFF8}, MEMORY.get) == 8
    assert compile_expression(expression("esp 16 - ^"), X86)({"esp": 8}, MEMORY.get) == 7
    assert compile_expression(expression("esp 3 * 1 +"), X86)({"esp": 0x8000_0000}, MEMORY.get) == 0x8000_0001


def test_registers_have_one_name() -> None:
    program = compile_rule(cfi("sp 16 +", ".cfa 8 - ^", x29=".cfa 16 - ^"), ARM64)
    memory = {0x100: 0x300, 0x108: 0x5000}
    caller = unwind(program, ARM64, {"sp": 0x100, "fp": 1, "lr": 2, "x19": 3}, memory.get)
    assert caller == {"pc": 0x5000, "sp": 0x110, "fp": 0x300, "x19": 3}
    assert unwind(compile_rule(cfi("sp", "x30"), ARM64), ARM64, {"sp": 1, "lr": 2}, MEMORY.get) == {"pc": 2, "sp": 1}


def test_rules_for_the_stack_pointer_and_the_program_counter_come_first() -> None:
    caller = unwind(
        compile_rule(cfi("rsp 8 +", "rip", rsp="rbp", rip="x"), AMD64), AMD64, {**REGISTERS, "rip": 9}, MEMORY.get
    )
    assert caller == {"rip": 17, "rsp": 0x2000, "rbp": 0x2000}


def test_without_a_return_address_there_is_no_caller() -> None:
    assert unwind(compile_rule(cfi("rsp 8 +"), AMD64), AMD64, REGISTERS, MEMORY.get) is StackEnd.OUTERMOST


@pytest.mark.parametrize(("cfa", "ra"), [("rax 8 +", "rsp"), ("rsp 8 +", "rbp ^"), ("rax", None)])
def test_a_frame_without_cfa_or_return_address_fails(cfa: str, ra: str | None) -> None:
    assert unwind(compile_rule(cfi(cfa, ra), AMD64), AMD64, REGISTERS, MEMORY.get) is None
