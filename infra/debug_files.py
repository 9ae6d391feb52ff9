"""From an uploaded debug file to a symbol file: a queue of debug files, and the function that compiles them.

The same function puts files together that came in chunks: both take minutes for a large file. It sends the crashes that
waited for a file to their queue again, and once a day it deletes the files that no crash used for long.
It scrubs the dumps that are too large for the function that reads them.
What a project's symbol servers may have it fetches: it is in no VPC, so the internet is what it reaches.
"""

from __future__ import annotations

from aws_cdk import Duration, Size
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from cairn.store.crashes.events import KEY as EVENTS
from cairn.store.crashes.signed_uploads import SENT_DUMPS
from cairn.store.crashes.uploads import DUMP, MANIFEST
from cairn.store.notifications import SWEEP
from cairn.store.projects import PROJECT
from cairn.store.queues import CRASH_QUEUE_VARIABLE, DEBUG_FILE_QUEUE_VARIABLE
from cairn.store.source_secrets import SECRET
from cairn.store.symbols.assemblies import PREFIX as ASSEMBLY
from cairn.store.symbols.debug_file_records import PREFIX as RECORD
from cairn.store.symbols.symbol_index import FAILURE, LISTING
from cairn.store.symbols.waiting import WAITING
from infra.function import Code, Function
from infra.settings import DeploymentSettings
from infra.storage import Storage
from infra.work_queue import WorkQueue

PASSING = (WAITING, LISTING, FAILURE, RECORD, ASSEMBLY)
"""Rows that the function removes: of crashes that wait no more, and of debug files that are gone."""

DESCRIPTION = "Makes a symbol file of a debug file"
TIMEOUT = Duration.minutes(15)
AT_ONCE = 5


class DebugFiles(Construct):
    """Each object under ``debug-files/`` becomes a message, each message a call of ``functions/compile_symbols``."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        code: Code,
        storage: Storage,
        settings: DeploymentSettings,
        *,
        crashes: WorkQueue,
    ) -> None:
        super().__init__(scope, name)
        self.files = WorkQueue(self, "Files", TIMEOUT)
        storage.tell(self.files.queue, prefix="debug-files/")
        self.worker = Function(
            self,
            "Compile",
            code,
            storage,
            settings,
            folder="compile_symbols",
            description=DESCRIPTION,
            memory_mb=settings.compile_memory_mb,
            timeout=TIMEOUT,
            layers=[code.cairn, code.debug_files],
            scratch=Size.gibibytes(10),
        )
        self.files.worked_by(self.worker, AT_ONCE)
        self.worker.function.add_environment(CRASH_QUEUE_VARIABLE, crashes.queue.queue_url)
        self.worker.function.add_environment(DEBUG_FILE_QUEUE_VARIABLE, self.files.queue.queue_url)
        self.worker.may_send(crashes.queue)
        self.worker.may_send(self.files.queue)
        self._may_compile(storage)
        self._may_fetch(storage, settings)
        self._may_scrub(storage)
        self._sweep_daily()

    def _may_compile(self, storage: Storage) -> None:
        """Put files together, compile them, delete them, and tell who waits."""
        worker = self.worker
        worker.may_use_table(storage.symbols, "Query", "DeleteItem", keys=PASSING)
        worker.may_use_table(storage.symbols, "GetItem", "BatchGetItem", "PutItem", "UpdateItem")
        worker.may_use_objects("chunks/", "GetObject")
        worker.may_use_objects("debug-files/", "GetObject", "PutObject", "AbortMultipartUpload", "DeleteObject")
        worker.may_use_objects("symbols/", "PutObject", "AbortMultipartUpload", "DeleteObject")
        worker.may_use_objects("hot/", "PutObject", "DeleteObject")
        worker.may_see_what_is_missing()

    def _may_fetch(self, storage: Storage, settings: DeploymentSettings) -> None:
        """Ask symbol servers, and show them who asks."""
        self.worker.may_use_table(storage.projects, "GetItem", keys=(PROJECT, SECRET))
        for bucket in settings.symbol_bucket_names:
            self.worker.may_read_bucket(bucket)

    def _may_scrub(self, storage: Storage) -> None:
        """Read a large dump, write it again or remove it, and note that with its event."""
        self.worker.may_use_crash_files(MANIFEST, "GetObject")
        for dump in (DUMP, SENT_DUMPS):
            self.worker.may_use_crash_files(dump, "GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
        self.worker.may_use_table(storage.events, "GetItem", "PutItem", "UpdateItem", keys=(EVENTS,))

    def _sweep_daily(self) -> None:
        sweep = targets.SqsQueue(
            self.files.queue,
            message=events.RuleTargetInput.from_object(SWEEP),
            dead_letter_queue=self.files.dead_letters,
        )
        events.Rule(
            self,
            "Daily",
            description="Deletes debug files that no crash used for long",
            schedule=events.Schedule.rate(Duration.days(1)),
            targets=[sweep],
        )
