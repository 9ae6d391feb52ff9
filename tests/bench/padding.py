"""Breakpad symbols made larger than life, in two ways."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TextIO

from tests.bench.ceph import FOLDER
from tests.parity.installed import install

COPY_DISTANCE = 0x0400_0000
"""Between a function and its copy: more than the program is long, and 16 of them stay below 4 GB."""

PIECE = 2
"""Bytes of code that one line record covers after ``spread``."""


def plain(*debug_files: Path) -> Path:
    """The symbols of a program without inlined calls, which keeps sixteen times as much within what can be compiled."""
    target = FOLDER / "plain.sym"
    if not target.exists():
        subprocess.run([install() / "dump_syms", *debug_files, "-o", target], check=True)
    return target


def appended(text: Path, times: int) -> Path:
    """The same with each function ``times`` times: the copies, with names of their own, lie behind the program."""
    target = FOLDER / f"appended-{times}.sym"
    if not target.exists():
        head, functions, tail = _parts(text)
        with target.open("w") as out:
            out.writelines(head)
            for copy in range(times):
                _write_copy(out, functions, copy)
            out.writelines(tail)
    return target


def spread(text: Path) -> Path:
    """The same with each line record cut into pieces with lines of their own: all of it is larger, everywhere."""
    target = FOLDER / "spread.sym"
    if not target.exists():
        head, functions, tail = _parts(text)
        with target.open("w") as out:
            out.writelines(head)
            for line in functions:
                out.write(line if line.startswith("FUNC") else _in_pieces(line))
            out.writelines(tail)
    return target


def _parts(text: Path) -> tuple[list[str], list[str], list[str]]:
    """The lines before the functions, the functions with their lines, and what follows."""
    lines = text.read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("FUNC"))
    behind = next(number for number in range(first, len(lines)) if lines[number].startswith(("PUBLIC", "STACK")))
    return lines[:first], lines[first:behind], lines[behind:]


def _write_copy(out: TextIO, functions: list[str], copy: int) -> None:
    distance = copy * COPY_DISTANCE
    for line in functions:
        if line.startswith("FUNC"):
            kind, address, rest = line.rstrip("\n").split(" ", 2)
            name = f"::copy{copy}" if copy else ""
            out.write(f"{kind} {int(address, 16) + distance:x} {rest}{name}\n")
        else:
            address, rest = line.split(" ", 1)
            out.write(f"{int(address, 16) + distance:x} {rest}")


def _in_pieces(record: str) -> str:
    address, size, line, file = record.split()
    start, end = int(address, 16), int(address, 16) + int(size, 16)
    return "".join(
        f"{place:x} {min(PIECE, end - place):x} {(int(line) + place - start) % 100000 + 1} {file}\n"
        for place in range(start, end, PIECE)
    )
