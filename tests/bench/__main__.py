"""``python -m tests.bench``: Cairn's speed beside its peers, in one run (``make bench``).

Prints tables, and writes them as Markdown to ``build/bench/performance.md``. Needs Debian 12 on x86-64, 12 GB of memory
and, the first time, 700 MB from Debian, npm and PyPI; the parts ``starts`` and ``load`` need none of these. Exits 1
when a goal is missed.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import cache

from tests.bench.ceph import FOLDER, prepare
from tests.bench.compiling import compiling
from tests.bench.figures import Goal, Section, goals_section
from tests.bench.function import symbolicate
from tests.bench.load import load
from tests.bench.reads import crash_by_crash, growth
from tests.bench.stackwalk import in_process, whole_commands
from tests.bench.starts import starts

Found = tuple[Section, list[Goal]]
SLOW_ROUNDS = 3
"""Rounds of what takes a minute each."""


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="walk, commands, reads, growth, starts, function, compile, load"
    )
    parser.add_argument("--rounds", type=int, default=11, help="runs of which the median counts")
    options = parser.parse_args()
    sections, goals = _measure(options.parts, options.rounds)
    text = "\n".join(
        line for section in ([goals_section(goals)] if goals else []) + sections for line in (*section.markdown(), "")
    )
    print(text)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "performance.md").write_text(text)
    return 0 if all(goal.is_met for goal in goals) else 1


def _measure(wanted: list[str], rounds: int) -> tuple[list[Section], list[Goal]]:
    slow, ceph = min(rounds, SLOW_ROUNDS), cache(prepare)
    parts: dict[str, Callable[[], Found]] = {
        "walk": lambda: in_process(ceph(), rounds),
        "commands": lambda: whole_commands(ceph(), rounds),
        "reads": lambda: crash_by_crash(ceph()),
        "growth": lambda: growth(ceph(), rounds),
        "starts": lambda: (starts(rounds), []),
        "function": lambda: (symbolicate(ceph(), rounds), []),
        "compile": lambda: compiling(ceph(), slow),
        "load": load,
    }
    if unknown := set(wanted) - set(parts):
        raise SystemExit(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    sections, goals = [], []
    for name, measure in parts.items():
        if not wanted or name in wanted:
            print(f"Measuring {name} on {platform.machine()}, Python {platform.python_version()}", flush=True)
            section, found = measure()
            sections.append(section)
            goals += found
    return sections, goals


if __name__ == "__main__":
    raise SystemExit(main())
