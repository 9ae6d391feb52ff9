"""The stack that takes crashes and symbols: all that Cairn needs."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Stack
from constructs import Construct

from infra.debug_file_api import DebugFileApi
from infra.debug_files import DebugFiles
from infra.function import Code
from infra.ingest import Ingest
from infra.settings import DeploymentSettings
from infra.storage import Storage
from infra.symbolication import Symbolication


class CairnStack(Stack):
    """Storage, the way in, symbolication and debug files. The outputs are what the command line looks for."""

    def __init__(self, scope: Construct, settings: DeploymentSettings, bundles: Path) -> None:
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        super().__init__(scope, settings.stack_name, description="Cairn, a crash reporter", synthesizer=synthesizer)
        code = Code(self, "Code", bundles)
        self.storage = Storage(self, "Storage", settings)
        self.ingest = Ingest(self, "Ingest", code, self.storage, settings)
        self.symbolication = Symbolication(self, "Symbolication", code, self.storage, settings)
        self.debug_files = DebugFiles(
            self, "DebugFiles", code, self.storage, settings, crashes=self.symbolication.crashes
        )
        self.symbolication.may_ask_for(self.debug_files.files)
        self.debug_file_api = DebugFileApi(
            self,
            "DebugFileApi",
            code,
            self.storage,
            settings,
            api=self.ingest.api,
            files=self.debug_files.files,
        )
        for name, value in self._results().items():
            CfnOutput(self, name, value=value)

    def _results(self) -> dict[str, str]:
        return {
            "Endpoint": self.ingest.endpoint,
            "Bucket": self.storage.bucket.bucket_name,
            "ProjectsTable": self.storage.projects.table_name,
            "SymbolsTable": self.storage.symbols.table_name,
            "EventsTable": self.storage.events.table_name,
            "CrashQueue": self.symbolication.crashes.queue.queue_url,
            "CrashDeadLetters": self.symbolication.crashes.dead_letters.queue_url,
            "DebugFileQueue": self.debug_files.files.queue.queue_url,
            "DebugFileDeadLetters": self.debug_files.files.dead_letters.queue_url,
        }
