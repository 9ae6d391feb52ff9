"""Registers by the names that assemblers have for their parts."""

import pytest

from cairn.crash.analysis.registers import register_value
from cairn.minidump.records import Arch, Context

VALUE = 0x1122334455667788


@pytest.mark.parametrize(
    ("arch", "held", "name", "value"),
    [
        (Arch.AMD64, "rax", "rax", VALUE),
        (Arch.AMD64, "rax", "eax", 0x55667788),
        (Arch.AMD64, "rax", "ax", 0x7788),
        (Arch.AMD64, "rax", "al", 0x88),
        (Arch.AMD64, "rax", "ah", 0x77),
        (Arch.AMD64, "rsi", "sil", 0x88),
        (Arch.AMD64, "r8", "r8d", 0x55667788),
        (Arch.AMD64, "r15", "r15w", 0x7788),
        (Arch.AMD64, "r15", "r15b", 0x88),
        (Arch.AMD64, "rax", "riz", 0),
        (Arch.AMD64, "rax", "xmm0", None),
        (Arch.X86, "eax", "al", 0x88),
        (Arch.ARM64, "x3", "w3", 0x55667788),
        (Arch.ARM64, "x3", "xzr", 0),
        (Arch.ARM64, "fp", "x29", VALUE),
        (Arch.ARM64, "lr", "x30", VALUE),
        (Arch.ARM64, "sp", "wsp", 0x55667788),
        (Arch.ARM64, "x3", "x4", None),
        (Arch.ARM, "r11", "fp", VALUE),
        (Arch.ARM, "r12", "ip", VALUE),
        (Arch.ARM, "sp", "r13", VALUE),
        (Arch.MIPS, "t0", "t1", None),
    ],
)
def test_register_value(arch: Arch, held: str, name: str, value: int | None) -> None:
    assert register_value(name, Context(arch, {held: VALUE}, 0, 0)) == value
