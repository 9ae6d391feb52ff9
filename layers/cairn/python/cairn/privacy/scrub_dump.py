"""Secrets out of a minidump, byte for byte: overwritten where they are, so that no length and no offset changes.

The whole file is searched for text, since a secret may be anywhere: in the environment and the command line that a
writer copied, in paths, in Crashpad's annotations, on stacks and in other memory. Text is ASCII, or UTF-16 as Windows
has it.

What is found under a name (``--password``, ``API_KEY=``) is looked for everywhere then: programs copy it.

What a walk needs is no text, and stays. A word that points into a module or a stack is never overwritten, even where it
looks like text, and of the paths of modules only a user's name goes. So a scrubbed dump gives the same frames.
"""

from __future__ import annotations

import math
import re
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from mmap import mmap

from cairn.minidump.linux import COMMAND_LINE, ENVIRONMENT
from cairn.minidump.records import Minidump
from cairn.privacy.names import is_secret_name, plain_name, plain_names
from cairn.privacy.secrets import Finding, findings, user_names
from cairn.privacy.settings import Privacy

FILLER = ord("*")
LONGEST_RUN = 64 * 1024
"""Bytes of text that are searched at a time; longer text is cut."""

WORK = 40_000_000
"""What a dump may cost, in half microseconds, about: some 100 MB of text. A function has two minutes for a crash."""
RUN = 15
"""What a piece of text costs beside its length."""
SEARCHED = 1 << 32
"""Bytes that are searched for copies of values."""
BLOCK = 8 << 20
"""Bytes of a block that is told to have changed."""

