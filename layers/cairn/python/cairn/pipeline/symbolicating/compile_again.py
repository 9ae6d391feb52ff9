"""Debug files of which an older Cairn made the symbol file, or the source index: a crash that needs one has it compiled
again, and waits for it as for any other. What no crash needs costs nothing.

May be done any number of times: for each file one message is sent in two hours.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from cairn.store.aws import Clients
from cairn.store.errors import StoreError
from cairn.store.notifications import requeue_message
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.symbols.renewals import Renewals
from cairn.store.symbols.symbol_index import SymbolEntry


class CompileAgain:
    """The asking with what it needs; one serves many crashes. Without a queue nobody is asked."""

    def __init__(self, settings: Settings, clients: Clients, debug_files: Queue | None) -> None:
        self._renewals = Renewals(settings, clients)
        self._queue = debug_files

    def ask(self, entries: Iterable[SymbolEntry]) -> int:
        """Have the debug files of ``entries`` compiled again, and tell of how many that was asked for now. Raises
        ``StoreError`` where DynamoDB or SQS fail."""
        if self._queue is None:
            return 0
        now = time.time()
        by_file = {entry.debug_file_key: entry for entry in entries}
        due = {key: entry for key, entry in by_file.items() if self._renewals.note(entry, now)}
        try:
            self._queue.send_all([requeue_message(key) for key in due])
        except StoreError:
            for entry in due.values():
                self._renewals.forget(entry)
            raise
        return len(due)
