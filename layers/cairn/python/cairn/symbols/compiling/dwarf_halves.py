"""Symcaches of a large ELF file by two threads: each is given half of its compilation units.

``symbolic`` works on one processor. Where no unit refers to another one, each is complete in itself. So all that it
needs is unpacked once, into a file in memory; and that is opened twice, with another table of sections each time: in
one ``.debug_info`` ends in the middle, in the other it begins there. The first half is worked on while the second is
still unpacked. ``row_spans.py`` puts the two in order.
"""

from __future__ import annotations

import os
import re
import struct
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, cast

from isal import isal_zlib

from cairn.symbols.compiling.libsymbolic import DebugObject, open_debug_file
from cairn.symbols.compiling.side_by_side import limited_to, memory_limit
from cairn.symbols.errors import MalformedDebugFileError

WORTH_HALVES = 64 * 1024 * 1024
"""Bytes of ``.debug_info`` from which on halves pay. ``docs/decisions/033-symcaches-by-halves.md`` has the figures."""

FIRST_PART = 0.54
"""The part of ``.debug_info`` that the first half has at least: it begins earlier."""

NEEDED = frozenset(
    b".debug_" + name for name in b"info abbrev line line_str str str_offsets addr ranges rnglists types".split()
)
"""The sections of debug information that names and lines come from."""

SMALL = 1 << 20
"""Bytes of other contents of a program that are copied, for some of them is read when a file is opened."""

MAX_UNITS = 1 << 20
CHUNK = 256 * 1024
"""Bytes that are unpacked at once."""

_IDENT = b"\x7fELF\x02\x01"  # 64-bit, little-endian
_HEAD = struct.Struct("<32xQQ6xHHHHH")
"""Where program headers and section headers are, their sizes and counts, and which section has the names."""

_TABLE_PLACE = 40
_PROGRAMS = 4096
"""Bytes at the beginning of a file that hold its header and all program headers."""

_SECTION = struct.Struct("<IIQQQQIIQQ")
_NULL, _PROGBITS, _NOBITS, _COMPRESSED = 0, 1, 8, 0x800
_COMPRESSION = struct.Struct("<I4xQ8x")
_ZLIB = 1
_WIDE = 0xFFFFFFF0
"""Lengths of units from which on they mean something else, mostly that eight bytes with the length follow."""

_ULEB = rb"[\x80-\xff]*+[\x00-\x7f]"
_FORM = rb"(?:[\x80-\xff]++[\x00-\x7f]|\x21" + _ULEB + rb"|[\x01-\x0f\x11-\x15\x17-\x20\x22-\x7f])"
WITHOUT_REFERENCES = re.compile(
    rb"(?:\0|[\x80-\xff]*+[\x01-\x7f]" + _ULEB + rb"[\0\1](?:(?!\0\0)" + _ULEB + _FORM + rb")*+\0\0)*+", re.DOTALL
)
"""All of a ``.debug_abbrev`` (DWARF 5, 7.5.3) without the forms that may name something in another unit:
``DW_FORM_ref_addr`` (0x10) and ``DW_FORM_indirect`` (0x16). A value follows ``DW_FORM_implicit_const`` (0x21)."""


_DamagedError = cast("type[Exception]", isal_zlib.error)


