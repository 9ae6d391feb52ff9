"""The to-do list: modules that crashes wait for, counted over these crashes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cairn.store.symbols.symbol_index import keys_of
from cairn.store.symbols.waiting import WaitingCrash, WantedModule
from cairn.symbols.helpful_files import helpful_files, how_to_get_an_id

EVENTS_SHOWN = 3
"""Crashes that are named as examples for a module, the latest."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What may be in a name of a dump and would do something to a terminal."""


@dataclass(frozen=True, slots=True)
class MissingModule:
    """A module as the latest crash tells it, how many crashes wait for it, and when the first and the last of them were
    received (Unix seconds). ``events`` are the latest of them."""

    module: WantedModule
    crashes: int
    first_seen: float
    last_seen: float
    events: tuple[str, ...]

    @property
    def has_id(self) -> bool:
        """Whether a file could be told to be of the module."""
        return bool(keys_of((self.module.debug_id, self.module.code_id)))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that would help, as a build makes them. None for a module without an id."""
        module = self.module
        return helpful_files(module.name, module.debug_file, module.type, module.lacks) if self.has_id else ()

    @property
    def next_step(self) -> str | None:
        """What to do about a module without an id."""
        return None if self.has_id else how_to_get_an_id(self.module.type)


def missing_modules(crashes: Iterable[WaitingCrash]) -> tuple[MissingModule, ...]:
    """The modules that ``crashes`` wait for: the user's own before the system's, those that have an id before those for
    which nobody can send a file; of each kind the most wanted first."""
    found: dict[str, list[tuple[WaitingCrash, WantedModule]]] = defaultdict(list)
    for crash in crashes:
        for key, module in {key_of(module): module for module in crash.modules}.items():
            found[key].append((crash, module))
    return tuple(sorted(map(counted, found.values()), key=order))


def key_of(module: WantedModule) -> str:
    """What modules of several crashes have in common: an id, or else the name."""
    return next(iter(keys_of((module.debug_id, module.code_id))), module.name)


def counted(waiting: Sequence[tuple[WaitingCrash, WantedModule]]) -> MissingModule:
    """One module of several crashes."""
    latest = sorted(waiting, key=lambda one: one[0].received, reverse=True)
    module = latest[0][1]
    return MissingModule(
        module=replace(module, name=printable(module.name), debug_file=printable(module.debug_file or "") or None),
        crashes=len(latest),
        first_seen=latest[-1][0].received,
        last_seen=latest[0][0].received,
        events=tuple(crash.event_id for crash, _ in latest[:EVENTS_SHOWN]),
    )


def order(missing: MissingModule) -> tuple[bool, bool, int, float, str]:
    """Where a module stands in the list. One of which it is not known whose it is counts as the user's."""
    kind = missing.module.in_app is False, not missing.has_id
    return *kind, -missing.crashes, -missing.last_seen, missing.module.name


def printable(name: str) -> str:
    """A name out of a dump without what a terminal would obey."""
    return UNPRINTABLE.sub("_", name)
