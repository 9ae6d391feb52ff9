"""What a function finds beside its own bundle: an interpreter and boto3, as on AWS, and nothing of this machine.

The emulator starts functions by ``sys.executable`` in its own environment, where everything that happens to be
installed can be imported and a dependency missing from a bundle goes unnoticed. So it gets another executable.
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What the Lambda runtime carries for Python functions."""


def build_runtime(folder: Path, hidden: tuple[str, ...]) -> Path:
    """Make ``folder`` the home of functions and return the executable that starts them.

    ``hidden`` names environment variables that functions must not see.
    """
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_PACKAGES:
        _link(packages, name)
    launcher = folder / "python"
    launcher.write_text(
        "#!/bin/sh\n"
        f"unset {' '.join(hidden)}\n"
        f"export PYTHONPATH={shlex.quote(str(packages))} PYTHONDONTWRITEBYTECODE=1 LANG=en_US.UTF-8 TZ=:UTC\n"
        f'exec {shlex.quote(sys.executable)} -S -P "$@"\n'
    )
    launcher.chmod(0o700)
    return launcher


def _link(packages: Path, name: str) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed; it comes with the `local` dependency group")
    origin = Path(spec.origin)
    source = origin.parent if origin.name == "__init__.py" else origin
    link = packages / source.name
    link.unlink(missing_ok=True)
    link.symlink_to(source)
