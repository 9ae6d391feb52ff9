"""The `cairn` command as a user runs it: as a process, with what it prints and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAIRN = str(Path(sys.executable).parent / "cairn")


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def cairn(*arguments: str | Path, environment: Mapping[str, str] | None = None, stdin: str | None = None) -> Done:
    """Run `cairn`, with ``stdin`` if it is given."""
    command = [CAIRN, *map(str, arguments)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=120, input=stdin
    )
    return Done(done.returncode, done.stdout, done.stderr)
