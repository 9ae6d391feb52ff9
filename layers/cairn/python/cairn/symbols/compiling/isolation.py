"""Running the native readers in a child process, whose death is an answer.

A plain subprocess: a Lambda has neither the semaphores nor the shared memory of ``multiprocessing``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cairn.symbols.compiling.answers import LIMITS, no_memory, result_in, too_large
from cairn.symbols.errors import DebugFileError, MalformedDebugFileError

_SIGNS_OF_NO_MEMORY = (
    b"memory allocation of",
    b"MemoryError",
    b"Cannot allocate memory",
    b"failed to map segment",
    b"not enough memory",
)
CHILD = "cairn.symbols.compiling.child"
MAPPED_ALONE = 1 << 20
"""Bytes from which on glibc takes memory from the system for one thing alone, and gives it back after that: two threads
of ``symbolic`` need 50 MB less so."""

_TOO_LARGE_SIGNALS = (signal.SIGKILL, signal.SIGXCPU)
"""What the kernel sends when memory or CPU time run out."""


def _most_memory() -> int:
    """Bytes a child may have: what the machine has, less a part for everything else."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 85 // 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: seconds of time, and bytes of memory of its own."""

    seconds: int = 780
    memory: int = field(default_factory=_most_memory)


def run_isolated(operation: str, arguments: Sequence[str], limits: Limits) -> Any:
    """Run an operation of ``child.py`` and return its answer.

    Raises:
        DebugFileError: the one the child reports, or one that says how it died.
        OSError: the child could not read or write a file (no room, no permission).
    """
    command = [sys.executable, "-m", CHILD, operation, *arguments]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        LIMITS: f"{limits.seconds},{limits.memory}",
        "MALLOC_MMAP_THRESHOLD_": str(MAPPED_ALONE),
    }
    try:
        child = subprocess.run(  # noqa: S603
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limits.seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise too_large(f"took more than {limits.seconds} seconds") from None
    if child.returncode:
        raise _death(child.returncode, child.stderr, limits)
    return result_in(child.stdout)


def _death(code: int, output: bytes, limits: Limits) -> DebugFileError:
    if any(sign in output for sign in _SIGNS_OF_NO_MEMORY):
        return no_memory(limits.memory)
    if code < 0 and -code in _TOO_LARGE_SIGNALS:
        return too_large(f"ran out of its {limits.memory >> 20} MB of memory or its {limits.seconds} seconds")
    name = signal.Signals(-code).name if code < 0 else f"status {code}"
    return MalformedDebugFileError(
        f"This file could not be read: its reader died ({name}). The file is damaged, or shows a fault of the reader."
    )