class _Header(NamedTuple):
    """A section header, field by field as it is in the file."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int

    @property
    def is_held(self) -> bool:
        return self.type not in (_NULL, _NOBITS)


class _UnfitError(Exception):
    """The file is left to ``symbolic`` as it is."""


def symcaches_by_halves(path: Path) -> tuple[bytes, bytes] | None:
    """Make two symcaches of the ELF file at ``path``, each of half of its units, and each with all of the symbol table.

    None where ``symbolic`` has to read the file as it is: it is small, or packed in another way, or damaged, or units
    refer to each other, or it takes more than half of the memory when it is unpacked.
    """
    try:
        with (
            path.open("rb") as source, _Unpacked(source.fileno()) as unpacked,
            limited_to(memory_limit() - unpacked.size), ThreadPoolExecutor(1) as other,
        ):  # fmt: skip
            return _symcaches(unpacked, other)
    except (_UnfitError, MalformedDebugFileError, OSError, OverflowError, struct.error, _DamagedError):
        return None


def _symcaches(unpacked: _Unpacked, other: Executor) -> tuple[bytes, bytes]:
    rest = other.submit(unpacked.unpack_all_but_info)
    middle = unpacked.unpack_first_part()
    rest.result()
    first = other.submit(unpacked.opened(0, middle).symcache)
    end = unpacked.unpack_second_part()
    second = unpacked.opened(middle, end).symcache()
    return first.result(), second


class _Unpacked:
    """A file in memory with what ``symbolic`` needs of an ELF file: the sections of debug information one behind the
    other, unpacked; and where it was, what else may be read when a program is opened.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self._old, names = _section_headers(source)
        if names.count(b".debug_info") != 1 or names.count(b".debug_abbrev") != 1:
            raise _UnfitError
        self._info, self._abbrev = names.index(b".debug_info"), names.index(b".debug_abbrev")
        self._end = _aligned(os.fstat(source).st_size)
        self._new = [self._placed(name, header) for name, header in zip(names, self._old, strict=True)]
        self._info_size = self._new[self._info].size
        self.size = sum(header.size for header in self._new if header.is_held)
        if self._info_size < WORTH_HALVES or self.size > memory_limit() // 2:
            raise _UnfitError
        self._unpacking = self._unpack(self._info)

    def __enter__(self) -> _Unpacked:
        self._memory = os.memfd_create("debug information")
        os.ftruncate(self._memory, self._end + len(self._new) * _SECTION.size)
        head = bytearray(os.pread(self._source, _PROGRAMS, 0))
        struct.pack_into("<Q", head, _TABLE_PLACE, self._end)
        os.pwrite(self._memory, head, 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._memory)

    def _placed(self, name: bytes, header: _Header) -> _Header:
        """The header of a section in memory."""
        if name not in NEEDED or not header.is_held:
            left_out = header.type == _PROGBITS and (name.startswith(b".debug_") or header.size > SMALL)
            return header._replace(type=_NOBITS) if left_out else header
        size = _unpacked_size(self._source, header)
        place, self._end = self._end, _aligned(self._end + size)
        return header._replace(flags=header.flags & ~_COMPRESSED, offset=place, size=size)

    def unpack_all_but_info(self) -> None:
        """Unpack the other sections, and see in the abbreviations that no unit refers to another one."""
        for number, header in enumerate(self._new):
            if number != self._info and header.is_held:
                deque(self._unpack(number), 0)
        abbreviations = self._new[self._abbrev]
        found = WITHOUT_REFERENCES.match(os.pread(self._memory, abbreviations.size, abbreviations.offset))
        if found is None or found.end() != abbreviations.size:
            raise _UnfitError

    def unpack_first_part(self) -> int:
        """Unpack somewhat more than half of the units. Returns where in ``.debug_info`` they end."""
        done = next((done for done in self._unpacking if done >= FIRST_PART * self._info_size), self._info_size)
        end = 0
        for _ in range(MAX_UNITS):
            if end == self._info_size or (following := self._end_of_unit(end)) > done:
                return end
            end = following
        raise _UnfitError

    def unpack_second_part(self) -> int:
        """Unpack the other units. Returns the size of ``.debug_info``."""
        deque(self._unpacking, 0)
        return self._info_size

    def _end_of_unit(self, begin: int) -> int:
        length, wide = struct.unpack("<IQ", os.pread(self._memory, 12, self._new[self._info].offset + begin))
        return begin + (4 + int(length) if length < _WIDE else 12 + int(wide))

    def _unpack(self, number: int) -> Iterator[int]:
        """Unpack a section, yielding how much of it is done."""
        done, header = 0, self._new[number]
        for data in _contents(self._source, self._old[number]):
            if done + len(data) > header.size:
                raise _UnfitError
            os.pwrite(self._memory, data, header.offset + done)
            done += len(data)
            yield done
        if done != header.size:
            raise _UnfitError

    def opened(self, begin: int, end: int) -> DebugObject:
        """Open the file with a part of ``.debug_info``. The table of sections is read when it is opened, only then."""
        headers = list(self._new)
        headers[self._info] = headers[self._info]._replace(offset=headers[self._info].offset + begin, size=end - begin)
        os.pwrite(self._memory, b"".join(_SECTION.pack(*header) for header in headers), self._end)
        (debug_object,) = open_debug_file(Path(f"/proc/self/fd/{self._memory}"))
        return debug_object


def _section_headers(source: int) -> tuple[list[_Header], list[bytes]]:
    """All section headers and their names."""
    head = os.pread(source, _HEAD.size, 0)
    if not head.startswith(_IDENT):
        raise _UnfitError
    programs, place, program_size, program_count, size, count, names = _HEAD.unpack(head)
    if size != _SECTION.size or names >= count or programs + program_size * program_count > _PROGRAMS:
        raise _UnfitError
    headers = [_Header(*fields) for fields in _SECTION.iter_unpack(os.pread(source, count * size, place))]
    texts = os.pread(source, min(headers[names].size, SMALL), headers[names].offset)
    return headers, [texts[header.name :].partition(b"\0")[0] for header in headers]


def _contents(source: int, header: _Header) -> Iterator[bytes]:
    """The bytes of a section, unpacked."""
    if not header.flags & _COMPRESSED:
        yield from _bytes(source, header.offset, header.size)
        return
    unpacker = isal_zlib.decompressobj()
    for packed in _bytes(source, header.offset + _COMPRESSION.size, header.size - _COMPRESSION.size):
        left = packed
        while data := unpacker.decompress(left, CHUNK):
            yield data
            left = unpacker.unconsumed_tail


def _unpacked_size(source: int, header: _Header) -> int:
    if not header.flags & _COMPRESSED:
        return header.size
    how, size = _COMPRESSION.unpack(os.pread(source, _COMPRESSION.size, header.offset))
    if how != _ZLIB:
        raise _UnfitError
    return int(size)


def _bytes(source: int, offset: int, size: int) -> Iterator[bytes]:
    for begin in range(offset, offset + size, CHUNK):
        data = os.pread(source, min(CHUNK, offset + size - begin), begin)
        if len(data) != min(CHUNK, offset + size - begin):
            raise _UnfitError
        yield data


def _aligned(offset: int) -> int:
    return (offset + 15) & ~15
