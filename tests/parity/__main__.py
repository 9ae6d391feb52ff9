"""Holds Cairn's walker against Breakpad's and rust-minidump's: ``python -m tests.parity DUMPS --symbols FOLDER``.

Walks every dump below DUMPS with all three and prints where they differ, and why. The peers are fetched into
``build/parity``, or their recorded outputs are read (``--recorded``). Without DUMPS: the corpus if it lies beside the
checkout, else the sample of the demo. Exit code 1 if a difference is not explained, or a walk fails or takes too much.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

from tests.parity.compare import Dump, Thread
from tests.parity.explained import Explained
from tests.parity.harness import Peers, walk_all
from tests.parity.installed import install
from tests.parity.run import Symbols

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared/corpus"
SAMPLE = ROOT / "cli/cairn_cli/demo/sample"


def main() -> int:
    """The command line; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folders = arguments.symbols or [arguments.dumps]
        files = sorted(file for folder in folders for file in folder.rglob("*.sym"))
        programs = None if arguments.recorded else install()
        symbols = Symbols.of(files, arguments.cache or Path(scratch))
        dumps = []
        for dump in walk_all(Peers(arguments.dumps, symbols, programs, arguments.recorded), Explained.read()):
            dumps.append(dump)
            _print(dump, arguments.verbose)
    print(summary(dumps))
    return 1 if any(dump.wrong or dump.unexplained for dump in dumps) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__.split("\n")[0])
    parser.add_argument("dumps", type=Path, nargs="?", help="folder of *.dmp files")
    parser.add_argument("--symbols", type=Path, action="append", help="folder of Breakpad .sym files (DUMPS)")
    parser.add_argument("--recorded", type=Path, help="folder of the peers' outputs: compare with these")
    parser.add_argument("--cache", type=Path, help="folder to keep compiled symbols in, for the next time")
    parser.add_argument("--verbose", action="store_true", help="show the frames of explained differences too")
    arguments = parser.parse_args()
    if arguments.dumps is None:
        arguments.dumps = CORPUS if CORPUS.is_dir() else SAMPLE
        arguments.recorded = arguments.recorded or (CORPUS / "ref" if CORPUS.is_dir() else None)
    return arguments


def _print(dump: Dump, verbose: bool) -> None:
    rules = Counter(thread.rule or "UNEXPLAINED" for thread in dump.threads)
    counted = ", ".join(f"{count} {rule}" for rule, count in rules.most_common()) or "no threads"
    print(f"{dump.name}: {counted}  ({dump.seconds:.2f} s, {dump.megabytes:.0f} MB)")
    for text in dump.explained:
        print(f"    {text}")
    for text in dump.wrong:
        print(f"  ! {text}")
    for thread in dump.threads:
        if thread.rule is None or (verbose and thread.rule not in ("same", "no frames")):
            _print_frames(thread)


def _print_frames(thread: Thread) -> None:
    """The walkers side by side, with a mark on the first frame that differs."""
    print(f"  {'!' if thread.rule is None else ' '} thread {thread.number}: {thread.rule or 'unexplained'}")
    print("        " + "".join(f"{walker:<20}" for walker in thread.frames))
    marked = False
    for number, row in enumerate(zip_longest(*thread.frames.values())):
        differs = not marked and (None in row or max(row) - min(row) > 8)
        marked = marked or differs
        cells = "".join(f"{'-' if address is None else f'{address:#x}':<20}" for address in row)
        print(f"    {'>' if differs else ' '} {number:>2} {cells}".rstrip())


def summary(dumps: Iterable[Dump]) -> str:
    """The figures of a run, in a line."""
    dumps = list(dumps)
    threads = [thread for dump in dumps for thread in dump.threads if len(thread.frames) > 1]
    agreed = [thread for thread in threads if thread.peers_agree]
    same = sum(thread.rule == "same" for thread in agreed)
    unexplained = sum(thread.rule is None for thread in threads)
    wrong = sum(len(dump.wrong) for dump in dumps)
    return (
        f"{len(dumps)} dumps, {len(threads)} threads. Where the peers agree ({len(agreed)}): {same} the same, "
        f"{len(agreed) - same} not. Where they do not ({len(threads) - len(agreed)}): "
        f"{len(threads) - len(agreed)} compared. Unexplained: {unexplained}. Other faults: {wrong}. "
        f"At most {max((dump.seconds for dump in dumps), default=0):.2f} s of CPU time and "
        f"{max((dump.megabytes for dump in dumps), default=0):.0f} MB for a dump."
    )


if __name__ == "__main__":
    sys.exit(main())
