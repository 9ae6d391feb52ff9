"""Where fuzzing begins: small inputs made in code, for each target."""

from __future__ import annotations

import random

from tests.fuzz.packed_symbols import unpack
from tests.fuzz.targets import sample_symbols
from tests.minidump.test_hostile import DUMPS
from tests.symbols.programs import SYM

STACK_LINES = b"""\
STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
STACK CFI 1008 $rbp: .undef .ra: .undef
STACK CFI INIT 1020 40 .cfa: $x29 8 + .ra: $x30
STACK WIN 4 1000 30 2 0 8 c 14 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =
STACK WIN 0 1010 10 0 0 4 0 0 0 0 1
STACK CFI INIT 1030 8 .cfa: $rsp $rbx 2 * 16 @ -
"""


def seeds(target: str) -> list[bytes]:
    """The seeds of a target."""
    if target in ("reader", "dump"):
        return DUMPS
    if target == "symbol_file":
        unpacked = unpack(sample_symbols())
        return [b"\0" + sample_symbols(), unpacked, b"\2" + unpacked[1:]]
    if target == "cfi_text":
        return [STACK_LINES]
    if target == "breakpad_text":
        return [SYM, SYM + STACK_LINES]
    rng = random.Random(target)
    return [rng.randbytes(size) for size in (50, 100, 200, 400, 800, 1600) for _ in range(5)]
