"""Modules by address, with and without overlap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cairn.minidump.records import Module
from cairn.unwind.modules import ModuleMap


def module(base: int, size: int, name: str = "") -> Module:
    return Module(base, size, name)


def owners(modules: list[Module], addresses: list[int]) -> list[str | None]:
    found = [ModuleMap(modules).at(address) for address in addresses]
    return [one.code_file if one else None for one in found]


def test_ends_are_outside() -> None:
    modules = [module(0x20, 0x10, "b"), module(0x10, 0x8, "a"), module(0x15, 0, "empty")]
    assert owners(modules, [0xF, 0x10, 0x17, 0x18, 0x1F, 0x20, 0x2F, 0x30]) == [
        None, "a", "a", None, None, "b", "b", None,
    ]  # fmt: skip
    assert (ModuleMap(modules).lowest, ModuleMap(modules).end) == (0x10, 0x30)


def test_the_one_that_starts_later_owns_its_range_and_the_other_what_lies_around() -> None:
    modules = [module(0x10, 0x40, "libc"), module(0x20, 0x10, "font"), module(0x48, 0x10, "next")]
    assert owners(modules, [0x10, 0x20, 0x2F, 0x30, 0x47, 0x48, 0x57]) == [
        "libc", "font", "font", "libc", "libc", "next", "next",
    ]  # fmt: skip


def test_of_two_with_the_same_range_the_first_counts() -> None:
    assert owners([module(0x10, 8, "one"), module(0x10, 8, "two")], [0x10]) == ["one"]


def test_no_modules() -> None:
    assert ModuleMap([]).at(5) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12))
def test_every_address_belongs_to_the_latest_start_that_holds_it(ranges: list[tuple[int, int]]) -> None:
    modules = [module(base, size, str(index)) for index, (base, size) in enumerate(ranges)]
    found = ModuleMap(modules)
    for address in range(92):
        holding = [one for one in modules if one.base <= address < one.end]
        best = max((one.base for one in holding), default=None)
        answer = found.at(address)
        assert (answer.base if answer else None) == best
