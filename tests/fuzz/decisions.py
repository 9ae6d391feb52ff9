"""Bytes as decisions: how a fuzzer that knows only bytes builds whole programs, requests and documents.

Bytes are taken from the front. When they are used up every number is 0 and every choice the first, so any bytes make
something, shorter bytes make simpler things, and the same bytes make the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Decisions:
    """What ``data`` decides."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that decide nothing yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Up to ``size`` bytes as they are."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def number(self, size: int = 1) -> int:
        """A number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit`` - 1; ``limit`` is at most 256."""
        return self.number() % limit

    def flag(self) -> bool:
        """Yes or no."""
        return self.number() & 1 == 1

    def choice(self, options: Sequence[T]) -> T:
        """One of up to 256 options."""
        return options[self.below(len(options))]

    def some(self, most: int, make: Callable[[], T]) -> list[T]:
        """Up to ``most`` things; none once the bytes are used up."""
        return list(self._some(self.below(most + 1), make))

    def _some(self, count: int, make: Callable[[], T]) -> Iterator[T]:
        while count and self.left:
            count -= 1
            yield make()

    def text(self, most: int = 20) -> str:
        """Any text, NULs and the ends of the Unicode range included; no lone surrogates."""
        return self.take(self.below(most + 1)).decode(self.choice(["utf-8", "utf-16-le"]), "replace")

    def json(self, keys: Sequence[str], depth: int = 0) -> Any:
        """A value of JSON. The keys of its objects are often among ``keys``."""
        kind = self.below(12)
        if kind < 4 and depth < 12:
            pairs = self.some(6, lambda: (self.key(keys), self.json(keys, depth + 1)))
            return dict(pairs)
        if kind < 6 and depth < 12:
            return self.some(6, lambda: self.json(keys, depth + 1))
        return self._scalar(kind)

    def key(self, keys: Sequence[str]) -> str:
        """One of ``keys``, or any text."""
        return self.text() if self.below(4) == 3 else self.choice(keys)

    def _scalar(self, kind: int) -> Any:
        if kind < 8:
            return self.text() * self.choice([1, 1, 1, 900])
        numbers = [0, 1, -1, 0.5, 1e308, 2**53, 2**63, 2**64 - 1, -(2**63), self.number(8)]
        return self.choice([None, True, False, *numbers])
