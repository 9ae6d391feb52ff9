"""Bad pointers that tell where they come from: fill bytes of allocators and debug runtimes, and text."""

from __future__ import annotations

_BY_BYTE = {
    0xCC: "stack memory that was never written (MSVC debug runtime)",
    0xCD: "heap memory that was never written (MSVC debug runtime)",
    0xDD: "heap memory that was freed (MSVC debug runtime)",
    0xFD: "the fence around a heap block (MSVC debug runtime)",
    0xAB: "the fence around a heap block (Windows debug heap)",
    0x5A: "heap memory that was freed (jemalloc)",
    0xA5: "heap memory that was never written (jemalloc)",
    0xE5: "heap memory that was freed (Firefox)",
    0xEF: "heap memory that was freed (Chromium)",
}
_BY_WORD = {
    0xFEEEFEEE: "heap memory that was freed (Windows debug heap)",
    0xBAADF00D: "heap memory that was never written (Windows debug heap)",
}
_NEAR = 0x10000
"""A pattern as pointer with a member's offset added still counts."""


_PRINTABLE = range(0x20, 0x7F)


def fill_pattern(value: int, pointer_size: int) -> str | None:
    """What ``value``, a pointer or a pointer plus a small offset, tells of where the pointer was read from."""
    for byte, meaning in _BY_BYTE.items():
        if 0 <= value - int.from_bytes(bytes([byte]) * pointer_size, "big") < _NEAR:
            return meaning
    for word, meaning in _BY_WORD.items():
        if 0 <= value - int.from_bytes(word.to_bytes(4, "big") * (pointer_size // 4), "big") < _NEAR:
            return meaning
    return _text(value, pointer_size)


def _text(value: int, pointer_size: int) -> str | None:
    """A string that ran over the pointer, as little-endian memory has it."""
    raw = value.to_bytes(pointer_size, "little")
    if not all(byte in _PRINTABLE for byte in raw):
        return None
    return f"text that was written over it ({raw.decode('ascii')!r})"
