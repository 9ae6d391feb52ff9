"""Which files there were for the modules of an event, and what symbol servers were asked: added when it is read.

Servers are asked after an event is stored. Were it part of the event, each miss would make all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cairn.crash.event import Candidate, Download, Event, Image
from cairn.crash.event_images import OWN_SOURCE, OWN_SOURCE_NAME
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.fetches import Attempt, Fetches, KnownFetch
from cairn.store.symbols.symbol_index import ModuleIds, SymbolIndex, keys_of
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

ABSENT = Candidate(source=OWN_SOURCE, source_name=OWN_SOURCE_NAME, location="*", download=Download(status="notfound"))
"""Of a module that is missing: no debug file of it was there."""


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
        if not wanted:
            return event
        known = self._fetches.find(project_id, wanted)
        told = tuple(self._told(image, known.get(ids_of(image))) for image in images)
        return event.model_copy(update={"debug_meta": event.debug_meta.model_copy(update={"images": told})})

    def _told(self, image: Image, fetch: KnownFetch | None) -> Image:
        """One module with what is known of it."""
        if image.debug_status == SymbolStatus.UNUSED:
            return image
        own = (ABSENT,) if is_absent(image) else image.candidates or ()
        if fetch is None or image.debug_status != SymbolStatus.MISSING:
            return image.model_copy(update={"candidates": listed(own, fetch.attempts if fetch else ())})
        attempts = tuple(map(self._compiled, fetch.attempts))
        reason = "; ".join(filter(None, (image.reason, reason_of(replace(fetch, attempts=attempts)))))
        status = status_of(attempts)
        unwind_status = status if image.unwind_status == SymbolStatus.MISSING else image.unwind_status
        told = {"candidates": listed(own, attempts), "reason": reason, "debug_status": status}
        return image.model_copy(update=told | {"unwind_status": unwind_status})

    def _compiled(self, attempt: Attempt) -> Attempt:
        """The attempt as it looks when what was found could not be compiled."""
        failure = self._index.failure(attempt.debug_file_key) if attempt.debug_file_key else None
        return replace(attempt, status=FetchStatus.MALFORMED, details=failure.reason) if failure else attempt


def ids_of(image: Image) -> ModuleIds:
    """Debug id and code id."""
    return image.debug_id, image.code_id


def is_absent(image: Image) -> bool:
    """Whether a file of a module could have been there, and was not."""
    return image.debug_status == SymbolStatus.MISSING and not image.candidates and bool(keys_of(ids_of(image)))


def listed(own: Sequence[Candidate], attempts: Sequence[Attempt]) -> tuple[Candidate, ...] | None:
    """Files that there were, and attempts in Sentry's form. A file that came of an attempt is named once."""
    came = {attempt.debug_file_key: attempt for attempt in attempts if attempt.debug_file_key}
    there = {one.location for one in own}
    others = [candidate(attempt) for attempt in attempts if attempt.debug_file_key not in there]
    return (*(came_of(one, came.get(one.location)) for one in own), *others) or None


def candidate(attempt: Attempt) -> Candidate:
    """One attempt."""
    status = SENTRY_STATUS.get(attempt.status, "error")
    retry_after = None if attempt.status is FetchStatus.FOUND else attempt.retry_after
    download = Download(status=status, details=attempt.details, retry_after=retry_after)
    return Candidate(source=attempt.source, source_name=attempt.source, location=attempt.location, download=download)


def came_of(own: Candidate, attempt: Attempt | None) -> Candidate:
    """A file that was there, by the name of the server that it came from if it did."""
    if attempt is None:
        return own
    where = {"source": attempt.source, "source_name": attempt.source, "location": attempt.location}
    return own.model_copy(update=where)


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
