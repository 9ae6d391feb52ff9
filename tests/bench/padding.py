"""Breakpad symbols made larger than life, in two ways."""

from __future__ import annotations

from pathlib import Path

from tests.bench.ceph import FOLDER

COPY_DISTANCE = 0x0400_0000
"""Between a function and its copy: more than the program is long, and 16 of them stay below 4 GB."""

BEFORE_ADDRESSES = ("FUNC", "PUBLIC", "m", "STACK", "CFI", "INIT")
"""What may stand before the address in a line."""

PIECE = 2
"""Bytes of code that one line record covers after ``spread``."""


def plain(text: Path) -> Path:
    """The same without inlined calls, which keeps sixteen times as much within what can be compiled."""
    target = FOLDER / "plain-lines.sym"
    if not target.exists():
        with text.open() as lines, target.open("w") as out:
            out.writelines(line for line in lines if not line.startswith("INLINE"))
    return target


def appended(text: Path, times: int) -> Path:
    """The same with each function and its unwind rules ``times`` times: the copies, with names of their own, lie behind
    the program."""
    target = FOLDER / f"appended-lines-{times}.sym"
    if not target.exists():
        head, functions, tail = _parts(text)
        with target.open("w") as out:
            out.writelines(head)
            for lines in (functions, tail):
                for copy in range(times):
                    out.writelines(_moved(line, copy) for line in lines)
    return target


def spread(text: Path) -> Path:
    """The same with each line record cut into pieces with lines of their own: all of it is larger, everywhere."""
    target = FOLDER / "spread-lines.sym"
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


def _moved(line: str, copy: int) -> str:
    """A line of a copy: its address moved, and its name, if it has one, changed."""
    words = line.split(" ")
    place = next(number for number, word in enumerate(words) if word not in BEFORE_ADDRESSES)
    words[place] = f"{int(words[place], 16) + copy * COPY_DISTANCE:x}"
    named = copy and words[0] in ("FUNC", "PUBLIC")
    return " ".join(words).rstrip("\n") + (f"::copy{copy}\n" if named else "\n")


def _in_pieces(record: str) -> str:
    address, size, line, file = record.split()
    start, end = int(address, 16), int(address, 16) + int(size, 16)
    return "".join(
        f"{place:x} {min(PIECE, end - place):x} {(int(line) + place - start) % 100000 + 1} {file}\n"
        for place in range(start, end, PIECE)
    )
