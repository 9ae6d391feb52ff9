"""What symbol servers were asked for the modules of an event: added when the event is read.

Servers are asked after an event is stored. Were it part of the event, each miss would make all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cairn.crash.event import Candidate, Download, Event, Image
from cairn.store.aws import Clients
from cairn.store.fetches import Attempt, Fetches, KnownFetch
from cairn.store.settings import Settings
from cairn.store.symbol_index import ModuleIds, SymbolIndex
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


class Candidates:
    """The files that were asked for, by the modules of events."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._fetches = Fetches(settings, clients)
        self._index = SymbolIndex(settings, clients)

    def tell(self, event: Event, project_id: int) -> Event:
        """The event with ``candidates`` of its modules, and with what they say of those that are missing. Raises
        ``StoreError`` where DynamoDB fails."""
        images = event.debug_meta.images
        wanted = [ids_of(image) for image in images if image.debug_status != SymbolStatus.UNUSED]
        known = self._fetches.find(project_id, wanted) if wanted else {}
        if not known:
            return event
        told = tuple(self._told(image, known.get(ids_of(image))) for image in images)
        return event.model_copy(update={"debug_meta": event.debug_meta.model_copy(update={"images": told})})

    def _told(self, image: Image, fetch: KnownFetch | None) -> Image:
        """One module with what is known of it."""
        if fetch is None or image.debug_status == SymbolStatus.UNUSED:
            return image
        if image.debug_status != SymbolStatus.MISSING:
            return image.model_copy(update={"candidates": listed(fetch.attempts)})
        attempts = tuple(map(self._compiled, fetch.attempts))
        reason = "; ".join(filter(None, (image.reason, reason_of(replace(fetch, attempts=attempts)))))
        told = {"candidates": listed(attempts), "reason": reason, "debug_status": status_of(attempts)}
        return image.model_copy(update=told)

    def _compiled(self, attempt: Attempt) -> Attempt:
        """The attempt as it looks when what was found could not be compiled."""
        failure = self._index.failure(attempt.debug_file_key) if attempt.debug_file_key else None
        return replace(attempt, status=FetchStatus.MALFORMED, details=failure.reason) if failure else attempt


def ids_of(image: Image) -> ModuleIds:
    """Debug id and code id."""
    return image.debug_id, image.code_id


def listed(attempts: Sequence[Attempt]) -> tuple[Candidate, ...] | None:
    """Attempts in Sentry's form."""
    return tuple(map(candidate, attempts)) or None


def candidate(attempt: Attempt) -> Candidate:
    """One of them."""
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
