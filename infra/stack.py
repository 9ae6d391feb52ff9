"""The whole deployment: one stack that works, one that watches it, and one for large uploads where it is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Stack
from constructs import Construct

from infra.bundling import ROOT
from infra.debug_file_api import DebugFileApi
from infra.debug_files import DebugFiles
from infra.function import Code
from infra.ingest import Ingest
from infra.large_uploads import LargeUploadsStack
from infra.monitoring import MonitoringStack
from infra.nag import review
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


def make_app(bundles: Path, outdir: Path | None = None, context: dict[str, Any] | None = None) -> App:
    """The app with its stacks, under review by cdk-nag. ``bundles`` has the zips that ``infra.bundling`` builds;
    ``context`` wins over ``cdk.json``. Raises ``SettingError``."""
    known = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(outdir) if outdir else None, context=known | (context or {}))
    settings = DeploymentSettings.from_context(app.node.try_get_context)
    cairn = CairnStack(app, settings, bundles)
    large_uploads = LargeUploadsStack(app, cairn, settings, bundles) if settings.large_uploads else None
    MonitoringStack(app, cairn, settings, large_uploads)
    review(app)
    return app
