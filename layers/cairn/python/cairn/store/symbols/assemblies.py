"""Assemblies: debug files that are being put together from their chunks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

PREFIX = "assembly#"
SENDING_SECONDS = 30
"""How long an assembly counts whose message is being sent. A function that dies before it has sent it leaves no more
than this: then whoever asks starts it again."""

PENDING_SECONDS = 20 * 60
"""How long an assembly counts as under way. Then whoever asks for it starts it again: its message may be lost."""

FAILED_SECONDS = 600
"""How long a failure is told again before another try is made, as in Sentry."""

KEPT_SECONDS = 24 * 3600
"""How long a plan is kept: its message may be late."""

NONE_COUNTS = "attribute_not_exists(pk) OR #counts_until <= :now"


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
    """Assemblies in the Symbols table: ``pk`` is ``assembly#<SHA-1 of the file>``, ``sk`` the plan's id.
    What became of it counts up to ``counts_until``; ``expires`` is the TTL."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def start(self, plan: Plan) -> bool:
        """Note that a plan is to be carried out, of which nobody is told yet; ``False`` when it is already."""
        now = int(time.time())
        row = {
            "pk": f"{PREFIX}{plan.sha1}",
            "sk": plan.id,
            "name": plan.name,
            "chunks": plan.chunks,
            "size": plan.size,
            "counts_until": now + SENDING_SECONDS,
            "expires": now + KEPT_SECONDS,
        }
        return self._table.put(row, NONE_COUNTS, {":now": now})

    def cancel(self, plan: Plan) -> None:
        """Let a plan that was started be one that can be started."""
        self._table.update(f"{PREFIX}{plan.sha1}", plan.id, "SET #counts_until = :now", {":now": int(time.time())})

    def pend(self, plan: Plan) -> None:
        """Let a plan that was started count as under way: the message is sent. Not one that has failed meanwhile."""
        until = int(time.time()) + PENDING_SECONDS
        self._table.update(
            f"{PREFIX}{plan.sha1}",
            plan.id,
            "SET #counts_until = :until",
            {":until": until},
            "attribute_exists(#chunks) AND attribute_not_exists(#reason)",
        )

    def fail(self, plan: Plan, reason: str) -> None:
        """Note why a plan could not be carried out."""
        change = "SET #reason = :reason, #counts_until = :until"
        values = {":reason": reason, ":until": int(time.time()) + FAILED_SECONDS}
        self._table.update(f"{PREFIX}{plan.sha1}", plan.id, change, values)

    def forget(self, sha1: str) -> None:
        """Forget all plans for a file: it can be sent anew."""
        for row in self._table.query("pk = :pk", {":pk": f"{PREFIX}{sha1}"}):
            self._table.delete(row["pk"], row["sk"])

    def plan(self, sha1: str, plan_id: str) -> Plan | None:
        """A plan to be carried out; ``None`` when it has failed, or is not there (any more)."""
        row = self._table.get(f"{PREFIX}{sha1}", plan_id)
        return plan_of(row) if row and "reason" not in row else None

    def find(self, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Assembly]:
        """The assemblies that count, by SHA-1 of the file and plan id."""
        keys = [(f"{PREFIX}{sha1}", plan_id) for sha1, plan_id in ids]
        rows = self._table.get_many(keys, consistent=True)
        now = time.time()
        found = [Assembly(plan_of(row), row.get("reason")) for row in rows.values() if row["counts_until"] > now]
        return {(assembly.plan.sha1, assembly.plan.id): assembly for assembly in found}


def plan_of(row: Row) -> Plan:
    """The plan that a row holds."""
    return Plan(row["pk"].removeprefix(PREFIX), row["name"], tuple(row["chunks"]), row["size"])
