"""A look-up that remembers for a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KEPT_SECONDS = 60.0
"""How long an answer is remembered: a disabled key is taken for so long still, and a new limit not heeded."""
KEPT = 1024
"""Answers remembered, those of ``None`` included."""

Name = TypeVar("Name", bound=Hashable)
Found = TypeVar("Found")


class Recent(Generic[Name, Found]):
    """Asks ``look_up`` once a minute for each name, and forgets the one longest unused. An error is not remembered."""

    def __init__(self, look_up: Callable[[Name], Found], clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._kept: OrderedDict[Name, tuple[float, Found]] = OrderedDict()

    def get(self, name: Name) -> Found:
        """What ``look_up`` answers to a name."""
        known = self._kept.get(name)
        if known is None or self._clock() - known[0] >= KEPT_SECONDS:
            known = self._clock(), self._look_up(name)
        self._kept.pop(name, None)
        self._kept[name] = known
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return known[1]
