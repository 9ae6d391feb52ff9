"""Unwind rules of Windows programs, from their own unwind data: what amd64 and arm64 have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise

from cairn.symbols.unwind_data.cfi_text import END_OF_ADDRESSES, Row


@dataclass(frozen=True, slots=True)
class Function:
    """A function, or a part of one, with unwind data.

    ``rules`` are pairs of the address from which on a rule holds and its text, by rising address; the first is at
    ``start``. None where the data makes no sense. ``is_part``: the function begins elsewhere.
    """

    start: int
    end: int
    rules: list[tuple[int, str]]
    is_part: bool = False


@dataclass(slots=True)
class Frame:
    """What a function has put on the stack so far.

    The *anchor* is a place that stays where it is while the function runs, ``depth`` bytes above the stack pointer: the
    canonical frame address, or a frame that hardware or the system has pushed. ``fixed`` is a register that has been
    set to ``fixed_depth`` bytes below it. ``saved`` and ``ra`` are offsets from the anchor; ``ra`` may be a register.
    ``saved_sp`` is the offset at which the caller's stack pointer is saved, if the anchor is not that itself. ``kept``
    are registers that the system's convention preserves and the walker does not know of.
    """

    sp: str
    depth: int
    ra: int | str
    saved: dict[str, int] = field(default_factory=dict)
    saved_sp: int | None = None
    fixed: str | None = None
    fixed_depth: int = 0
    kept: tuple[str, ...] = ()

    def rule(self) -> str:
        """The rule that holds now, as ``cfi_text`` writes rules."""
        base, depth = (self.fixed, self.fixed_depth) if self.fixed else (self.sp, self.depth)
        moved = self.saved_sp is not None
        cfa = f"{base} {depth + (self.saved_sp or 0)} +" + (" ^" if moved else "")
        parts = [f".cfa: {cfa}", f".ra: {self.ra if isinstance(self.ra, str) else self._load(self.ra, base, depth)}"]
        registers = {name: name for name in self.kept}
        registers |= {name: self._load(offset, base, depth) for name, offset in self.saved.items()}
        parts += (f"{name}: {registers[name]}" for name in sorted(registers))
        return " ".join(parts)

    def _load(self, offset: int, base: str, depth: int) -> str:
        return f".cfa {offset} + ^" if self.saved_sp is None else f"{base} {depth + offset} + ^"


def rows_of(functions: Iterable[Function]) -> tuple[list[Row], int]:
    """Rows for functions that come by rising start, and how many of them have no rules.

    Where two overlap, the later one owns its addresses.
    """
    rows: list[Row] = []
    broken = end = 0
    last = Function(END_OF_ADDRESSES, END_OF_ADDRESSES, [])
    for function, following in pairwise(chain(functions, (last,))):
        limit = min(function.end, following.start)
        if function.start >= limit:
            continue
        if function.start > end or not function.rules:
            _close(rows, end)
        broken += not function.rules
        rows.extend(_rows(function, limit))
        end = limit
    _close(rows, end)
    return rows, broken


def _close(rows: list[Row], end: int) -> None:
    """Begin a gap, unless there is one or the addresses are at their end."""
    if rows and rows[-1].rule is not None and end < END_OF_ADDRESSES:
        rows.append(Row(end, None))


def _rows(function: Function, limit: int) -> Iterator[Row]:
    is_init, before = not function.is_part, None
    for address, rule in function.rules:
        if address >= limit:
            return
        if rule != before:
            yield Row(address, rule, is_init)
        is_init, before = False, rule
