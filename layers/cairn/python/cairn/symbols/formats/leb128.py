"""Numbers in LEB128, as DWARF and Mach-O write them (DWARF 5, 7.6)."""

from __future__ import annotations

_MAX_SHIFT = 63


def leb128(data: bytes, place: int) -> tuple[int, int]:
    """The number at ``place`` (without its sign), and where it ends.

    Raises:
        IndexError, ValueError: it is cut short, or too long.
    """
    value = shift = 0
    while data[place] & 0x80:
        if shift > _MAX_SHIFT:
            raise ValueError(place)
        value |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | data[place] << shift, place + 1


def signed_leb128(data: bytes, place: int) -> tuple[int, int]:
    """The number at ``place`` with its sign, and where it ends.

    Raises:
        IndexError, ValueError: it is cut short, or too long.
    """
    value, end = leb128(data, place)
    bits = 7 * (end - place)
    return (value - (1 << bits) if value >> (bits - 1) & 1 else value), end
