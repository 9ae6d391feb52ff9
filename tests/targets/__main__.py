"""``python -m tests.targets [--seeds N] [--functions N]``: the test of every instruction, with many more programs.

Prints a line for each program and what was wrong with it; exits 1 when anything was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.targets.check import check
from tests.targets.generated import FUNCTIONS, generate
from tests.targets.zig import (
    LINUX_AMD64,
    LINUX_ARM,
    LINUX_ARM64,
    MACOS_AMD64,
    MACOS_ARM64,
    WINDOWS_AMD64,
    WINDOWS_ARM64,
    WINDOWS_X86,
    Target,
    build,
)

LEVELS = ("-O0", "-O1", "-O2", "-Oz", "-O2 -fno-omit-frame-pointer", "-O2 -fomit-frame-pointer")
SIGNED = ("-O1 -mbranch-protection=standard",)
LIKE_APPLE = "-fno-asynchronous-unwind-tables -funwind-tables -mno-omit-leaf-frame-pointer"
VERSION_2 = ("-O2 -Xclang -fwinx64-eh-unwindv2=best-effort",)
ALL: tuple[tuple[Target, bool, tuple[str, ...]], ...] = (
    (WINDOWS_AMD64, True, LEVELS + VERSION_2),
    (WINDOWS_ARM64, True, LEVELS + SIGNED),
    (LINUX_AMD64, True, LEVELS),
    (LINUX_ARM64, True, LEVELS + SIGNED),
    (WINDOWS_X86, False, LEVELS),
    (LINUX_ARM, False, (*LEVELS, "-O2 -mthumb", "-O2 -marm")),
    (MACOS_AMD64, True, LEVELS),
    (MACOS_ARM64, True, (*LEVELS, *(f"{level} {LIKE_APPLE}" for level in ("-O0", "-O1", "-O2")))),
)
"""Systems; whether their unwind data holds at every instruction; ways to compile."""


def main() -> int:
    """Check all programs, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.targets", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="programs to make up")
    parser.add_argument("--functions", type=int, default=FUNCTIONS, help="functions in each")
    parser.add_argument("--target", default="", help="only systems whose name has this in it")
    options = parser.parse_args()
    wrong = 0
    for target, everywhere, ways in ALL:
        if options.target in target.name:
            for seed in range(1, options.seeds + 1):
                wrong += sum(_check(target, everywhere, flags, seed, options.functions) for flags in ways)
    return 1 if wrong else 0


def _check(target: Target, everywhere: bool, flags: str, seed: int, functions: int) -> int:
    program = generate(seed, functions)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "generated.c"
        source.write_text(program.source)
        found = check(program, build(target, source, *flags.split()), everywhere)
    print(
        f"{target.name} {flags} seed {seed}: {found.places} places, {found.calls} calls, {found.stacks} stacks, "
        f"{len(found.wrong)} wrong",
        *found.wrong[:3],
        sep="\n  ",
        flush=True,
    )
    return len(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
