"""When it was last asked to compile a debug file again, so that a thousand crashes ask once."""

from __future__ import annotations

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import SymbolEntry, listed_keys_of
from cairn.store.table import Table

PENDING_SECONDS = 2 * 3600
"""How long a file counts as asked for: longer than its message may come back."""

IS_DUE = "attribute_exists(pk) AND (attribute_not_exists(#renewed) OR #renewed <= :before)"


class Renewals:
    """The attribute ``renewed`` (Unix seconds) of the rows that list debug files (``symbol_index.py``)."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def note(self, entry: SymbolEntry, now: float) -> bool:
        """Note that the debug file of an entry is to be compiled again; ``False`` when that was so already."""
        values = {":now": now, ":before": now - PENDING_SECONDS}
        rows = (self._table.update(*key, "SET #renewed = :now", values, IS_DUE) for key in listed_keys_of(entry))
        return any(row is not None for row in rows)

    def forget(self, entry: SymbolEntry) -> None:
        """Note that nobody was asked."""
        for key in listed_keys_of(entry):
            self._table.update(*key, "REMOVE #renewed", {}, "attribute_exists(pk)")
