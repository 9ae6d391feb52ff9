"""A dump while it is being read: its bytes, its directory, and what was wrong so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cairn.minidump.distant import Data
from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.records import Stream
from cairn.minidump.window import Window

MAX_PROBLEMS = 100
"""Problems that are told; a dump that has more is not worth more words."""
MAX_WORK = 64 << 20
"""Bytes of text and small records that are read in all. The largest real dump seen needs a fortieth of it."""
MAX_TEXT = 1 << 18
"""Bytes in one string: eight times the longest path of Windows, for annotations that carry whole logs."""
TEXT_COST = 256
"""What reading a string costs beside its bytes, so that millions of empty ones are bounded too."""


T = TypeVar("T")


class Source:
    """What the readers of the single streams share.

    ``streams`` maps a stream's type to its directory entry, the last one where a type comes twice.
    """

    def __init__(self, file: Window, streams: dict[int, Stream], problems: list[str]) -> None:
        self.file = file
        self.streams = streams
        self.problems: list[str] = []
        self._work_left = MAX_WORK
        for text in problems:
            self.problem(text)

    def problem(self, text: str) -> None:
        """Say, for a person, what was left out. Repetitions and floods are dropped."""
        if text not in self.problems and len(self.problems) <= MAX_PROBLEMS:
            self.problems.append(text if len(self.problems) < MAX_PROBLEMS else "more problems are not listed")

    def attempt(self, name: str, read: Callable[[], T], otherwise: T) -> T:
        """What ``read`` gives, or ``otherwise`` and a problem of ``name`` if it comes upon something out of bounds."""
        try:
            return read()
        except OutOfBoundsError as error:
            self.problem(f"{name}: {error}")
            return otherwise

    def charge(self, work: int) -> None:
        """Account for ``work`` bytes that are about to be read.

        Raises:
            OutOfBoundsError: this dump has cost enough. Overlapping structures can ask for gigabytes in a small file.
        """
        self._work_left -= work
        if self._work_left < 0:
            raise OutOfBoundsError(f"it asks for more than {MAX_WORK >> 20} MiB of strings and records in all")

    def stream(self, kind: int) -> Window | None:
        """What the file has of the stream, or ``None`` where the directory does not name it."""
        entry = self.streams.get(kind)
        return self.file.rest(entry.rva, entry.size) if entry else None

    def utf16(self, rva: int) -> str | None:
        """The counted UTF-16 string at ``rva``; lone surrogates become U+FFFD. ``None`` for RVA 0 and broken ones."""
        raw = self._counted(rva)
        return None if raw is None else decode_utf16(raw)

    def utf8(self, rva: int) -> str | None:
        """The counted UTF-8 string at ``rva`` (Crashpad), ``None`` as in ``utf16``."""
        raw = self._counted(rva)
        return None if raw is None else bytes(raw.data).decode(errors="replace")

    def _counted(self, rva: int) -> Window | None:
        if rva == 0:
            return None
        try:
            (size,) = self.file.unpack("I", rva)
            if size > MAX_TEXT:
                raise OutOfBoundsError(f"{size} bytes are more than a string may have")
            raw = self.file.window(rva + 4, size)
        except OutOfBoundsError as error:
            self.problem(f"string at {rva:#x}: {error}")
            return None
        self.charge(TEXT_COST + size)
        return raw


def decode_utf16(raw: Window) -> str:
    """Text of UTF-16 code units in the dump's byte order, without what follows a NUL."""
    encoding = "utf-16-be" if raw.big_endian else "utf-16-le"
    return bytes(raw.data).decode(encoding, errors="replace").partition("\0")[0]


def c_string(raw: Data) -> str:
    """UTF-8 text up to the first NUL, or all of it."""
    return bytes(raw).partition(b"\0")[0].decode(errors="replace")
