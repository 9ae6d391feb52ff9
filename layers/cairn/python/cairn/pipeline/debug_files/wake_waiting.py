"""Symbols or sources have come: the crashes that waited for them are symbolicated again.

May be done any number of times: a crash waits no more only when its message is sent, and symbolicating it once more
does no harm.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.notifications import requeue_message, wake_message
from cairn.store.queues import CRASH_QUEUE_VARIABLE, DEBUG_FILE_QUEUE_VARIABLE, Queue
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import ModuleIds
from cairn.store.symbols.waiting import WaitingCrashes

PER_RUN = 1000
"""Crashes that one run wakes; for the others a message asks to go on."""


@dataclass(frozen=True, slots=True)
class Queues:
    """Where crashes are symbolicated, and where the compile step gets its own messages."""

    crashes: Queue
    debug_files: Queue

    @classmethod
    def from_environment(cls, clients: Clients, environment: Mapping[str, str] = os.environ) -> Queues:
        """The queues of the running function. Raises ``KeyError`` naming the variable that is missing."""
        return cls(
            Queue(clients, environment[CRASH_QUEUE_VARIABLE]), Queue(clients, environment[DEBUG_FILE_QUEUE_VARIABLE])
        )


class Waking:
    """The waking with what it needs; one serves many symbol files."""

    def __init__(self, settings: Settings, clients: Clients, queues: Queues, per_run: int = PER_RUN) -> None:
        self._waiting = WaitingCrashes(settings, clients)
        self._queues = queues
        self._per_run = per_run

    def run(self, ids: ModuleIds, before: float | None = None, sources: bool = False) -> int:
        """Have the crashes symbolicated again that wait for a module with one of these ids, or for its ``sources``, and
        tell how many; a message asks to go on when there are more than one run takes.

        Only those that have waited since before ``before`` (Unix seconds; now): a crash for which the new file does
        no good waits again, and would be woken without end. Raises ``StoreError`` where DynamoDB or SQS fail.
        """
        before = before or time.time()
        waiters = self._waiting.waiting_for(ids, before, self._per_run, sources=sources)
        self._queues.crashes.send_all([requeue_message(waiter.upload_key) for waiter in waiters])
        self._waiting.remove(ids, waiters, sources=sources)
        if len(waiters) == self._per_run:
            self._queues.debug_files.send(wake_message(*ids, before, sources))
        return len(waiters)
