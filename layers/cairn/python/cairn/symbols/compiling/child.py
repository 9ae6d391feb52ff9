"""The child process that reads debug files: ``python -m cairn.symbols.compiling.child OPERATION ARGUMENTS``.

It limits itself, does one operation and prints its answer (``answers.py``).
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import sys
from pathlib import Path
from typing import Any

from cairn.symbols.compiling.answers import LIMITS, answer_of
from cairn.symbols.compiling.side_by_side import has_two_processors

STACK_BYTES = 120 * 1024 * 1024
"""For deeply nested names, which the demanglers read by recursion."""


def main() -> None:
    gc.disable()  # one operation, then the end: looking for cycles among millions of rows took a tenth of the time
    _limit(*map(int, os.environ[LIMITS].split(",")))
    sys.stdout.write(answer_of(lambda: _run(*sys.argv[1:])))


def _run(operation: str, *arguments: str) -> Any:
    # Loads native code: only under the limits.
    from cairn.symbols.compiling.compiler import compile_here, compile_sources_here, identify_here

    if operation == "identify":
        return identify_here([Path(path) for path in arguments])
    path, out_dir = arguments
    if operation == "compile_sources":
        return compile_sources_here(Path(path), Path(out_dir)).to_json()
    compiled = compile_here(Path(path), Path(out_dir), side_by_side=has_two_processors())
    return [one.to_json() for one in compiled]


def _limit(seconds: int, memory: int) -> None:
    for kind, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, 2 * seconds if has_two_processors() else seconds),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_STACK, STACK_BYTES),
    ):
        _, most = resource.getrlimit(kind)
        soft = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):  # a system that does not know a limit goes without it
            resource.setrlimit(kind, (soft, most))


if __name__ == "__main__":
    main()
