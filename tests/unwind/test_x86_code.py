"""Recognising calls from the bytes before a return address."""

from __future__ import annotations

import pytest

from cairn.unwind.arm64 import follows_call as follows_arm64_call
from cairn.unwind.x86_code import LONGEST_CALL, follows_call


@pytest.mark.parametrize(
    "call",
    [
        "e8 11 22 33 44",  # call rel32
        "ff d0",  # call rax
        "41 ff d3",  # call r11
        "ff 10",  # call [rax]
        "ff 50 08",  # call [rax+8]
        "ff 54 24 08",  # call [rsp+8]
        "ff 14 c8",  # call [rax+rcx*8]
        "ff 15 11 22 33 44",  # call [rip+x]
        "ff 90 11 22 33 44",  # call [rax+x]
        "ff 94 24 11 22 33 44",  # call [rsp+x]
        "ff 14 c5 11 22 33 44",  # call [rax*8+x]
    ],
)
def test_calls(call: str) -> None:
    assert follows_call(bytes.fromhex(call).rjust(LONGEST_CALL, b"\x90"))


@pytest.mark.parametrize(
    "code",
    [
        "00 00 00 00 00 00 00",
        "90 90 90 90 90 90 90",
        "90 90 90 90 90 ff e0",  # jmp rax
        "90 ff 25 11 22 33 44",  # jmp [rip+x]
        "90 90 90 90 90 90 c3",  # ret
        "90 90 90 90 90 90 ff",
    ],
)
def test_other_code(code: str) -> None:
    assert not follows_call(bytes.fromhex(code))


@pytest.mark.parametrize(
    ("instruction", "call"),
    [
        (0x94000010, True),  # bl
        (0x97FFFFFF, True),  # bl, backwards
        (0xD63F0100, True),  # blr x8
        (0xD63F081F, True),  # blraaz x0
        (0xD73F0901, True),  # blraa x8, x1
        (0x14000010, False),  # b
        (0xD61F0100, False),  # br x8
        (0xD65F03C0, False),  # ret
        (0, False),
    ],
)
def test_arm64_calls(instruction: int, call: bool) -> None:
    assert follows_arm64_call(instruction.to_bytes(4, "little")) is call
