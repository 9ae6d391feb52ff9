"""Compiling a debug file, beside `symbolic` alone making its cache of the same file, and beside dump_syms."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.bench.ceph import FOLDER, Ceph
from tests.bench.figures import Goal, Section, number
from tests.bench.measure import Command, interleaved, python_environment
from tests.parity.installed import install

OURS, ALONE, DUMP_SYMS = "Cairn: a symbol file", "symbolic alone: a symcache", "dump_syms --inlines: text"
ONE = "Cairn, on one processor"

COMPILE = """
import sys, tempfile
from pathlib import Path
from cairn.symbols.compiling.compile import compile_debug_file
with tempfile.TemporaryDirectory() as folder:
    compile_debug_file(Path(sys.argv[1]), Path(folder))
"""
SYMCACHE = """
import sys
from symbolic.debuginfo import Archive
for one in Archive.open(sys.argv[1]).iter_objects():
    one.make_symcache()
"""


def compiling(ceph: Ceph, rounds: int) -> tuple[Section, list[Goal]]:
    """The companion with 230 MB of compressed DWARF. The goals are by the clock, which a user waits for and a
    Lambda is paid by: the peers work on one processor, Cairn on two where it may."""
    path: Path = ceph.companion
    ours: Command = [sys.executable, "-c", COMPILE, path]
    commands: dict[str, Command] = {
        OURS: ours,
        ONE: ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *ours],
        ALONE: [sys.executable, "-c", SYMCACHE, path],
        DUMP_SYMS: [install() / "dump_syms", "--inlines", path, "-o", FOLDER / "dumped.sym"],
    }
    costs = interleaved(commands, rounds, python_environment(FOLDER / "bytecode"))
    section = Section(
        f"Compiling {path.stat().st_size / 1e6:.0f} MB of debug information",
        ("command", "s by the clock", "s of processor time", "MB at most"),
        [(name, number(c.seconds), number(c.cpu), number(c.megabytes)) for name, c in costs.items()],
    )
    cairn, alone, dumped = (costs[name] for name in (OURS, ALONE, DUMP_SYMS))
    return section, [
        Goal("compiling: times the time of symbolic alone", cairn.seconds / alone.seconds, 1.3, ""),
        Goal("compiling: times as fast as dump_syms", dumped.seconds / cairn.seconds, 1.2, "", at_least=True),
        Goal("compiling: times the memory of symbolic alone", cairn.megabytes / alone.megabytes, 1.05, ""),
    ]
