"""Bad pointers that the crash address hides: null plus an offset, and addresses that are none."""

from __future__ import annotations

from collections.abc import Iterable

from cairn.crash.analysis.records import MemoryAccess, Pointer, PointerKind
from cairn.minidump.records import Arch

_CANONICAL_END, _CANONICAL_START = 1 << 47, (1 << 64) - (1 << 47)
"""amd64 with four levels of page tables: the addresses between are none."""


def is_canonical(address: int, arch: Arch) -> bool:
    """Whether the CPU takes ``address`` for an address at all."""
    return arch is not Arch.AMD64 or not _CANONICAL_END <= address < _CANONICAL_START


def hidden_pointer(
    accesses: Iterable[MemoryAccess], target: int | None, arch: Arch, *, reported: int | None
) -> Pointer | None:
    """The pointer that was really bad.

    ``reported`` is the crash address, ``None`` where the OS gave none of worth: then the first non-canonical address
    is the bad one. Otherwise it is the null pointer from which the reported address was made.
    """
    for access in accesses:
        if reported is None and not is_canonical(access.address, arch):
            return Pointer(PointerKind.NON_CANONICAL, access.address, register=access.base)
        if access.null_base and reported is not None and access.covers(reported):
            return Pointer(PointerKind.NULL, access.address, _signed(access.address, arch), access.base)
    if reported is None and target is not None and not is_canonical(target, arch):
        return Pointer(PointerKind.NON_CANONICAL, target)
    return None


def _signed(address: int, arch: Arch) -> int:
    bits = 8 * arch.pointer_size
    return address - (1 << bits) if address >> (bits - 1) else address
