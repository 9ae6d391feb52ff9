"""Files of a module from a project's symbol servers: found, unpacked, checked, and kept as if they were uploaded.

S3 tells of the new object, which is compiled and wakes the crashes that wait for it. May be done any number of times.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cairn.pipeline.debug_files.fetch_file import FileFetcher
from cairn.servers.download import HttpServers
from cairn.store.aws import Clients
from cairn.store.notifications import fetch_message
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.source_secrets import SourceSecrets
from cairn.store.sources import ProjectSources
from cairn.store.symbols.fetches import Attempt, Fetches, KnownFetch
from cairn.symbols.sources.credentials import AuthHeader, auth_header
from cairn.symbols.sources.layouts import locations
from cairn.symbols.sources.records import (
    FILE_TYPES,
    FetchError,
    FetchStatus,
    FileType,
    Role,
    Source,
    SourceModule,
)

SECONDS = 480
"""For all files of one module: what is left of the function's 15 minutes is for the last of them."""

SOON, HOUR, DAY = 900, 3600, 86400
PASSING = (FetchStatus.TIMED_OUT, FetchStatus.FAILED)
"""Trouble that may be over soon. For as long a server that has it is not asked for the same module."""

TRIES = 5
"""How often servers that have trouble are asked for what a crash lacks. Then the next crash is a reason to."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was done for one module: the objects that were stored, and what was tried just now."""

    keys: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(slots=True)
class _Search:
    """One search for the files of one module: what was known, what was found out, and whom not to ask any more."""

    project_id: int
    module: SourceModule
    known: dict[str, Attempt]
    deadline: float
    attempts: list[Attempt] = field(default_factory=list)
    new: list[Attempt] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, known: KnownFetch) -> _Search:
        counting = {one.location: one for one in known.attempts if one.retry_after > time.time()}
        return cls(known.request.project_id, known.request.module, counting, time.monotonic() + SECONDS)

    def said(self, source: Source, location: str) -> Attempt | None:
        """What is known of a place already, if the source would say the same now."""
        attempt = self.known.get(location)
        return attempt if attempt and attempt.holds_for(source) else None


class FetchStep:
    """The fetching with what it needs; one serves many modules. ``queue`` is where its messages come from."""

    def __init__(self, settings: Settings, clients: Clients, queue: Queue, servers: HttpServers | None = None) -> None:
        self._queue = queue
        self._sources = ProjectSources(settings, clients)
        self._fetches = Fetches(settings, clients)
        self._secrets = SourceSecrets(settings, clients)
        self._files = FileFetcher(settings, clients, servers or HttpServers())

    def run(self, project_id: int, key: str) -> Fetched:
        """Fetch what the request with this key asks for.

        That servers have nothing, or nothing of use, is a result: the reasons are kept with the request. When one has
        trouble, a message asks to try again. Raises ``StoreError`` where the deployment's own S3, SQS or DynamoDB fail.
        """
        known = self._fetches.get(project_id, key)
        sources = self._sources.of(project_id)
        if known is None or (known.tried and known.counts(sources.mark)):
            return Fetched()
        search = _Search.of(known)
        for role in known.request.roles:
            if self._find(search, role, sources.sources) is FileType.BREAKPAD:
                break  # it plays both roles
        if known.tries + 1 < TRIES and any(attempt.status in PASSING for attempt in search.attempts):
            self._queue.send(fetch_message(project_id, key), delay=SOON)
        self._fetches.finish(known.request, search.attempts, counts_until(search.attempts))
        return Fetched(tuple(search.keys), tuple(search.new))

    def _find(self, search: _Search, role: Role, sources: Sequence[Source]) -> FileType | None:
        """Ask everywhere for a file in this role until there is one."""
        for source, file_type, location in places(search.module, role, sources):
            attempt = search.said(source, location)
            if attempt is None:
                attempt = self._try(search, source, file_type, location)
                search.new.append(attempt)
            search.attempts.append(attempt)
            if attempt.status is FetchStatus.FOUND:
                return file_type
        return None

    def _try(self, search: _Search, source: Source, file_type: FileType, location: str) -> Attempt:
        status, details, key = FetchStatus.FOUND, None, None
        try:
            key = self._fetch(search, source, file_type, location)
            search.keys.append(key)
        except FetchError as error:
            status, details = error.status, printable(str(error))
        if status in PASSING:
            search.given_up.add(source.name)
        until = time.time() + seconds_of(status, source)
        shown = source.credentials.changed if source.credentials else None
        return Attempt(source.name, location, file_type, status, details, until, key, shown)

    def _fetch(self, search: _Search, source: Source, file_type: FileType, location: str) -> str:
        if source.name in search.given_up:
            raise FetchError(FetchStatus.FAILED, "not asked, since the server had trouble just before")
        left = search.deadline - time.monotonic()
        if left <= 0:
            raise FetchError(FetchStatus.TIMED_OUT, "not asked, since the servers before took all the time there was")
        return self._files.fetch(location, search.module, file_type, left, self._header(search.project_id, source))

    def _header(self, project_id: int, source: Source) -> AuthHeader | None:
        """What the server is shown, if it wants something."""
        if source.credentials is None:
            return None
        secret = self._secrets.get(project_id, source)
        if secret is None:
            said = f"not asked, since its secret is gone: `cairn sources update {source.name}` sets it anew"
            raise FetchError(FetchStatus.FORBIDDEN, said)
        return auth_header(source.credentials, secret)


def places(module: SourceModule, role: Role, sources: Sequence[Source]) -> Iterator[tuple[Source, FileType, str]]:
    """Where to ask for a file in a role: source after source, with the kind of file and the address."""
    for source in sources:
        for file_type in FILE_TYPES[module.format, role]:
            for location in locations(module, file_type, source):
                yield source, file_type, location


def seconds_of(status: FetchStatus, source: Source) -> float:
    """How long a result counts. On a server of one's own a file may appear any time; large public ones are spared."""
    if status in PASSING:
        return SOON
    may_appear = status in (FetchStatus.MISSING, FetchStatus.FORBIDDEN) and not source.built_in
    return HOUR if may_appear else DAY


def counts_until(attempts: Sequence[Attempt]) -> float:
    """When to ask again: as soon as one of the results does not count any more."""
    return min((attempt.retry_after for attempt in attempts), default=time.time() + DAY)


def printable(text: str) -> str:
    """A text that may have been made of what a server sent, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)