_ASCII = re.compile(rb"[\x20-\x7e]{4,%d}" % LONGEST_RUN)
_UTF16 = re.compile(rb"(?:[\x20-\x7e]\0){4,%d}" % (LONGEST_RUN // 2))
_ITEM = re.compile(rb"[^\0]{1,%d}" % LONGEST_RUN)
_VARIABLE = re.compile(r"([A-Za-z_]\w{0,199})=")
_OPTION = re.compile(r"--?([A-Za-z][\w-]{0,199})(=?)")
_NAMED = ("variable", "option", "password")
"""Rules that find a value by its name."""
SHORTEST_COPY = 8
COPIES = 100
"""Characters of a value whose copies are looked for, and how many such values. A path is none: it may be a module's."""
_USERS = frozenset(("user", "username", "logname", "sudouser", "useremail"))
"""Variables of the environment that name a person."""


@dataclass(frozen=True, slots=True)
class ScrubbedDump:
    """A dump as it is to be kept, of the same length, and how often each rule found something. ``complete`` unless it
    has more text than is searched."""

    data: bytes
    counts: dict[str, int]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Run:
    """Text of a dump, its first byte and how many bytes a character has."""

    text: str
    start: int
    width: int

    @property
    def end(self) -> int:
        return self.start + len(self.text) * self.width


@dataclass(frozen=True, slots=True)
class Effort:
    """What scrubbing may cost: ``work`` as in ``WORK``, ``searched`` as in ``SEARCHED``, and seconds of the clock."""

    work: int
    searched: int
    seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class ScrubbedInPlace:
    """What was done to a dump: how often each rule found something, and the numbers of the blocks (``BLOCK``) that are
    changed. ``complete`` as in ``ScrubbedDump``."""

    counts: dict[str, int]
    changed: frozenset[int]
    complete: bool


def scrub_dump(data: bytes, dump: Minidump | None, privacy: Privacy) -> ScrubbedDump:
    """``data`` without its secrets. ``dump`` is what was read from it, ``None`` where it cannot be read: its text is
    searched all the same. Doing it twice changes nothing."""
    whole = bytearray(data)
    done = scrub_in_place(whole, dump, privacy, Effort(WORK, SEARCHED))
    return ScrubbedDump(bytes(whole), done.counts, done.complete)


def scrub_in_place(data: bytearray | mmap, dump: Minidump | None, privacy: Privacy, effort: Effort) -> ScrubbedInPlace:
    """Overwrite the secrets of ``data``; ``dump`` as in ``scrub_dump``."""
    scrubber = _DumpScrubber(data, dump, privacy, effort)
    with suppress(_TooMuchError):
        scrubber.run()
    counts = dict(sorted((+scrubber.counts).items()))
    return ScrubbedInPlace(counts, frozenset(scrubber.changed), scrubber.work_left >= 0)


class _TooMuchError(Exception):
    """The dump has more text than is searched."""


class _DumpScrubber:
    def __init__(self, data: bytearray | mmap, dump: Minidump | None, privacy: Privacy, effort: Effort) -> None:
        self.data = data
        self.counts: Counter[str] = Counter()
        self.changed: set[int] = set()
        self.work_left = effort.work
        self._searched = effort.searched
        self._until = time.monotonic() + effort.seconds
        self._named: set[str] = set()
        self._paths = module_paths(dump)
        self._dump = dump
        self._pointers = Pointers(dump)
        self._safe = plain_names(privacy.safe_fields)
        self._sensitive = plain_names(privacy.sensitive_fields)

    def run(self) -> None:
        for start, end in self._linux_texts():
            self._scrub(_runs(self.data, _ITEM, 1, start, end))
        self._scrub(_runs(self.data, _ASCII, 1))
        self._scrub(_runs(self.data, _UTF16, 2))
        for value in sorted(self._named)[: min(COPIES, self._searched // (len(self.data) + 1))]:
            self._scrub_copies(value, 1)
            self._scrub_copies(value, 2)

    def _spend(self, work: int) -> None:
        self.work_left -= work
        if time.monotonic() > self._until:
            self.work_left = -1
        if self.work_left < 0:
            raise _TooMuchError

    def _linux_texts(self) -> Iterator[tuple[int, int]]:
        """Where environment and command line lie in the file: there, text has any characters."""
        for stream in self._dump.streams if self._dump else ():
            if stream.type in (ENVIRONMENT, COMMAND_LINE):
                yield stream.rva, stream.rva + stream.size

    def _scrub(self, runs: Iterable[_Run]) -> None:
        """Overwrite what is private in ``runs``, which are in the file's order."""
        before: _Run | None = None
        for run in runs:
            self._spend(RUN + len(run.text) // 4)
            if before is not None and run.start == before.end + run.width and self._is_secret_option(before.text):
                self._overwrite(run, Finding("option", 0, len(run.text)))
            else:
                for found in self._outside_paths(run.text, self._findings(run.text)):
                    self._overwrite(run, found)
            before = run

    def _outside_paths(self, text: str, found: Sequence[Finding]) -> Sequence[Finding]:
        """The findings, but for those inside the path of a module: of that, only the user's name goes."""
        self._spend(sum(one.end - one.start for one in found) + (len(self._paths) if found else 0))
        paths = [(text.index(path), path) for path in self._paths if found and path in text]
        ranges = [(start, start + len(path)) for start, path in paths]
        names = [replace(one, start=at + one.start, end=at + one.end) for at, path in paths for one in user_names(path)]
        return [one for one in found if not any(start <= one.start and one.end <= end for start, end in ranges)] + names

    def _scrub_copies(self, value: str, width: int) -> None:
        """Overwrite a value wherever it is."""
        encoded = value.encode("latin-1" if width == 1 else "utf-16-le")
        for match in re.finditer(re.escape(encoded), self.data):
            self._spend(len(value) + len(self._paths))
            if not self._is_in_path(value, match.start(), width):
                self._overwrite(_Run(value, match.start(), width), Finding("copy", 0, len(value)))

    def _is_in_path(self, value: str, start: int, width: int) -> bool:
        """Whether a value at ``start`` is a part of a module's path."""
        for path in self._paths:
            first = start - path.find(value) * width
            text = self.data[max(first, 0) : first + len(path) * width : width] if value in path else b""
            if text and text.decode("latin-1") == path:
                return True
        return False

    def _findings(self, text: str) -> Sequence[Finding]:
        variable = _VARIABLE.match(text)
        option = _OPTION.match(text)
        for match in filter(None, (variable, option)):
            name = match[1]
            if plain_name(name) in self._safe:
                return ()
            if text[match.end() - 1] == "=" and (self._is_secret(name) or plain_name(name) in _USERS):
                return (Finding("variable", match.end(), len(text)),)
        return findings(text)

    def _is_secret_option(self, text: str) -> bool:
        """Whether text is an option whose value is the next argument (``--password``)."""
        match = _OPTION.fullmatch(text)
        return bool(match and not match[2] and self._is_secret(match[1]))

    def _is_secret(self, name: str) -> bool:
        plain = plain_name(name)
        return plain not in self._safe and (plain in self._sensitive or is_secret_name(name))

    def _overwrite(self, run: _Run, found: Finding) -> None:
        value = run.text[found.start : found.end]
        if found.rule in _NAMED and len(value) >= SHORTEST_COPY and not set(value) & {"/", "\\", chr(FILLER)}:
            self._named.add(value)
        start, end = run.start + found.start * run.width, run.start + found.end * run.width
        kept = self._pointers.within(self.data, start, end)
        wanted = [place for place in range(start, end, run.width) if place not in kept and self.data[place] != FILLER]
        self.counts[found.rule] += bool(wanted)
        for place in wanted:
            self.data[place] = FILLER
        self.changed.update(place // BLOCK for place in wanted)


def module_paths(dump: Minidump | None) -> frozenset[str]:
    """The paths of all modules, as they are and as they will be."""
    modules = dump.modules if dump else ()
    paths = {path for module in modules for path in (module.code_file, module.debug_file) if path}
    return frozenset(paths | set(map(overwritten, paths)))


def overwritten(path: str) -> str:
    """A path without users' names."""
    for one in user_names(path):
        path = path[: one.start] + chr(FILLER) * (one.end - one.start) + path[one.end :]
    return path


class Pointers:
    """The words of a dump that point into a module or a stack."""

    def __init__(self, dump: Minidump | None) -> None:
        ranges = [(module.base, module.end) for module in dump.modules] if dump else []
        ranges += [(t.stack.start, t.stack.end) for t in dump.threads if t.stack] if dump else []
        self._ranges = sorted(ranges)
        self._starts = [start for start, _ in self._ranges]
        self._size = dump.system.arch.pointer_size if dump else 8
        self._order = "big" if dump and dump.big_endian else "little"

    def within(self, data: bytearray | mmap, start: int, end: int) -> set[int]:
        """The bytes from ``start`` to before ``end`` that belong to one, wherever it begins."""
        kept: set[int] = set()
        for position in range(max(0, start - self._size + 1), end) if self._ranges else ():
            word = data[position : position + self._size]
            if len(word) == self._size and self._is_pointer(int.from_bytes(word, self._order)):  # type: ignore[arg-type]
                kept.update(range(position, position + self._size))
        return kept

    def _is_pointer(self, value: int) -> bool:
        index = bisect_right(self._starts, value) - 1
        return index >= 0 and value < self._ranges[index][1]


def _runs(
    data: bytearray | mmap, pattern: re.Pattern[bytes], width: int, start: int = 0, end: int | None = None
) -> Iterator[_Run]:
    """The pieces of text in a part of ``data``."""
    for match in pattern.finditer(data, start, len(data) if end is None else end):
        yield _Run(match[0][::width].decode("latin-1"), match.start(), width)
