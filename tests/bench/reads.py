"""What a crash reads from S3: the first one, the next ones, and whether that grows with the debug information."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.bench.ceph import PROGRAM, Ceph
from tests.bench.distant import Asked, distant
from tests.bench.figures import Goal, Section, number
from tests.bench.padding import appended, plain, spread
from tests.bench.stackwalk import CRASH

COLUMNS = ("GETs", "KB read", "PUTs", "ms of processor time")
LARGER = (4, 16)


def crash_by_crash(ceph: Ceph) -> tuple[Section, list[Goal]]:
    """Crashes one after another with the program, its companion and libraries in the store."""
    main, worker, starting = ceph.dumps.values()
    with distant() as store:
        store.add(*ceph.native)
        warm = store.cold()
        asked = {
            "first crash, cold process": store.crash(main, warm),
            "same crash again, warm process": store.crash(main, warm),
            "another thread in another run, cold process": store.crash(worker, store.cold()),
            "crash while starting, cold process": store.crash(starting, store.cold()),
        }
    first, again, other, _ = asked.values()
    section = Section("Crash by crash", ("crash", *COLUMNS), [(name, *_cells(one)) for name, one in asked.items()])
    return section, [
        Goal("GETs of a cold crash", first.gets, 20, ""),
        Goal("MB of a cold crash", first.bytes / 1e6, 8, "MB"),
        Goal("GETs of the second crash, another cold process", other.gets, 5, ""),
        Goal("MB of the second crash", other.bytes / 1e6, 1, "MB"),
        Goal("GETs of a repeated crash in a warm process", again.gets, 0, ""),
    ]


def growth(ceph: Ceph, rounds: int) -> tuple[Section, list[Goal]]:
    """The same cold crash with symbols that are larger: by functions that it does not touch, and by lines all over."""
    text = plain(next((ceph.breakpad / PROGRAM.name).rglob("*.sym")))
    variants = {"1 time": text} | {f"{times} times, more functions": appended(text, times) for times in LARGER}
    variants["every line cut in pieces"] = spread(text)
    asked = {name: _cold(ceph, path, rounds) for name, path in variants.items()}
    sizes = {name: f"{path.stat().st_size / 1e6:.0f}" for name, path in variants.items()}
    once, largest = asked["1 time"], asked[f"{LARGER[-1]} times, more functions"]
    section = Section(
        "A cold crash with larger debug information",
        ("debug information", "MB of text", *COLUMNS),
        [(name, sizes[name], *_cells(one)) for name, one in asked.items()],
    )
    grown = {"GETs": largest.gets / once.gets, "bytes": largest.bytes / once.bytes, "time": largest.cpu / once.cpu}
    goals = [Goal(f"{what} with 16 times the debug information", ratio, 1.15, "") for what, ratio in grown.items()]
    return section, goals


def _cold(ceph: Ceph, symbols: Path, rounds: int) -> Asked:
    """The median of crashes in processes that start with nothing, and find no hot set."""
    asked = []
    with distant() as store:
        store.add(symbols, *ceph.libraries)
        for _ in range(rounds):
            asked.append(store.crash(ceph.dumps[CRASH], store.cold()))
            store.forget()
    return Asked(
        *(statistics.median([getattr(one, field) for one in asked]) for field in ("gets", "puts", "bytes", "cpu"))
    )


def _cells(asked: Asked) -> Sequence[str]:
    return (number(asked.gets), f"{asked.bytes / 1000:,.0f}", number(asked.puts), number(1000 * asked.cpu))
