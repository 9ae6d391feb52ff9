"""Real crashes for the peers: programs that crash under Crashpad, and Breakpad symbols for all their modules."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.contract.crashpad import compile_program, crash
from tests.parity.installed import install

SOURCE = (Path(__file__).parents[1] / "contract/crashes.cpp").read_text()
WAYS = ("null", "noncanonical", "abort", "throw", "fpe", "overflow")
BUILDS = {"plain": ("-O0",), "optimised": ("-O2", "-fomit-frame-pointer")}


def crash_all(folder: Path) -> Path:
    """A folder of dumps, ``<build>-<way>.dmp``, with a ``.sym`` file for every module that counts."""
    dumps = folder / "dumps"
    dumps.mkdir()
    for build, options in BUILDS.items():
        work = folder / build
        work.mkdir()
        program = compile_program(SOURCE, work, "-g", *options, name="crashes")
        for way in WAYS:
            (dumps / f"{build}-{way}.dmp").write_bytes(_crash(program, work / way, way))
        write_symbols([program, *_libraries(program)], dumps)
    return dumps


def _libraries(program: Path) -> list[Path]:
    """The libraries of a program, by their paths: in a dump they have no more than their names."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [Path(word) for line in listed.splitlines() for word in line.split() if word.startswith("/")]


def _crash(program: Path, folder: Path, way: str) -> bytes:
    folder.mkdir()
    (dump,) = crash(program, folder, arguments=(way,)).dumps
    return dump.read_bytes()


def write_symbols(files: list[Path], folder: Path) -> None:
    """A ``.sym`` in ``folder`` for each file that is there; stripped libraries have their unwind rules at least."""
    for file in files:
        target = folder / (str(file).replace("/", "_") + ".sym")
        if file.is_file() and not target.exists():
            done = subprocess.run([install() / "dump_syms", "--inlines", file], check=False, capture_output=True)
            if done.returncode == 0:
                target.write_bytes(done.stdout)
