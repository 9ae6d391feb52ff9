"""``python -m tests.fuzz [TARGET …] [--seconds N]``: fuzz targets in turn, guided by the coverage of Cairn's code.

Needs atheris, which ``make fuzz`` puts into ``build/fuzz/atheris``. What is learnt stays in ``build/fuzz/corpus``, so
that the next run goes on from there; what is found goes to ``build/fuzz/findings``. Exits 1 when there is any. Each
target gets the seconds; without a name all have their turn.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
HOME = ROOT / "build/fuzz"
REAL_DUMPS = ROOT.parent / "shared/corpus"
"""Real dumps beside the checkout: seeds for the target ``dump`` where they are there, never kept."""

NAMES = [
    "reader",
    "dump",
    "walker",
    "crash",
    "symbol_file",
    "cfi_text",
    "breakpad_text",
    "program",
    "cabinet",
    "archive",
    "intake",
    "envelope",
    "event",
    "source_bundle",
    "scrub_dump",
    "scrub_event",
]
"""The targets of ``targets.py``, which only the child imports: there its imports are instrumented."""

MAX_SIZES = {"reader": 16384, "dump": 65536, "symbol_file": 4096, "cfi_text": 2048, "breakpad_text": 2048}
MAX_SIZE = 2048
STUCK = 30
"""Seconds after which one input ends the run; slow ones are found in CPU time, long before (``recorder.py``)."""
MEMORY = 300
"""MiB of the whole process: a third of it is Python, the library and what the fuzzer remembers."""
INTAKE_MEMORY = 500
"""The same where bodies are decompressed: xz may take 80 and zstd 128 (``intake/limits.py``), and both may be held."""
EVIL = (0, 1, 4, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


def main() -> int:
    """Fuzz each target in a child, which ends as libFuzzer pleases, and tell what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.targets) - set(NAMES):
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if options.child:
        fuzz(options.targets[0], options.seconds)
    os.nice(10)
    return max([fuzz_in_child(target, options.seconds) for target in options.targets])


def fuzz_in_child(target: str, seconds: int) -> int:
    """Fuzz one target: 0 if nothing was found."""
    findings = _folder("findings", target)
    before = set(findings.iterdir())
    command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(seconds), "--child"]
    child = subprocess.run(command, cwd=ROOT, check=False)
    found = sorted(set(findings.iterdir()) - before)
    print(f"{target}: {len(found)} findings", *found, sep="\n", flush=True)
    return 1 if found or child.returncode else 0


def fuzz(target: str, seconds: int) -> None:
    """Run libFuzzer on a target. Ends the process."""
    sys.path.append(str(HOME / "atheris"))
    try:
        import atheris  # type: ignore[import-untyped]
    except ImportError:
        sys.exit("There is no atheris here: run make fuzz.")
    with atheris.instrument_imports(include=["cairn", "multipart"], enable_loader_override=False):
        from tests.fuzz.recorder import Recorder
        from tests.fuzz.seeds import seeds
        from tests.fuzz.targets import TARGETS
    corpus, given, findings = _folder("corpus", target), _folder("seeds", target), _folder("findings", target)
    for number, seed in enumerate(seeds(target)):
        (given / str(number)).write_bytes(seed)
    folders = [str(corpus), str(given)]
    kept = Path(__file__).parent / "corpus" / target
    folders += [str(folder) for folder in (kept, *([REAL_DUMPS] if target == "dump" else [])) if folder.is_dir()]
    memory = INTAKE_MEMORY if target in ("intake", "envelope") else MEMORY
    limits = [f"-max_total_time={seconds}", f"-timeout={STUCK}", f"-rss_limit_mb={memory}", "-print_final_stats=1"]
    sizes = [f"-max_len={MAX_SIZES.get(target, MAX_SIZE)}", f"-artifact_prefix={findings}/"]
    mutator = {"custom_mutator": _mutator(atheris)} if target in ("reader", "dump", "program") else {}
    atheris.Setup([sys.argv[0], *limits, *sizes, *folders], Recorder(TARGETS[target], findings), **mutator)
    atheris.Fuzz()


def _folder(kind: str, target: str) -> Path:
    folder = HOME / kind / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _mutator(atheris: Any) -> Callable[[bytes, int, int], bytes]:
    """Every other time sets words of a dump to numbers that hurt: counts, sizes and addresses are words."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if len(data) < 32 or rng.random() < 0.5:
            usual: bytes = atheris.Mutate(data, max_size)
            return usual
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 4))):
            place = rng.randrange(len(data) // 4) * 4
            value = rng.choice(EVIL) if rng.random() < 0.6 else rng.randrange(2 * len(data))
            changed[place : place + 4] = value.to_bytes(4, "little")
        return bytes(changed[:max_size])

    return mutate


if __name__ == "__main__":
    sys.exit(main())
