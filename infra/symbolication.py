"""From a stored upload to an event: a queue of crashes, and the function that symbolicates them."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from cairn.store.crashes.events import ISSUE_INDEX
from cairn.store.crashes.signed_uploads import SENT
from cairn.store.crashes.uploads import DUMP, MANIFEST
from cairn.store.outcomes import PREFIX as OUTCOMES
from cairn.store.projects import PROJECT
from cairn.store.queues import DEBUG_FILE_QUEUE_VARIABLE
from cairn.store.symbols.fetches import FETCH
from cairn.store.symbols.symbol_index import LISTING
from cairn.store.symbols.waiting import WAITING, WANTED
from infra.function import Code, Function
from infra.settings import DeploymentSettings
from infra.storage import Storage
from infra.work_queue import WorkQueue

TIMEOUT = Duration.minutes(2)
MEMORY_MB = 1769
"""What Lambda gives one whole processor for."""


class Symbolication(Construct):
    """Each ``crashes/…/upload.json`` becomes a message, each message a call of ``functions/symbolicate``."""

    def __init__(self, scope: Construct, name: str, code: Code, storage: Storage, settings: DeploymentSettings) -> None:
        super().__init__(scope, name)
        self.crashes = WorkQueue(self, "Crashes", TIMEOUT)
        storage.tell(self.crashes.queue, prefix="crashes/", suffix="upload.json")
        self.worker = Function(
            self,
            "Symbolicate",
            code,
            storage,
            settings,
            folder="symbolicate",
            description="Makes an event of a stored upload",
            memory_mb=MEMORY_MB,
            timeout=TIMEOUT,
            layers=[code.cairn],
        )
        self.crashes.worked_by(self.worker, settings.symbolication_concurrency)
        self.worker.may_use_table(storage.symbols, "BatchGetItem")
        self.worker.may_use_table(storage.symbols, "GetItem", "BatchWriteItem", keys=(WAITING, WANTED))
        self.worker.may_use_table(storage.symbols, "UpdateItem", keys=(LISTING, FETCH))
        self.worker.may_use_table(storage.events, "GetItem", "PutItem")
        self.worker.may_use_table(storage.events, "UpdateItem", keys=(OUTCOMES,))
        self.worker.may_use_table(storage.projects, "GetItem", keys=(PROJECT,))
        self.worker.may_query_index(storage.events, ISSUE_INDEX)
        self.worker.may_use_objects("crashes/", "GetObject")
        self.worker.may_use_crash_files(DUMP, "PutObject", "DeleteObject")
        self.worker.may_use_crash_files(MANIFEST, "PutObject")
        self.worker.may_use_objects("symbols/", "GetObject")
        self.worker.may_use_objects("debug-files/", "GetObject")
        self.worker.may_use_objects(SENT, "PutObject", "DeleteObject")
        self.worker.may_use_objects("hot/", "GetObject", "PutObject")
        self.worker.may_use_objects("events/", "PutObject")
        self.worker.may_see_what_is_missing()

    def may_ask_for(self, debug_files: WorkQueue) -> None:
        """Let it ask for files that symbol servers may have."""
        self.worker.function.add_environment(DEBUG_FILE_QUEUE_VARIABLE, debug_files.queue.queue_url)
        self.worker.may_send(debug_files.queue)
