"""What symbol servers were asked for the modules of an event: added when the event is read.

Servers are asked after an event is stored. Were it part of the event, each miss would make all of it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cairn.crash.event import Candidate, Download, Event, Image
from cairn.store.fetches import Attempt, Fetches, KnownFetch
from cairn.store.symbol_index import ModuleIds
from cairn.symbols.records import SymbolStatus
from cairn.symbols.sources.records import FetchStatus

SENTRY_STATUS = {
    FetchStatus.FOUND: "ok",
    FetchStatus.MISSING: "notfound",
    FetchStatus.FORBIDDEN: "noperm",
    FetchStatus.MALFORMED: "malformed",
    FetchStatus.WRONG_ID: "malformed",
}
"""Sentry's words; for the others it has ``error``."""

IMAGE_STATUS = {
    FetchStatus.MALFORMED: SymbolStatus.MALFORMED,
    FetchStatus.WRONG_ID: SymbolStatus.MALFORMED,
    FetchStatus.TIMED_OUT: SymbolStatus.TIMEOUT,
    FetchStatus.FAILED: SymbolStatus.FETCHING_FAILED,
    FetchStatus.TOO_LARGE: SymbolStatus.FETCHING_FAILED,
    FetchStatus.REFUSED: SymbolStatus.FETCHING_FAILED,
}
"""What an attempt makes of a module that is missing, the most telling one first."""


def with_candidates(event: Event, project_id: int, fetches: Fetches) -> Event:
    """The event with ``candidates`` of its modules, and with what they say of those that are missing. Raises
    ``StoreError`` where DynamoDB fails."""
    images = event.debug_meta.images
    wanted = [ids_of(image) for image in images if image.debug_status != SymbolStatus.UNUSED]
    known = fetches.find(project_id, wanted) if wanted else {}
    if not known:
        return event
    told = event.debug_meta.model_copy(update={"images": tuple(told_image(image, known) for image in images)})
    return event.model_copy(update={"debug_meta": told})


def ids_of(image: Image) -> ModuleIds:
    """Debug id and code id."""
    return image.debug_id, image.code_id


def told_image(image: Image, known: Mapping[ModuleIds, KnownFetch]) -> Image:
    """One module with what is known of it."""
    fetch = known.get(ids_of(image))
    if fetch is None or image.debug_status == SymbolStatus.UNUSED:
        return image
    changes: dict[str, object] = {"candidates": tuple(map(candidate, fetch.attempts)) or None}
    if image.debug_status == SymbolStatus.MISSING:
        changes["reason"] = "; ".join(filter(None, (image.reason, reason_of(fetch))))
        changes["debug_status"] = status_of(fetch.attempts)
    return image.model_copy(update=changes)


def candidate(attempt: Attempt) -> Candidate:
    """An attempt in Sentry's form."""
    download = Download(status=SENTRY_STATUS.get(attempt.status, "error"), details=attempt.details)
    return Candidate(source=attempt.source, source_name=attempt.source, location=attempt.location, download=download)


def status_of(attempts: Sequence[Attempt]) -> str:
    """What to call a module that is missing."""
    said = {attempt.status for attempt in attempts}
    telling = (status for fetched, status in IMAGE_STATUS.items() if fetched in said)
    return next(telling, SymbolStatus.MISSING).value


def reason_of(fetch: KnownFetch) -> str:
    """The attempts in a few words, for a person."""
    if fetch.tried is None:
        return "symbol servers are being asked"
    if found := [attempt.source for attempt in fetch.attempts if attempt.status is FetchStatus.FOUND]:
        return f"{found[0]} has one, with which the crash is symbolicated again"
    faults = [f"{one.source}: {one.details}" for one in fetch.attempts if one.status in IMAGE_STATUS]
    return faults[0] if faults else "no symbol server has one"
