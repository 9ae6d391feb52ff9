"""What the routes of the API work with, made once for the life of the process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.crashes.event_files import EventFiles
from cairn.store.notifications import assemble_message
from cairn.store.outcomes import Outcomes
from cairn.store.projects import Projects
from cairn.store.queues import DEBUG_FILE_QUEUE_VARIABLE, Queue
from cairn.store.settings import Settings
from cairn.store.symbols.assemblies import Assemblies
from cairn.store.symbols.chunks import Chunks
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.source_answers import SourceAnswers
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.store.symbols.waiting import WaitingCrashes
from cairn.store.tokens import ApiTokens
from cairn.web.assemble import AssembleCall
from cairn.web.dsyms import DebugFileList
from cairn.web.event_attachments import EventAttachments
from cairn.web.form_upload import FormUpload
from cairn.web.missing import MissingList
from cairn.web.source_files import SourceFiles
from cairn.web.symbol_server import SymbolServer


@dataclass(frozen=True, slots=True)
class Services:
    """Tokens, projects, the parts of the debug-file API, the symbol server, what became of crashes, and their files."""

    tokens: ApiTokens
    projects: Projects
    chunks: Chunks
    assemble: AssembleCall
    form_upload: FormUpload
    files: DebugFileList
    symbol_server: SymbolServer
    sources: SourceFiles
    missing: MissingList
    outcomes: Outcomes
    attachments: EventAttachments

    @classmethod
    def of(cls, settings: Settings, clients: Clients, queue_url: str) -> Services:
        """The services of a deployment."""
        queue, chunks, records = (
            Queue(clients, queue_url),
            Chunks(settings, clients),
            DebugFileRecords(settings, clients),
        )
        index, debug_files = SymbolIndex(settings, clients), DebugFiles(settings, clients)
        uses = LastUses(settings, clients)

        def ask_for_assembly(sha1: str, plan_id: str) -> None:
            queue.send(assemble_message(sha1, plan_id))

        assemble = AssembleCall(records, Assemblies(settings, clients), chunks, ask_for_assembly, uses)
        return cls(
            tokens=ApiTokens(settings, clients),
            projects=Projects(settings, clients),
            chunks=chunks,
            assemble=assemble,
            form_upload=FormUpload(chunks, assemble),
            files=DebugFileList(index, records, debug_files),
            symbol_server=SymbolServer(index, debug_files, uses),
            sources=SourceFiles(settings, clients, index, uses),
            missing=MissingList(WaitingCrashes(settings, clients), SourceAnswers(settings, clients)),
            outcomes=Outcomes(settings, clients),
            attachments=EventAttachments(EventFiles(settings, clients)),
        )

    @classmethod
    def from_environment(cls, clients: Clients, environment: Mapping[str, str] = os.environ) -> Services:
        """The services of the running function. Raises ``KeyError`` naming the variable that is missing."""
        return cls.of(Settings.from_environment(environment), clients, environment[DEBUG_FILE_QUEUE_VARIABLE])
