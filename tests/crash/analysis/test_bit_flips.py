"""One turned bit, and how likely."""

import pytest

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.bit_flips import bit_flips
from cairn.crash.analysis.records import Access, BitFlip
from cairn.minidump.records import Arch, MappedRange
from tests.crash.crashes import context

HEAP = 0x5000_0000_0000
MAPPED = AddressMap([MappedRange(HEAP, HEAP + 0x1000, "rw-"), MappedRange(0x400000, 0x401000, "r-x")])


@pytest.mark.parametrize(
    ("address", "registers", "confidence"),
    [
        (HEAP ^ 1 << 20, {}, 0.25),
        (HEAP ^ 1 << 20, {"rax": HEAP}, 0.625),
        (HEAP ^ 1 << 20, {"rax": HEAP, "rbx": HEAP + 8}, 0.6625),
        (HEAP ^ 1 << 20, {"rax": HEAP, "rbx": HEAP, "rcx": HEAP, "rdx": HEAP, "rsi": HEAP}, 0.7375),
        (HEAP ^ 1 << 20, {"rax": 0xE5E5E5E5E5E5E5E5}, 0.125),
        (HEAP ^ 1 << 60, {}, 0.925),
    ],
)
def test_confidence(address: int, registers: dict[str, int], confidence: float) -> None:
    assert bit_flips(address, context(registers=registers), MAPPED, access=None) == (BitFlip(HEAP, confidence),)


@pytest.mark.parametrize(("address", "confidence"), [(1 << 30, 0.625), (1 << 8, 0.4375)])
def test_a_turned_null_pointer(address: int, confidence: float) -> None:
    nulls = [flip for flip in bit_flips(address, context(), MAPPED, access=None) if flip.address == 0]
    assert nulls == [BitFlip(0, confidence)]


def test_a_register_of_the_instruction() -> None:
    found = bit_flips(0x10, context(registers={"rax": HEAP ^ 1 << 13}), MAPPED, access=None, registers=("rax", "xmm0"))
    assert [flip for flip in found if flip.register] == [BitFlip(HEAP, 0.25, "rax")]


def test_the_access_must_be_allowed_there() -> None:
    address = 0x400000 ^ 1 << 14
    near_the_program_counter = 0.625
    found = bit_flips(address, context(), MAPPED, access=Access.READ)
    assert found == (BitFlip(0x400000, near_the_program_counter),)
    assert bit_flips(address, context(), MAPPED, access=Access.WRITE) == ()


@pytest.mark.parametrize(
    ("address", "arch", "mapped"),
    [(HEAP, Arch.AMD64, MAPPED), (HEAP ^ 1 << 20, Arch.ARM64, MAPPED), (HEAP ^ 1 << 20, Arch.AMD64, AddressMap(()))],
)
def test_nothing_to_correct(address: int, arch: Arch, mapped: AddressMap) -> None:
    assert bit_flips(address, context(arch), mapped, access=None) == ()
