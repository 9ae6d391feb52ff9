"""The whole deployment: one stack that works, one that watches it, and one for large uploads where it is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.bundling import ROOT
from infra.large_uploads import LargeUploadsStack
from infra.monitoring import MonitoringStack
from infra.nag import review
from infra.settings import DeploymentSettings
from infra.stack import CairnStack


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
