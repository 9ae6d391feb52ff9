"""Crashes that wait for symbols: found by the ids they wait for, and by project."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from cairn.store.aws import Clients
from cairn.store.crashes.events import iso_time, unix_time
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import ModuleIds, keys_of, sources_keys
from cairn.store.table import Row, Table

WAITING = "waiting#"
WANTED = "wanted#"

MOST_MODULES = 64
"""Modules that one crash waits for; what a hostile dump has beyond that is not waited for."""

NAME_LIMIT = 200
REASON_LIMIT = 300
"""Characters of a module's file name, and of why it has no symbols, that are kept."""

DELETES_AT_ONCE = 8
PAGE = 250
"""Crashes that are read at a time for a list."""


@dataclass(frozen=True, slots=True)
class WantedModule:
    """A module that a crash needs and that lacks names, lines or unwind information. ``status`` is the event's
    ``debug_status``, ``reason`` says why, for a person. ``type`` is ``pe``, ``macho`` or ``elf``; ``arch`` and ``os``
    are the event's; ``lacks`` is some of ``names``, ``lines``, ``unwinding``; ``debug_file`` is the PDB's name."""

    name: str
    debug_id: str | None
    code_id: str | None
    status: str
    reason: str | None = None
    debug_file: str | None = None
    type: str | None = None
    arch: str | None = None
    os: str | None = None
    in_app: bool | None = None
    lacks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class WaitingCrash:
    """A crash and the modules it waits for; none when it waits no more. ``received`` is in Unix seconds. ``sources``
    are the debug ids of modules whose source bundles it waits for, beside their symbols."""

    project_id: int
    event_id: str
    received: float
    upload_key: str
    modules: tuple[WantedModule, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiter:
    """A crash that waits for one id. ``registered`` tells this time of waiting from a later one of the same crash."""

    name: str
    upload_key: str
    registered: str


class WaitingCrashes:
    """Waiting crashes in the Symbols table. All rows expire with the dump, without which nothing could be done again.

    ==============================  ==============================  =========================================
    pk                              sk                              what
    ==============================  ==============================  =========================================
    ``waiting#debug_id#<id>``       ``<project>#<event id>``        a crash that waits for the id
    ``waiting#code_id#<id>``        the same                        the same by code id
    ``waiting#sources#<id>``        the same                        a crash that waits for a source bundle by debug id
    ``wanted#<project>``            ``<time received>#<event id>``  all modules that one crash waits for
    ==============================  ==============================  =========================================

    Who waits for sources is in no list, and its row goes when it is woken or expires: that is one write for each, and a
    crash that is woken once more for what it has by now comes to no harm.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)
        self._retention = settings.dump_retention_days * 86400

    def put(self, crash: WaitingCrash) -> None:
        """Let a crash wait for these modules and for no others, whatever it waited for before; and for ``sources``."""
        kept = crash.modules[:MOST_MODULES]
        name, listed = f"{crash.project_id}#{crash.event_id}", (f"{WANTED}{crash.project_id}", listed_at(crash))
        old = self._table.get(*listed)
        before = partitions(map(module_of, old["modules"])) if old else set()
        sources = sources_partitions(crash.sources)
        if not kept and not old and not sources:
            return
        now, wanted = iso_time(time.time()), partitions(kept)
        common = {"upload_key": crash.upload_key, "expires": int(crash.received) + self._retention}
        rows: list[Row] = [{"pk": pk, "sk": name, "registered": now, **common} for pk in sorted(wanted | sources)]
        gone = [(pk, name) for pk in sorted(before - wanted)]
        if kept:
            modules = [asdict(module) for module in map(clipped, kept)]
            rows.append({"pk": listed[0], "sk": listed[1], "modules": modules, **common})
        elif old:
            gone.append(listed)
        self._table.write_many(rows, gone)

    def waiting_for(self, ids: ModuleIds, before: float, limit: int, *, sources: bool = False) -> tuple[Waiter, ...]:
        """Up to ``limit`` crashes that wait for a module by one of these ids, or for its ``sources``, since before
        ``before`` (Unix seconds). What ``put`` has stored is seen at once."""
        found: dict[str, Waiter] = {}
        for pk in waiting_keys(ids, sources=sources):
            values = {":pk": pk, ":before": iso_time(before)}
            rows = self._table.query_some("pk = :pk", values, "#registered < :before", limit - len(found))
            found = {row["sk"]: Waiter(row["sk"], row["upload_key"], row["registered"]) for row in rows} | found
            if len(found) >= limit:
                break
        return tuple(found.values())

    def remove(self, ids: ModuleIds, waiters: Sequence[Waiter], *, sources: bool = False) -> None:
        """Let these crashes wait no more for these ids, but for those that have begun to wait again meanwhile."""
        wanted = [(pk, waiter) for waiter in waiters for pk in waiting_keys(ids, sources=sources)]
        with ThreadPoolExecutor(DELETES_AT_ONCE) as pool:
            for _ in pool.map(self._remove, wanted):
                pass

    def wanted(self, project_id: int, limit: int) -> tuple[WaitingCrash, ...]:
        """The last ``limit`` crashes of a project that wait for something, newest received first."""
        found: list[WaitingCrash] = []
        after: Row | None = None
        while len(found) < limit:
            values, size = {":pk": f"{WANTED}{project_id}"}, min(PAGE, limit - len(found))
            rows, after = self._table.page("pk = :pk", values, None, size, after)
            found += [crash_of(row) for row in rows if row["expires"] > time.time()]
            if after is None:
                break
        return tuple(found)

    def _remove(self, wanted: tuple[str, Waiter]) -> None:
        pk, waiter = wanted
        self._table.delete(pk, waiter.name, "#registered = :registered", {":registered": waiter.registered})


def waiting_keys(ids: ModuleIds, *, sources: bool = False) -> tuple[str, ...]:
    """The partitions of those who wait for a module, or for its source bundle."""
    return tuple(WAITING + key for key in (sources_keys(ids[0]) if sources else keys_of(ids)))


def partitions(modules: Iterable[WantedModule]) -> set[str]:
    """The partitions of those who wait for any of ``modules``."""
    return {pk for module in modules for pk in waiting_keys((module.debug_id, module.code_id))}


def sources_partitions(debug_ids: Iterable[str]) -> set[str]:
    """The partitions of those who wait for the source bundle of any of these modules."""
    return {pk for debug_id in debug_ids for pk in waiting_keys((debug_id, None), sources=True)}


def listed_at(crash: WaitingCrash) -> str:
    """Where a crash stands in its project's list: the time of arrival never changes."""
    return f"{iso_time(crash.received)}#{crash.event_id}"


def clipped(module: WantedModule) -> WantedModule:
    """The module with texts short enough to lie in an item with others."""
    reason = module.reason[:REASON_LIMIT] if module.reason else None
    debug_file = module.debug_file[-NAME_LIMIT:] if module.debug_file else None
    return replace(module, name=module.name[-NAME_LIMIT:], debug_file=debug_file, reason=reason)


def module_of(value: Row) -> WantedModule:
    """The module in a row; one of an older Cairn has not all fields."""
    known = {name: value.get(name) for name in WantedModule.__dataclass_fields__}
    return WantedModule(**known | {"lacks": tuple(value["lacks"]) if "lacks" in value else None})


def crash_of(row: Row) -> WaitingCrash:
    """The crash in a row of a project's list."""
    at, _, event_id = row["sk"].rpartition("#")
    return WaitingCrash(
        project_id=int(row["pk"].removeprefix(WANTED)),
        event_id=event_id,
        received=unix_time(at),
        upload_key=row["upload_key"],
        modules=tuple(map(module_of, row["modules"])),
    )
