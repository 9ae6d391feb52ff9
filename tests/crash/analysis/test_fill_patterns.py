"""What a bad pointer's bytes tell."""

import pytest

from cairn.crash.analysis.fill_patterns import fill_pattern


@pytest.mark.parametrize(
    ("value", "size", "meaning"),
    [
        (0xDDDDDDDD, 4, "freed (MSVC debug runtime)"),
        (0xDDDDDDDDDDDDDDF5, 8, "freed (MSVC debug runtime)"),
        (0xFEEEFEEE, 4, "freed (Windows debug heap)"),
        (0xFEEEFEEEFEEEFEEE, 8, "freed (Windows debug heap)"),
        (0xE5E5E5E5, 4, "freed (Firefox)"),
        (0x5A5A5A5A5A5A5A5A, 8, "freed (jemalloc)"),
        (0x6172747320746F6E, 8, "text that was written over it ('not stra')"),
        (0x41414141, 4, "text that was written over it ('AAAA')"),
        (0x41414141, 8, None),
        (0, 8, None),
        (0x10, 4, None),
        (0xDDDDDDDD, 8, None),
        (0xFFFFFFFF, 4, None),
    ],
)
def test_fill_pattern(value: int, size: int, meaning: str | None) -> None:
    found = fill_pattern(value, size)
    assert found is None if meaning is None else (found or "").endswith(meaning)
