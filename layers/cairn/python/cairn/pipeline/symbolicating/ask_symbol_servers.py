"""A crash lacks symbols that the project's symbol servers may have: the debug-file queue is asked to fetch them.

May be done any number of times: for each module of a project one message is sent, until what it led to is too old.
"""

from __future__ import annotations

from collections.abc import Iterable

from cairn.crash.event_images import image_type
from cairn.crash.records import Crash, LoadedModule
from cairn.pipeline.symbolicating.wanted_modules import lacking_modules
from cairn.store.aws import Clients
from cairn.store.notifications import fetch_message
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.sources import ProjectSources, SourceList
from cairn.store.symbols.fetches import Fetches, FetchRequest, KnownFetch, fetch_key
from cairn.store.symbols.symbol_index import ID_LIMIT, ModuleIds
from cairn.store.symbols.waiting import MOST_MODULES
from cairn.symbols.sources.keys import file_name
from cairn.symbols.sources.layouts import locations
from cairn.symbols.sources.records import FILE_TYPES, ModuleFormat, Role, Source, SourceModule


class SymbolServerRequests:
    """The asking with what it needs; one serves many crashes."""

    def __init__(self, settings: Settings, clients: Clients, debug_files: Queue) -> None:
        self._sources = ProjectSources(settings, clients)
        self._fetches = Fetches(settings, clients)
        self._queue = debug_files

    def ask(self, project_id: int, crash: Crash, asked_by: str) -> int:
        """Have the files fetched that a crash lacks, and tell of how many modules. ``asked_by`` names the upload: for
        it a message is sent once more when nothing has come of the first. Raises ``StoreError`` where DynamoDB or SQS
        fail."""
        lacking = lacking_modules(crash.modules)[:MOST_MODULES]
        sources = self._sources.of(project_id) if lacking else SourceList()
        if not sources.sources:
            return 0
        form = image_type(crash.dump.system.os)
        wanted = [request for loaded in lacking if (request := request_for(project_id, loaded, form, sources.sources))]
        due = self._due(project_id, wanted, sources, asked_by)
        if not due or not self._fetches.count(project_id, len(due)):
            return 0
        new = [request for request in due if self._fetches.ask(request, sources.mark, asked_by)]
        self._queue.send_all([fetch_message(project_id, request.key) for request in new])
        return len(new)

    def _due(
        self, project_id: int, wanted: Iterable[FetchRequest], sources: SourceList, asked_by: str
    ) -> list[FetchRequest]:
        """Those that nobody has asked for: as a rule a crash is like the one before, and one read says so of all its
        modules."""
        by_ids: dict[ModuleIds, FetchRequest] = {(one.module.debug_id, one.module.code_id): one for one in wanted}
        known = self._fetches.find(project_id, by_ids)
        return [request for ids, request in by_ids.items() if is_due(known.get(ids), sources, asked_by)]


def is_due(known: KnownFetch | None, sources: SourceList, asked_by: str) -> bool:
    """Whether to ask for a module of which this is known. Who has asked asks again until it was tried."""
    if known is None or not known.counts(sources.mark):
        return True
    return known.tried is None and known.asked_by == asked_by


def request_for(project_id: int, loaded: LoadedModule, form: str, sources: Iterable[Source]) -> FetchRequest | None:
    """What to ask for a module; ``None`` when no server could have anything."""
    module = source_module(loaded, form)
    key = fetch_key((loaded.module.debug_id, loaded.module.code_id))
    if module is None or key is None:
        return None
    roles = tuple(role for role in lacking_roles(loaded) if can_be_had(module, role, sources))
    return FetchRequest(project_id, key, module, roles) if roles else None


def source_module(loaded: LoadedModule, form: str) -> SourceModule | None:
    """A module as servers are asked for it; ``None`` on systems whose programs are of none of the formats."""
    if form not in list(ModuleFormat):
        return None
    module = loaded.module
    code_id, debug_id = (text if len(text or "") <= ID_LIMIT else None for text in (module.code_id, module.debug_id))
    return SourceModule(
        ModuleFormat(form), file_name(module.code_file), file_name(module.debug_file), code_id, debug_id
    )


def lacking_roles(loaded: LoadedModule) -> tuple[Role, ...]:
    """What a module lacks files for."""
    has = loaded.symbols.features
    lacks = {Role.DEBUG: not has.debug_info, Role.CODE: not has.unwind_info}
    return tuple(role for role, is_lacking in lacks.items() if is_lacking)


def can_be_had(module: SourceModule, role: Role, sources: Iterable[Source]) -> bool:
    """Whether there is any place to ask for a file in this role."""
    return any(locations(module, kind, source) for source in sources for kind in FILE_TYPES[module.format, role])
