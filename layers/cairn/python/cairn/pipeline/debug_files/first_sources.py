"""A deployment was sent its first source bundle: the last crashes are symbolicated again.

They did not wait for one, since nobody pays for waiting where none ever comes (docs/decisions, 022). Now they show what
there is, or wait for it as crashes do from here on. May be done any number of times.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from cairn.store.aws import Clients
from cairn.store.crashes.uploads import Uploads
from cairn.store.notifications import requeue_message
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import SymbolIndex

PER_PROJECT = 200
MOST = 1000
"""Crashes that are done again, of the last days: 4 cents' worth, once in the life of a deployment."""


class FirstSources:
    """The telling with what it needs."""

    def __init__(self, settings: Settings, clients: Clients, crashes: Queue) -> None:
        self._index = SymbolIndex(settings, clients)
        self._uploads = Uploads(settings, clients)
        self._queue = crashes

    def run(self) -> int:
        """Have the last crashes symbolicated again, unless that was done before, and tell how many. Raises
        ``StoreError`` where S3, SQS or DynamoDB fail."""
        if self._index.are_sources_told():
            return 0
        last = (key for project_id in self._uploads.projects() for key in islice(self._last(project_id), PER_PROJECT))
        keys = list(islice(last, MOST))
        self._queue.send_all([requeue_message(key) for key in keys])
        self._index.tell_sources(time.time())
        return len(keys)

    def _last(self, project_id: int) -> Iterator[str]:
        """The crashes of a project whose dumps are there, the last day's first."""
        for day in reversed(self._uploads.days(project_id)):
            yield from (upload.key for upload in self._uploads.of_day(project_id, day) if upload.has_dump)
