"""Lines out of the bytes of a source file, in whatever way it was written."""

from __future__ import annotations

import codecs
import io
from collections.abc import Collection
from itertools import islice

MAX_LINE = 300
"""Characters kept of a line: more is generated code."""

_LONGEST = 4 * MAX_LINE
"""Bytes that a line of so many characters has at most."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def lines_at(content: bytes, numbers: Collection[int]) -> dict[int, str]:
    """The lines with these numbers, counted from 1, as far as there are any; long ones are clipped.

    A line ends as compilers see it: with LF, CR or both, and not with a form feed. UTF-16 is told by its byte order
    mark, as Visual C++ does it; what is no UTF-8 has a replacement character in its place.
    """
    if content.startswith(_WIDE):
        content = content.decode("utf-16", "replace").encode("utf-8", "replace")
    content = content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = enumerate(islice(io.BytesIO(content), max(numbers, default=0)), 1)
    return {number: _text(line) for number, line in lines if number in numbers}


def _text(line: bytes) -> str:
    return line.rstrip(b"\n")[:_LONGEST].decode("utf-8", "replace")[:MAX_LINE]
