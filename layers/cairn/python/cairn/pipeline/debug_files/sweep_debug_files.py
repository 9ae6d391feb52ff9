"""Debug files that no crash used for long are deleted, once a day.

May be done any number of times, also side by side: what is gone is gone, and what broke off is found again.
"""

from __future__ import annotations

import time

from cairn.pipeline.debug_files.delete_debug_file import Deletion
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.last_uses import DAY, LastUses

PER_RUN = 200
"""Files that one run deletes, in a minute or two; for the others a message asks to go on."""


class Sweep:
    """The sweep with what it needs."""

    def __init__(self, settings: Settings, clients: Clients, per_run: int = PER_RUN) -> None:
        self._keep = settings.symbol_retention_days * DAY
        self._uses = LastUses(settings, clients)
        self._deletion = Deletion(settings, clients)
        self._per_run = per_run

    def run(self, now: float | None = None) -> tuple[tuple[str, ...], bool]:
        """Delete what was not used for as long as the settings say before ``now`` (Unix seconds), and tell the SHA-1s,
        and whether there is more to delete. Raises ``StoreError`` where S3 or DynamoDB fail.

        A crash that uses a file while it is deleted has read what it needs, or finds no symbols and waits for them.
        """
        due = self._uses.unused_since((now or time.time()) - self._keep)
        for sha1 in due[: self._per_run]:
            self._deletion.run(sha1)
        return due[: self._per_run], len(due) > self._per_run
