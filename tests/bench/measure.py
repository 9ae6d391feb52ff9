"""What a command costs: processor time, elapsed time, and peak memory, each the median of interleaved runs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time (user and system, children included) and of the clock, and peak memory in MB."""

    cpu: float
    seconds: float
    megabytes: float


LAUNCHER = """
import json, os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
begin = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime,
                  time.monotonic() - begin, used.ru_maxrss / 1024]))
"""
"""Starts a command and waits for it. The peak memory that Linux tells of a process is never below its parent's, so the
parent has to be a small one."""


def run(command: Command, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. Its output is thrown away."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, *(str(word) for word in command)]
    done = subprocess.run(launch, check=True, capture_output=True, env=environment)
    code, *cost = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{command[0]} ended with {code}")
    return Cost(*cost)


def interleaved(
    commands: Mapping[str, Command], rounds: int, environment: Mapping[str, str] | None = None
) -> dict[str, Cost]:
    """The median costs of commands by name. They take turns, so that other work on the machine hits all alike; one
    round before the first is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            print(f"  round {number} of {rounds}: {name}", end="\r\033[K", flush=True)
            cost = run(command, environment)
            if number:
                costs[name].append(cost)
    return {name: Cost(*_medians(taken)) for name, taken in costs.items()}


def _medians(costs: Sequence[Cost]) -> Iterator[float]:
    for field in ("cpu", "seconds", "megabytes"):
        yield statistics.median(getattr(cost, field) for cost in costs)


def python_environment(folder: Path) -> dict[str, str]:
    """The environment in which Python keeps its bytecode, as an installed program has it: in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}
