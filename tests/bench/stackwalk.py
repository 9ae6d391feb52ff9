"""One dump on this machine: how long a walk takes in a process, and whole commands beside their peers."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cairn.crash.process import process
from cairn.crash.records import Crash
from cairn.crash.symbolication import SymbolFinder
from cairn_cli.local_symbols import FolderFinder
from tests.bench.ceph import FOLDER, Ceph
from tests.bench.figures import Goal, Section, number
from tests.bench.measure import Command, interleaved, python_environment
from tests.parity.installed import install

CACHE = FOLDER / "cache"
CAIRN = Path(sys.executable).parent / "cairn"
RUST, BREAKPAD, OURS = "rust-minidump", "Breakpad", "Cairn"
CRASH = "main thread"


def in_process(ceph: Ceph, rounds: int) -> tuple[Section, list[Goal]]:
    """Walking and naming, with symbols that are compiled: just opened, and open from a crash before."""
    data = ceph.dumps[CRASH].read_bytes()
    fresh, kept = [], []
    for _ in range(rounds + 1):
        finder = FolderFinder(ceph.native, CACHE)
        finder.find(None, "nothing")  # lists the files, which is not part of a walk
        fresh.append(_timed(data, finder))
        kept.append(_timed(data, finder))
    crash = process(data, finder)
    just_opened, open_before = (1000 * statistics.median(taken[1:]) for taken in (fresh, kept))
    rows = [("symbol files just opened", number(just_opened)), ("open from a crash before", number(open_before))]
    section = Section(
        f"Walking and naming in a process: {_size_of(crash)}",
        ("symbols", "ms of processor time"),
        rows,
        (_against(ceph),),
    )
    return section, [Goal("walking and naming, symbols warm", open_before, 30, "ms")]


def _timed(data: bytes, finder: SymbolFinder) -> float:
    begin = time.process_time()
    process(data, finder)
    return time.process_time() - begin


def _size_of(crash: Crash) -> str:
    frames = [named for stack in crash.stacks for named in stack.frames]
    with_inlined = sum(max(1, len(named.calls)) for named in frames)
    return f"{len(crash.stacks)} threads, {len(frames)} frames, {with_inlined} with inlined calls"


def _against(ceph: Ceph) -> str:
    """Whether rust-minidump finds the same frames with the same symbols."""
    dump = ceph.dumps[CRASH]
    peer: list[str | Path] = [install() / "minidump-stackwalk", "--json", dump, ceph.breakpad]
    ours: list[str | Path] = [CAIRN, "stackwalk", "--json", dump, "--symbols", ceph.breakpad, "--cache", CACHE]
    theirs, found = (_offsets(command) for command in (peer, ours))
    same = sum(left == right for left, right in zip(theirs, found, strict=True))
    return f"With the same Breakpad symbols rust-minidump finds the same frames in {same} of {len(found)} threads."


def _offsets(command: Command) -> list[list[object]]:
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True)
    threads = json.loads(done.stdout)["threads"]
    return [[frame["module_offset"] for frame in thread["frames"]] for thread in threads]


def whole_commands(ceph: Ceph, rounds: int) -> tuple[Section, list[Goal]]:
    """`cairn stackwalk --json` beside the commands of the peers, all with the same Breakpad symbols."""
    dump, symbols = ceph.dumps[CRASH], ceph.breakpad
    commands: dict[str, Command] = {
        OURS: [CAIRN, "stackwalk", "--json", dump, "--symbols", symbols, "--cache", CACHE],
        RUST: [install() / "minidump-stackwalk", "--json", dump, symbols],
        BREAKPAD: [install() / "minidump_stackwalk", dump, symbols],
    }
    costs = interleaved(commands, rounds, python_environment(FOLDER / "bytecode"))
    rows: list[Sequence[str]] = [
        (name, number(1000 * cost.cpu), number(1000 * cost.seconds), number(cost.megabytes))
        for name, cost in costs.items()
    ]
    ours, rust, breakpad = (costs[name] for name in (OURS, RUST, BREAKPAD))
    size = sum(path.stat().st_size for path in symbols.rglob("*.sym")) / 1e6
    section = Section(
        f"Whole commands: the same dump and {number(size)} MB of Breakpad symbols",
        ("command", "ms of processor time", "ms by the clock", "MB at most"),
        rows,
        ("Cairn compiled the symbols when it first saw them; the peers read the text each time.",),
    )
    return section, [
        Goal("times as fast as rust-minidump", rust.cpu / ours.cpu, 3, "", at_least=True),
        Goal("of rust-minidump's memory", ours.megabytes / rust.megabytes, 0.33, ""),
        Goal("times as fast as Breakpad", breakpad.cpu / ours.cpu, 20, "", at_least=True),
    ]
