"""The source bundles of a deployment, for the lines around a crash."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from cairn.crash.source_context import Sources
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.source_bundles import open_bundle
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_index import CURRENT
from cairn.symbols.source_code.source_search import Candidate, Wanted, search

OPEN_BUNDLES = 64
"""Bundles that a warm function keeps open; each holds at most 64 KB of its index, whatever it has."""

FRESH = 86400
"""Seconds for which symbols are fresh: an upload that broke off is done again within a day, if ever."""


class StoredSources:
    """A ``crash.source_context.SourceFinder`` over the bundles that were uploaded; one serves a process."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._bucket = settings.bucket
        self._clients = clients
        self._index = SymbolIndex(settings, clients)
        self._uses = LastUses(settings, clients)
        self._are_in_use = False
        self._open: OrderedDict[str, SourceBundle] = OrderedDict()
        self._outdated: dict[str, SymbolEntry] = {}

    def find(self, wanted: Wanted) -> Sources:
        """The ``wanted`` lines of a crash, of each module those of the latest bundle that has any. A bundle that is
        damaged or gone has none: source is a help, and no part of the crash. One that an older Cairn indexed, or none
        did, is as if it had not come yet."""
        bundles = self._current(self._index.find_sources(wanted))
        found = search({debug_id: self._candidates(entries) for debug_id, entries in bundles.items()}, wanted)
        used = [entries[number] for one, entries in bundles.items() if (number := found[one].candidate) is not None]
        self._uses.note(used, time.time())
        return Sources({debug_id: found[debug_id] for debug_id in bundles})

    def has_any(self, debug_ids: Iterable[str]) -> bool:
        """Whether there is a bundle for one of the modules by now."""
        return bool(self._current(self._index.find_sources(debug_ids)))

    def take_outdated(self) -> tuple[SymbolEntry, ...]:
        """The bundles that were looked for since the last time and are to be indexed again."""
        outdated, self._outdated = self._outdated, {}
        return tuple(outdated.values())

    def expected(self, without: Iterable[str], compiled: Callable[[str], float], now: float) -> tuple[str, ...]:
        """Of the modules that have no bundle, by debug id, those whose bundle may still come. ``compiled`` tells when
        symbols of a module were last compiled; like ``now`` in Unix seconds.

        Builds send symbols and sources together, so they are expected with fresh symbols; and for all modules in a
        deployment that is sent source bundles at all. Nobody else pays for waiting.
        """
        missing = tuple(without)
        if missing and not self._are_in_use:
            self._are_in_use = self._index.has_sources()
        return tuple(one for one in missing if self._are_in_use or now - compiled(one) < FRESH)

    def _current(self, bundles: Mapping[str, tuple[SymbolEntry, ...]]) -> dict[str, tuple[SymbolEntry, ...]]:
        """The bundles without those of older versions, by module; of those that have any."""
        old = {one.debug_file_key: one for of_one in bundles.values() for one in of_one if is_old(one)}
        self._are_in_use |= bool(old)  # Cairns before there were indexes did not note that
        self._outdated |= old
        current = {debug_id: tuple(one for one in of_one if not is_old(one)) for debug_id, of_one in bundles.items()}
        return {debug_id: of_one for debug_id, of_one in current.items() if of_one}

    def _candidates(self, entries: Iterable[SymbolEntry]) -> list[Candidate]:
        return [Candidate(entry.name, partial(self._opened, entry)) for entry in entries]

    def _opened(self, entry: SymbolEntry) -> SourceBundle:
        if entry.key not in self._open:
            self._open[entry.key] = open_bundle(self._clients, self._bucket, entry)
        self._open.move_to_end(entry.key)
        if len(self._open) > OPEN_BUNDLES:
            self._open.popitem(last=False)
        return self._open[entry.key]


def is_old(entry: SymbolEntry) -> bool:
    """Whether the index of a bundle is of an older version; before there were indexes, the bundle stood in place."""
    return entry.version < CURRENT
