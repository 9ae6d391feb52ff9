"""Assemblies: debug files that are being put together from their chunks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.table import Table

PENDING_SECONDS = 2 * 3600
"""How long an assembly counts as under way: its message has been tried again and again by then."""

FAILED_SECONDS = 600
"""How long a failure is told again before another try is made, as in Sentry."""

NONE_ALIVE = "attribute_not_exists(pk) OR #expires <= :now"


@dataclass(frozen=True, slots=True)
class Plan:
    """A file and the chunks to make it of. ``sha1`` is the whole file's, ``name`` its own, ``size`` in bytes."""

    sha1: str
    name: str
    chunks: tuple[str, ...]
    size: int = 0

    @property
    def id(self) -> str:
        """Differs with the chunks: whoever sends wrong ones for a file is in nobody's way."""
        return hashlib.sha1("".join(self.chunks).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Assembly:
    """A plan that is being carried out, or has failed for ``reason``."""

    plan: Plan
    reason: str | None = None


class Assemblies:
    """Assemblies in the Symbols table: ``pk`` is ``assembly#<SHA-1 of the file>``, ``sk`` the plan's id, ``expires``
    the TTL."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def start(self, plan: Plan) -> bool:
        """Note that a plan is to be carried out; ``False`` when it is already."""
        now = int(time.time())
        row = {
            "pk": f"assembly#{plan.sha1}",
            "sk": plan.id,
            "name": plan.name,
            "chunks": plan.chunks,
            "size": plan.size,
            "expires": now + PENDING_SECONDS,
        }
        return self._table.put(row, NONE_ALIVE, {":now": now})

    def fail(self, plan: Plan, reason: str) -> None:
        """Note why a plan could not be carried out."""
        expires = int(time.time()) + FAILED_SECONDS
        change = "SET #reason = :reason, #expires = :expires"
        values = {":reason": reason, ":expires": expires}
        self._table.update(f"assembly#{plan.sha1}", plan.id, change, values)

    def find(self, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Assembly]:
        """The assemblies there are, by SHA-1 of the file and plan id."""
        keys = [(f"assembly#{sha1}", plan_id) for sha1, plan_id in ids]
        rows = self._table.get_many(keys, consistent=True)
        now = time.time()
        found = {}
        for (pk, plan_id), row in rows.items():
            if row["expires"] > now:
                sha1 = pk.removeprefix("assembly#")
                plan = Plan(sha1, row["name"], tuple(row["chunks"]), row["size"])
                found[sha1, plan_id] = Assembly(plan, row.get("reason"))
        return found
