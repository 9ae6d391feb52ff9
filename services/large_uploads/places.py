"""How many requests are taken at a time, and how many may wait for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cairn.intake.errors import OverloadedError


class Places:
    """``taken`` requests at a time, while at most ``most_waiting`` others wait, each ``patience`` seconds.

    Whoever waits is not read from, so its client stops sending. A crash client seldom tries again: waiting is better
    than to refuse, as long as the client waits too (Crashpad: 60 s). ``waiting`` is how many wait now.
    """

    def __init__(self, taken: int, most_waiting: int, patience: float) -> None:
        self._free = asyncio.Semaphore(taken)
        self.waiting = 0
        self._most_waiting = most_waiting
        self._patience = patience

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, while the context is open. Raises ``OverloadedError`` when there is none in time."""
        await self._take()
        try:
            yield
        finally:
            self._free.release()

    async def _take(self) -> None:
        if self._free.locked() and self.waiting >= self._most_waiting:
            raise overloaded()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise overloaded() from error
        finally:
            self.waiting -= 1


def overloaded() -> OverloadedError:
    """The error for a request that finds no place."""
    return OverloadedError("too many crashes are coming in just now: send it again later")
