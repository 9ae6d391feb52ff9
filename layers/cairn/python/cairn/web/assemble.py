"""Sentry's assemble call: which chunks of a file are missing, and what became of it once all are there.

A file goes ``not_found`` (chunks are missing) → ``assembling`` (being put together and compiled) → ``ok`` or ``error``.
It is never ``created``: sentry-cli takes that for done and would not wait (sentry-cli: src/utils/dif_upload/mod.rs).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cairn.store.errors import StoreError
from cairn.store.symbols.assemblies import PENDING_SECONDS, Assemblies, Assembly, Plan
from cairn.store.symbols.chunks import Chunks
from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.debug_files import LARGEST_FILE
from cairn.store.symbols.last_uses import LastUses
from cairn.symbols.symbol_file.index import CURRENT
from cairn.web.chunk_upload import SHA1
from cairn.web.dif import dif_of
from cairn.web.errors import BadRequestError

MOST_FILES = 1000
MOST_CHUNKS = 20_000
"""Chunks that one request may name: 80 GB of full ones, and 200 requests to the table."""

NAME_LIMIT = 1024
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AssembleCall:
    """What the call needs. ``queue`` is told SHA-1 and plan id of a file that is to be put together."""

    records: DebugFileRecords
    assemblies: Assemblies
    chunks: Chunks
    queue: Callable[[str, str], None]
    uses: LastUses

    def answer(self, request: Any) -> dict[str, Answer]:
        """The answer to a request body, a file at a time. A file that is there already is kept as if a crash had used
        it: whoever builds it needs it. Raises ``BadRequestError``."""
        plans = plans_of(request)
        records, under_way = self._records(plans)
        self.uses.note((entry for record in records.values() for entry in record.entries), time.time())
        left = {sha1: plan for sha1, plan in plans.items() if not is_done(records.get(sha1))}
        assemblies = self.assemblies.find((sha1, plan.id) for sha1, plan in left.items())
        idle = [plan for sha1, plan in left.items() if (sha1, plan.id) not in assemblies]
        known = self.chunks.known(chunk for plan in idle for chunk in plan.chunks)
        return {
            sha1: state("assembling")
            if sha1 in under_way
            else self._answer_one(plan, records.get(sha1), assemblies.get((sha1, plan.id)), known)
            for sha1, plan in plans.items()
        }

    def outcome(self, sha1: str) -> DebugFileRecord | None:
        """What became of a file, with what came of an archive; ``None`` while there is more to do, or to send."""
        record = self._records([sha1])[0].get(sha1)
        return record if is_done(record) else None

    def _records(self, sha1s: Iterable[str]) -> tuple[dict[str, DebugFileRecord], set[str]]:
        """What is known of the files, of an archive with what became of those in it; and the archives of which some are
        still being compiled. One of which some are gone is not known: sent again, it brings them back."""
        found = self.records.find(sha1s)
        members = self.records.find({sha1 for record in found.values() for sha1 in record.members})
        archives = {sha1: record for sha1, record in found.items() if record.members}
        lacking = {sha1 for sha1, record in archives.items() if not members.keys() >= set(record.members)}
        under_way = {sha1 for sha1 in lacking if archives[sha1].created > time.time() - PENDING_SECONDS}
        whole = {sha1: joined(record, members) for sha1, record in found.items() if sha1 not in lacking}
        return whole, under_way

    def _answer_one(
        self, plan: Plan, record: DebugFileRecord | None, assembly: Assembly | None, known: Mapping[str, int]
    ) -> Answer:
        if record and is_done(record):
            return finished(record)
        if assembly:
            return state("error", detail=assembly.reason) if assembly.reason else state("assembling")
        missing = [chunk for chunk in dict.fromkeys(plan.chunks) if chunk not in known]
        if missing or not plan.chunks:
            return state("not_found", missing=missing)
        return self._start(replace(plan, size=sum(known[chunk] for chunk in plan.chunks)))

    def _start(self, plan: Plan) -> Answer:
        if plan.size > LARGEST_FILE:
            return state("error", detail="File exceeds maximum size")
        if self.assemblies.start(plan):
            try:
                self.queue(plan.sha1, plan.id)
            except StoreError:
                self.assemblies.cancel(plan)
                raise
            self.assemblies.pend(plan)
        return state("assembling")


def plans_of(request: Any) -> dict[str, Plan]:
    """The files that a request body names, by SHA-1. Raises ``BadRequestError``."""
    if not isinstance(request, dict) or len(request) > MOST_FILES:
        raise BadRequestError(f"the body must be an object of up to {MOST_FILES} files, by their SHA-1")
    plans = {sha1: plan_of(sha1, file) for sha1, file in request.items()}
    if sum(len(plan.chunks) for plan in plans.values()) > MOST_CHUNKS:
        raise BadRequestError(f"Too many chunks: a request may name {MOST_CHUNKS}")
    return plans


def plan_of(sha1: str, file: Any) -> Plan:
    """One file of a request. Raises ``BadRequestError``."""
    if not SHA1.fullmatch(sha1):
        raise BadRequestError(f"a file is named by its SHA-1 in hex, not by {sha1[:60]!r}")
    name, chunks = (file.get("name"), file.get("chunks")) if isinstance(file, dict) else (None, None)
    if not isinstance(name, str) or not name or len(name) > NAME_LIMIT:
        raise BadRequestError(f"{sha1}: name must be a text of 1 to {NAME_LIMIT} characters")
    if not isinstance(chunks, list) or not all(isinstance(c, str) and SHA1.fullmatch(c) for c in chunks):
        raise BadRequestError(f"{sha1}: chunks must be a list of SHA-1s in hex")
    return Plan(sha1, CONTROL.sub("_", name), tuple(chunks))


def joined(record: DebugFileRecord, members: Mapping[str, DebugFileRecord]) -> DebugFileRecord:
    """The record of an archive with what the debug files in it serve, and why some of them cannot be used; any other as
    it is."""
    inside = [members[sha1] for sha1 in record.members]
    reasons = [f"{one.key.rpartition('/')[2]}: {one.reason}" for one in inside if one.reason]
    return replace(
        record,
        entries=(*record.entries, *(entry for one in inside for entry in one.entries)),
        reason=" ".join([record.reason, *reasons] if record.reason else reasons) or None,
        problems=(*record.problems, *(problem for one in inside for problem in one.problems)),
    )


def is_done(record: DebugFileRecord | None) -> bool:
    """Whether there is nothing more to do for a file. What an older compiler could not read is tried again."""
    return record is not None and (not record.reason or record.version >= CURRENT)


def finished(record: DebugFileRecord) -> Answer:
    """The answer for a file that the compiler is done with."""
    if record.reason or not record.entries:
        return state("error", detail=record.reason)
    return {**state("ok"), "dif": dif_of(record.entries[0], record.size)}


def state(name: str, *, missing: list[str] | None = None, detail: str | None = None) -> Answer:
    """An answer; ``missingChunks`` must always be a list."""
    return {"state": name, "missingChunks": missing or [], "detail": detail}
