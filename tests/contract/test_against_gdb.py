"""The stacks that gdb shows of a live program, against those that Cairn finds in the minidump of the same crash.

Every frame that gdb shows from the crash to ``main`` must be there, inlined calls included: by function and line in the
program itself, by count in the libraries (gdb may have no names for them).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cairn.crash.build_event import Received, build_event
from cairn.crash.event import Frame
from cairn.crash.function_name import trim
from cairn.crash.process import process
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.contract.crashpad import compile_program, crash
from tests.crash.symbol_files import Files, compiled

HERE = Path(__file__).parent
SOURCE = (HERE / "crashes.cpp").read_text()
WAYS = [
    "null",
    "noncanonical",
    "bad_jump",
    "null_jump",
    "abort",
    "throw",
    "assert",
    "fpe",
    "trap",
    "breakpoint",
    "bus",
    "read_only",
    "memcpy",
    "kill",
    "overflow",
]
BUILDS = {
    f"{level}{pointer}{position}": (level, *pointer.split(), *position.split())
    for level, pointer, position in product(("-O0", "-O2"), ("", " -fno-omit-frame-pointer"), ("", " -no-pie -fno-pie"))
}
NOT_IN_THE_DUMP = {"overflow": "Crashpad keeps the alternate signal stack, not the one that overflowed"}

pytestmark = pytest.mark.skipif(not (shutil.which("g++") and shutil.which("gdb")), reason="needs g++ and gdb")

Shown = list[tuple[str, int | None]]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> list[SymbolFile]:
    """The unwind information of the system's own libraries, which lies in them though they are stripped."""
    program = compile_program(SOURCE, tmp_path_factory.mktemp("any"))
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    paths = [Path(word) for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    return compiled(tmp_path_factory.mktemp("libraries"), *paths)


@pytest.fixture(scope="module", params=BUILDS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program as compiled, and a stripped copy to run."""
    folder = tmp_path_factory.mktemp("build")
    program = compile_program(SOURCE, folder, "-g", *BUILDS[request.param], name="crashes")
    stripped = folder / "stripped" / "crashes"
    stripped.parent.mkdir()
    subprocess.run(["strip", "-o", stripped, program], check=True)
    return program, stripped


@pytest.fixture(scope="module")
def gdb_stacks(built: tuple[Path, Path]) -> Mapping[str, list[dict[str, Any]]]:
    program, _ = built
    command = ["gdb", "-q", "-nx", "-batch", "-x", str(HERE / "gdb_stacks.py"), str(program)]
    environment = {**os.environ, "WAYS": " ".join(way for way in WAYS if way not in NOT_IN_THE_DUMP)}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=program.parent, timeout=110
    )
    lines = [line.removeprefix("STACK ") for line in done.stdout.splitlines() if line.startswith("STACK ")]
    return {stack["way"]: stack["frames"] for stack in map(json.loads, lines)}


@pytest.fixture(scope="module")
def symbols(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> list[SymbolFile]:
    return compiled(tmp_path_factory.mktemp("symbols"), built[0])


def by_gdb(frames: list[dict[str, Any]]) -> Shown:
    return list(_to_main(_gdb_frames(frames)))


def _gdb_frames(frames: list[dict[str, Any]]) -> Iterator[tuple[str, int | None]]:
    for frame in frames:
        if frame["library"]:
            if not frame["virtual"]:
                yield "library", None
        elif frame["line"] is None:  # a jump to where there is no code
            yield "nowhere", None
        else:
            yield trim(frame["function"]), frame["line"]


def by_cairn(frames: tuple[Frame, ...]) -> Shown:
    return list(_to_main(_cairn_frames(frames)))


def _cairn_frames(frames: tuple[Frame, ...]) -> Iterator[tuple[str, int | None]]:
    for frame in reversed(frames):
        if frame.package and "lib" in frame.package:
            if not frame.data.inlined:
                yield "library", None
        elif frame.lineno is None:
            yield "nowhere", None
        else:
            yield frame.function or "?", frame.lineno


def _to_main(frames: Iterator[tuple[str, int | None]]) -> Iterator[tuple[str, int | None]]:
    for frame in frames:
        yield frame
        if frame[0] == "main":
            return


def walked(dump: Path, *files: SymbolFile) -> tuple[Frame, ...]:
    event = build_event(process(dump.read_bytes(), Files(*files)), Received("0" * 32, 1, 2e9))
    assert event.crash is not None and event.crash.stacktrace is not None
    return event.crash.stacktrace.frames


@pytest.mark.parametrize("way", [way for way in WAYS if way not in NOT_IN_THE_DUMP])
@pytest.mark.parametrize("strip", [False, True], ids=["whole", "stripped"])
def test_every_frame_of_gdb_is_there(
    way: str,
    strip: bool,
    built: tuple[Path, Path],
    gdb_stacks: Mapping[str, list[dict[str, Any]]],
    symbols: list[SymbolFile],
    libraries: list[SymbolFile],
    tmp_path: Path,
) -> None:
    dump = crash(built[strip], tmp_path, arguments=(way,)).dumps[0]
    expected = by_gdb(gdb_stacks[way])
    assert expected[-1][0] == "main"
    assert by_cairn(walked(dump, *symbols, *libraries)) == expected


def test_an_overflow_is_recognised(built: tuple[Path, Path], symbols: list[SymbolFile], tmp_path: Path) -> None:
    dump = crash(built[0], tmp_path, arguments=("overflow",)).dumps[0]
    done = process(dump.read_bytes(), Files(*symbols))
    assert done.facts.stack_overflow is not None
    assert done.explanation and "the stack overflowed" in done.explanation
    assert done.crashed_stack is not None
    assert done.crashed_stack.frames[0].calls[0].function == "crash_overflow(int)"
