"""Breakpad ``.sym`` files as the world writes them, put in order for a strict parser.

``symbolic`` refuses a whole file for one bad line, and does not see ``PUBLIC`` lines behind ``STACK`` lines. Breakpad
itself skips bad lines, so Cairn does: what is left here is what its grammar allows, names first, ``STACK`` lines apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cairn.symbols.errors import MalformedDebugFileError

MAX_LINE = 160 * 1024
"""Bytes of a line; a longer one is skipped, as rust-minidump does."""

_HEX, _NUMBER = rb"[0-9a-fA-F]{1,16}", rb"[0-9]{1,10}"
_MODULE = re.compile(rb"MODULE [^ ]+ [^ ]+ ([0-9a-fA-F]{9,40}) [^\r\n]+")
_LINE = re.compile(_HEX + b" " + _HEX + b" " + _NUMBER + b" " + _NUMBER)
_OLD_ORIGIN = re.compile(rb"^(INLINE_ORIGIN [0-9]+ )-?[0-9]+ ")
"""Older writers put a file number, or -1, before the name of an inlined function."""

_GRAMMAR = {
    b"INFO": re.compile(rb"INFO .+"),
    b"FILE": re.compile(b"FILE " + _NUMBER + b" .+"),
    b"INLINE_ORIGIN": re.compile(b"INLINE_ORIGIN " + _NUMBER + b" .+"),
    b"FUNC": re.compile(b"FUNC (?:m )?" + _HEX + b" " + _HEX + b" " + _HEX + b" .+"),
    b"INLINE": re.compile(b"INLINE(?: " + _NUMBER + b"){4}(?: " + _HEX + b" " + _HEX + b")+"),
    b"PUBLIC": re.compile(b"PUBLIC (?:m )?" + _HEX + b" " + _HEX + b" .+"),
}


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their ends; LF, CRLF and a missing last end are all the same."""
    while line := file.readline(MAX_LINE):
        if not line.endswith(b"\n") and len(line) == MAX_LINE:
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            continue
        yield line.rstrip(b"\r\n")


def tidy(source: Path, target: Path) -> int:
    """Write the lines of ``source`` that name things to ``target``, ``PUBLIC`` last. Return how many were skipped.

    Raises:
        MalformedDebugFileError: the first line is no ``MODULE`` line.
    """
    publics: list[bytes] = []
    skipped = 0
    in_function = False
    with source.open("rb") as file, target.open("wb") as output:
        lines = read_lines(file)
        module = next(lines, b"")
        if not _MODULE.fullmatch(module):
            raise MalformedDebugFileError("A Breakpad symbol file begins with a MODULE line; this one does not.")
        output.write(module + b"\n")
        for line in lines:
            word = line.split(b" ", 1)[0]
            if word == b"STACK" or not line:
                continue
            is_good = _GRAMMAR.get(word, _LINE).fullmatch(line) is not None
            if word == b"FUNC":
                in_function = is_good
            elif word == b"INLINE" or word not in _GRAMMAR:
                is_good = is_good and in_function
            if not is_good:
                skipped += 1
            elif word == b"PUBLIC":
                publics.append(line)
            else:
                output.write(_OLD_ORIGIN.sub(rb"\1", line) + b"\n")
        output.writelines(line + b"\n" for line in publics)
    return skipped
