"""Lines of source files out of a bundle: Sentry's zip behind eight bytes, as ``sentry-cli`` makes it, read by range.

Every file in it is judged by itself: one that is damaged, or lies about itself, costs its own lines only.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.blob import Blob
from cairn.symbols.ranges.spans import Allowance, read_spans
from cairn.symbols.source_code.source_index import FAULTS, Member, Packing, SourceIndex
from cairn.symbols.source_code.source_text import lines_at

SPENT = "more would have to be read than a crash is worth"


@dataclass(frozen=True, slots=True)
class BundleLines:
    """Lines by number, from 1, by the path asked for; and for a person, which files cannot be read and why."""

    lines: Mapping[str, Mapping[int, str]]
    problems: tuple[str, ...] = ()


class SourceBundle:
    """The source files of one module: a bundle and its index. What it keeps in memory is at most 64 KB.

    Raises:
        SymbolFileError: on construction, when the index is damaged, of another version, or of another bundle.
    """

    def __init__(self, index: Blob, bundle: Blob) -> None:
        self._index = SourceIndex(index)
        self._bundle = bundle
        if bundle.size != self._index.bundle_size:
            raise SymbolFileError("The source bundle is not the one that was indexed.")

    def lines(self, wanted: Mapping[str, Collection[int]], allowance: Allowance) -> BundleLines:
        """The lines with the ``wanted`` numbers of those files that are in the bundle, the first ones first as far as
        ``allowance`` goes. Raises ``SymbolFileError`` when the index is damaged."""
        members = self._index.find(wanted, allowance)
        problems = {path: FAULTS[member.packing] for path, member in members.items() if member.packing in FAULTS}
        sound = {path: member for path, member in members.items() if path not in problems}
        answers = read_spans(self._bundle, [(member.start, member.end) for member in sound.values()], allowance)
        lines: dict[str, dict[int, str]] = {}
        for (path, member), data in zip(sound.items(), answers, strict=True):
            try:
                lines[path] = lines_at(_unpacked(member, data, allowance), wanted[path])
            except _BrokenError as error:
                problems[path] = str(error)
        return BundleLines(lines, tuple(f"{path}: {problem}" for path, problem in problems.items()))

    def contents(self, paths: Iterable[str], allowance: Allowance) -> Mapping[str, bytes]:
        """The bytes of those files that are in the bundle, by the path asked for. What is damaged, or more than
        ``allowance`` has left, is left out. Raises ``SymbolFileError`` when the index is damaged."""
        members = self._index.find(paths, allowance)
        sound = {path: member for path, member in members.items() if member.packing not in FAULTS}
        answers = read_spans(self._bundle, [(member.start, member.end) for member in sound.values()], allowance)
        found: dict[str, bytes] = {}
        for (path, member), data in zip(sound.items(), answers, strict=True):
            with suppress(_BrokenError):
                found[path] = _unpacked(member, data, allowance)
        return found


class _BrokenError(Exception):
    """A file of the bundle cannot be read; the text says why."""


def _unpacked(member: Member, data: bytes | None, allowance: Allowance) -> bytes:
    if data is None or member.size > allowance.unpacked:
        raise _BrokenError(SPENT)
    content = data if member.packing is Packing.STORED else _inflated(data, member.size)
    allowance.unpacked -= len(content)
    if len(content) != member.size or zlib.crc32(content) != member.checksum:
        raise _BrokenError("it is damaged, or not what the bundle says")
    return content


def _inflated(data: bytes, size: int) -> bytes:
    """The content, or one byte more than ``size`` of it."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
    except zlib.error as error:
        raise _BrokenError(f"it cannot be unpacked: {error}") from error
