"""A folder of dumps, walked by Cairn and its peers: run now, or as recorded before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from cairn.minidump.reader import read
from tests.parity.compare import BREAKPAD, RUST, Dump, compare
from tests.parity.evidence import Evidence
from tests.parity.explained import Explained
from tests.parity.run import Cairn, Ran, Symbols, breakpad, rust_minidump
from tests.parity.walks import Walk, from_breakpad, from_json

SECONDS, MEGABYTES = 2.0, 200.0
"""What the walk of one dump may use, CPU time and memory at the peak."""


@dataclass(frozen=True)
class Peers:
    """Where the peers' walks come from: the folder of their ``programs``, or one of what was ``recorded``.

    A recorded folder has ``rust-minidump/json/<dump>.json`` and ``breakpad/plain/<dump>.txt``.
    """

    dumps: Path
    symbols: Symbols
    programs: Path | None = None
    recorded: Path | None = None

    def walks(self, dump: Path, writer: int | None) -> dict[str, Walk]:
        """What each peer says; a peer that says nothing is left out."""
        if self.programs is not None:
            found = {
                RUST: rust_minidump(dump, self.symbols, self.programs),
                BREAKPAD: breakpad(dump, self.symbols, self.programs, writer),
            }
        else:
            found = {
                RUST: from_json(self._text(dump, "rust-minidump/json", "json")),
                BREAKPAD: from_breakpad(self._text(dump, "breakpad/plain", "txt"), writer),
            }
        return {peer: walk for peer, walk in found.items() if walk is not None}

    def _text(self, dump: Path, tool: str, suffix: str) -> str:
        assert self.recorded is not None
        path = self.recorded / tool / f"{dump.relative_to(self.dumps)}.{suffix}"
        return path.read_text(errors="replace") if path.exists() else ""


def walk_all(peers: Peers, explained: Explained, workers: int = 2) -> Iterator[Dump]:
    """Every ``*.dmp`` below ``peers.dumps``, in order."""
    with ExitStack() as running, ThreadPoolExecutor(workers) as pool:
        idle: SimpleQueue[Cairn] = SimpleQueue()
        for _ in range(workers):
            idle.put(running.enter_context(Cairn()))
        yield from pool.map(lambda dump: _walk_one(dump, peers, explained, idle), sorted(peers.dumps.rglob("*.dmp")))


def _walk_one(path: Path, peers: Peers, explained: Explained, idle: SimpleQueue[Cairn]) -> Dump:
    name = str(path.relative_to(peers.dumps))
    cairn = idle.get()
    ran = cairn.walk(path, peers.symbols)
    idle.put(cairn)
    used = _limits(ran)
    ours = from_json(ran.out) if ran.code == 0 else None
    if ours is None:
        done = Dump(name, (), _failure(ran), (ran.err.strip(),))
    else:
        evidence = cache(lambda: Evidence(read(path.read_bytes()), peers.symbols, ours))
        done = compare(name, ours, peers.walks(path, ours.writer), evidence, explained)
    return replace(done, wrong=(*done.wrong, *used), seconds=ran.seconds, megabytes=ran.megabytes)


def _failure(ran: Ran) -> tuple[str, ...]:
    """A dump that cannot be read is said in a line, with exit code 1; everything else is a fault."""
    if ran.code == 1 and ran.err.startswith("cairn: ") and "Traceback" not in ran.err:
        return ()
    return (f"Cairn ended with {ran.code}: {ran.err.strip()[-500:]}",)


def _limits(ran: Ran) -> tuple[str, ...]:
    slow = f"took {ran.seconds:.1f} s of CPU time, {SECONDS} is the most" if ran.seconds > SECONDS else None
    large = f"took {ran.megabytes:.0f} MB, {MEGABYTES:.0f} is the most" if ran.megabytes > MEGABYTES else None
    return tuple(text for text in (slow, large) if text)
