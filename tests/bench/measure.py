"""What a command costs: processor time, elapsed time, and peak memory, each the median of interleaved runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
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


def run(command: Command, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. Its output is thrown away."""
    begin = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024)


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
