"""Addresses that one turned bit makes valid: a hint at bad memory. The rules of thumb are rust-minidump's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.fill_patterns import fill_pattern
from cairn.crash.analysis.pointer import is_canonical
from cairn.crash.analysis.records import Access, BitFlip
from cairn.crash.analysis.registers import register_value
from cairn.minidump.records import Arch, Context

_BASELINE, _NON_CANONICAL, _NULL = 0.25, 0.9, 0.5
_NEARBY = (0.5, 0.55, 0.6, 0.65)
"""With one, two, three, four or more registers near the corrected address."""
_LOW, _POISON = 0.5, 0.5
_NEAR = _LOW_END = 4096


def bit_flips(
    address: int, context: Context, mapped: AddressMap, *, access: Access | None, registers: Iterable[str] = ()
) -> tuple[BitFlip, ...]:
    """What ``address`` and each of ``registers`` may have been, had not one bit been turned.

    Only for amd64, and only where the dump says what was mapped. An address at which ``access`` was allowed needs no
    correction. At most 64 results each.
    """
    if context.arch is not Arch.AMD64 or not mapped:
        return ()
    found = [*_flips(address, None, context, mapped, access)]
    for name in registers:
        value = register_value(name, context)
        if value is not None:
            found += _flips(value, name, context, mapped, access)
    return tuple(found)


def _flips(
    value: int, register: str | None, context: Context, mapped: AddressMap, access: Access | None
) -> Iterator[BitFlip]:
    if mapped.permits(value, access):
        return
    for bit in range(64) if is_canonical(value, context.arch) else range(47, 64):
        corrected = value ^ 1 << bit
        if corrected == 0 or mapped.permits(corrected, access):
            yield BitFlip(corrected, _confidence(value, corrected, context), register)


def _confidence(value: int, corrected: int, context: Context) -> float:
    chances = [_BASELINE]
    if not is_canonical(value, context.arch):
        chances.append(_NON_CANONICAL)
    if corrected == 0:
        chances.append(_NULL * (_LOW if value <= _LOW_END else 1))
    else:
        nearby = sum(abs(held - corrected) <= _NEAR for held in context.registers.values())
        if nearby:
            chances.append(_NEARBY[min(nearby, len(_NEARBY)) - 1])
    missed = 1.0
    for chance in chances:
        missed *= 1 - chance
    poisoned = any(fill_pattern(held, 8) for held in context.registers.values())
    return round((1 - missed) * (_POISON if poisoned else 1), 4)
