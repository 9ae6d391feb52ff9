"""Permissions by address, and guard pages."""

import pytest

from cairn.crash.analysis.address_map import GUARD_PAGE_LIMIT, AddressMap
from cairn.crash.analysis.records import Access
from cairn.minidump.records import MappedRange

MAP = AddressMap(
    [
        MappedRange(0x3000, 0x4000, "rw-"),
        MappedRange(0x1000, 0x2000, "r-x"),
        MappedRange(0x4000, 0x5000, "---"),
        MappedRange(0x9000, 0x9000, "rwx"),
        MappedRange(0x10000, 0x10000 + GUARD_PAGE_LIMIT + 1, "---"),
        MappedRange(0x30000, 0x31000, "---"),
        MappedRange(0x40000, 0x41000, "rw-", committed=False),
    ]
)


@pytest.mark.parametrize(
    ("address", "access", "permitted"),
    [
        (0x1000, Access.READ, True),
        (0x1FFF, Access.EXECUTE, True),
        (0x1000, Access.WRITE, False),
        (0x3000, Access.READ_WRITE, True),
        (0x1000, Access.READ_WRITE, False),
        (0x1000, None, True),
        (0x4000, None, False),
        (0x2000, None, False),
        (0x9000, None, False),
        (0x40000, Access.READ, False),
        (0, None, False),
    ],
)
def test_permits(address: int, access: Access | None, permitted: bool) -> None:
    assert MAP.permits(address, access) is permitted


@pytest.mark.parametrize(
    ("address", "guard"), [(0x4000, True), (0x4FFF, True), (0x3000, False), (0x10000, False), (0x30000, False)]
)
def test_a_guard_page_is_small_forbidden_and_beside_something(address: int, guard: bool) -> None:
    assert MAP.is_guard_page(address) is guard


def test_what_is_above() -> None:
    above = MAP.next_above(0x2500)
    assert above is not None
    assert above.start == 0x3000
    assert MAP.next_above(0x40000) is None


def test_no_mappings_know_nothing() -> None:
    assert not AddressMap(())
    assert MAP
