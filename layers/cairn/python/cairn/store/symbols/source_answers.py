"""What the symbol servers of a project have said of modules without symbols, and when they are asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.sources import ProjectSources, SourceList
from cairn.store.symbols.fetches import Attempt, Fetches, KnownFetch
from cairn.store.symbols.symbol_index import ModuleIds
from cairn.store.symbols.waiting import WantedModule
from cairn.symbols.sources.layouts import locations
from cairn.symbols.sources.records import FILE_TYPES, FetchStatus, ModuleFormat, Role, Source, SourceModule


class NotAsked(StrEnum):
    """Why there is no answer."""

    PENDING = "pending"
    NOT_ASKED = "not_asked"
    DISABLED = "disabled"


TELLING = (
    FetchStatus.FOUND,
    FetchStatus.MALFORMED,
    FetchStatus.WRONG_ID,
    FetchStatus.TOO_LARGE,
    FetchStatus.REFUSED,
    FetchStatus.TIMED_OUT,
    FetchStatus.FAILED,
    FetchStatus.FORBIDDEN,
    FetchStatus.MISSING,
)
"""Of several answers of a server the first of these is told."""

ROLES = {"names": Role.DEBUG, "lines": Role.DEBUG, "unwinding": Role.CODE}
"""Which file has what a module lacks."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What one source said of a module. ``details`` is for a person, ``locations`` are the addresses that were asked.
    ``asked_again`` (Unix seconds): until then none of them is asked; ``None`` where nothing was asked yet."""

    source: str
    status: FetchStatus | NotAsked
    details: str | None = None
    locations: tuple[str, ...] = ()
    asked_again: float | None = None


class SourceAnswers:
    """The answers for the modules of a project."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._sources = ProjectSources(settings, clients)
        self._fetches = Fetches(settings, clients)

    def of(self, project_id: int, modules: Iterable[WantedModule]) -> dict[WantedModule, tuple[SourceAnswer, ...]]:
        """For every module what each source of the project said, in the order in which they are asked. Raises
        ``StoreError`` where DynamoDB fails."""
        wanted = list(modules)
        sources = self._sources.of(project_id) if wanted else SourceList()
        known: Mapping[ModuleIds, KnownFetch] = {}
        if sources.sources:
            known = self._fetches.find(project_id, [(module.debug_id, module.code_id) for module in wanted])
        return {module: answers(module, sources, known.get((module.debug_id, module.code_id))) for module in wanted}


def answers(module: WantedModule, sources: SourceList, fetch: KnownFetch | None) -> tuple[SourceAnswer, ...]:
    """What each source said of one module, of which ``fetch`` is known."""
    return tuple(answer(module, source, fetch, is_new=is_new(fetch, sources)) for source in sources.sources)


def is_new(fetch: KnownFetch | None, sources: SourceList) -> bool:
    """Whether a module was not asked for, or the sources were others then."""
    return fetch is None or (fetch.tried is not None and fetch.sources != sources.mark)


def answer(module: WantedModule, source: Source, fetch: KnownFetch | None, *, is_new: bool) -> SourceAnswer:
    """What one source said of one module, or why it has said nothing."""
    of_source = [attempt for attempt in fetch.attempts if attempt.source == source.name] if fetch else []
    said = [attempt for attempt in of_source if attempt.holds_for(source)]
    if said:
        return told(source, said)
    if not may_have(module, source):
        return SourceAnswer(
            source.name, NotAsked.DISABLED, "has no files of this kind, or cannot be asked by these ids"
        )
    if is_new:
        return SourceAnswer(source.name, NotAsked.NOT_ASKED, "will be asked when another crash needs the module")
    if fetch and fetch.tried is None:
        return SourceAnswer(source.name, NotAsked.PENDING, "is being asked")
    return SourceAnswer(source.name, NotAsked.NOT_ASKED, "a source before it has the file")


def told(source: Source, attempts: Sequence[Attempt]) -> SourceAnswer:
    """All that one source answered, in one."""
    most = min(attempts, key=lambda attempt: TELLING.index(attempt.status))
    again = [attempt.retry_after for attempt in attempts if attempt.status is not FetchStatus.FOUND]
    where = tuple(attempt.location for attempt in attempts)
    return SourceAnswer(source.name, most.status, most.details, where, min(again, default=None))


def may_have(module: WantedModule, source: Source) -> bool:
    """Whether there is any place in a source to ask for what a module lacks."""
    if module.type not in list(ModuleFormat):
        return False
    form = ModuleFormat(module.type)
    asked = SourceModule(form, module.name, module.debug_file, module.code_id, module.debug_id)
    roles = {ROLES[one] for one in module.lacks} if module.lacks is not None else set(Role)
    return any(locations(asked, kind, source) for role in roles for kind in FILE_TYPES[form, role])
