"""Cabinets of one file, as symbol servers keep them (``game.pd_``): unpacked a block of 32 KB at a time.

The format is Microsoft's "Cabinet File Format" ([MS-CAB]), the compression "MSZIP Compression and Decompression Data
Structure" ([MS-MCI]); ``lzx.py`` names the sources of LZX. Files stored plainly, with MSZIP and with LZX are read.
Those packed with Quantum, which no packer of today writes, are not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"MSCF"
BLOCK = 32768
"""Bytes that a block unpacks to at most, and how far back a block of MSZIP may refer."""

MAX_NAME = 256
Unpack = Callable[[bytes, int], bytes]
"""Makes the content of a block of what is packed, and of the size that it is to have."""

_HEADER = struct.Struct("<4s4xI4xI4xBBHHHHH")
_RESERVE = struct.Struct("<HBB")
_FOLDER = struct.Struct("<IHH")
_FILE = struct.Struct("<IIHHHH")
_DATA = struct.Struct("<IHH")
_HAS_RESERVE, _OF_SEVERAL = 0x4, 0x3
_PLAIN, _MSZIP, _QUANTUM, _LZX = range(4)


class CabError(Exception):
    """The cabinet cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where the blocks begin, how they are packed, the bits of LZX's window, and what lies in each before its data."""

    start: int
    compression: int
    window: int
    reserved: int


def unpack_cab(cab: BinaryIO) -> Iterator[bytes]:
    """Yield the content of the one file in a cabinet, in pieces of up to 32 KB.

    Raises ``CabError`` when it is damaged, cut short, packed in a way that is not read, or has several files.
    """
    folder, size, skip = _directory(cab)
    cab.seek(folder.start)
    unpack, left = _unpacker(folder), size
    while left:
        block = _block(cab, folder, unpack)
        piece = block[skip : skip + left]
        skip = max(0, skip - len(block))
        left -= len(piece)
        yield piece


def _directory(cab: BinaryIO) -> tuple[_Folder, int, int]:
    """The folder, the size of the file, and where in the folder it begins."""
    magic, _, files_at, _, major, folders, files, flags, _, _ = _HEADER.unpack(_exactly(cab, _HEADER.size))
    if magic != MAGIC or major != 1:
        raise CabError("it is no cabinet of version 1")
    if flags & _OF_SEVERAL:
        raise CabError("it is one of several cabinets that belong together")
    if (folders, files) != (1, 1):
        raise CabError(f"it holds {files} files in {folders} folders; a symbol server's cabinet holds one")
    header_reserve, reserved = 0, 0
    if flags & _HAS_RESERVE:
        header_reserve, _, reserved = _RESERVE.unpack(_exactly(cab, _RESERVE.size))
    _exactly(cab, header_reserve)
    start, _, kind = _FOLDER.unpack(_exactly(cab, _FOLDER.size))
    compression = kind & 0xF
    if compression not in (_PLAIN, _MSZIP, _LZX):
        method = "Quantum" if compression == _QUANTUM else f"method {compression}"
        raise CabError(f"it is packed with {method}, which is not read here: pack it with makecab, or not at all")
    cab.seek(files_at)
    size, skip, _, _, _, _ = _FILE.unpack(_exactly(cab, _FILE.size))
    return _Folder(start, compression, kind >> 8 & 0x1F, reserved), size, skip


def _unpacker(folder: _Folder) -> Unpack:
    """What unpacks the blocks of a folder, one after the other."""
    if folder.compression == _LZX:
        return _lzx(folder.window)
    return _Mszip().block if folder.compression == _MSZIP else lambda data, _: data


def _lzx(window: int) -> Unpack:
    from cairn.symbols.sources.lzx import LzxDecoder, LzxError

    try:
        decoder = LzxDecoder(window)
    except LzxError as error:
        raise CabError(str(error)) from None

    def unpack(data: bytes, size: int) -> bytes:
        try:
            return decoder.frame(data, size)
        except LzxError as error:
            raise CabError(f"LZX: {error}") from None

    return unpack


class _Mszip:
    """A block may refer to what stands in the one before it."""

    def __init__(self) -> None:
        self._history = b""

    def block(self, data: bytes, _size: int) -> bytes:
        """The content of the next block."""
        content = _inflate(data, self._history)
        self._history = (self._history + content)[-BLOCK:]
        return content


def _block(cab: BinaryIO, folder: _Folder, unpack: Unpack) -> bytes:
    checksum, packed, unpacked = _DATA.unpack(_exactly(cab, _DATA.size))
    reserve, data = _exactly(cab, folder.reserved), _exactly(cab, packed)
    if checksum and checksum != _checksum(struct.pack("<HH", packed, unpacked) + reserve, _checksum(data)):
        raise CabError("the checksum of a block is wrong")
    if not 0 < unpacked <= BLOCK:
        raise CabError(f"a block says that it has {unpacked} bytes")
    content = unpack(data, unpacked)
    if len(content) != unpacked:
        raise CabError("a block has not the size that it says")
    return content


def _inflate(data: bytes, history: bytes) -> bytes:
    if data[:2] != b"CK":
        raise CabError("a block of MSZIP does not begin as one")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS, zdict=history)
    try:
        return inflater.decompress(data[2:], BLOCK + 1)
    except zlib.error as error:
        raise CabError(f"a block cannot be unpacked: {error}") from None


def _checksum(data: bytes, seed: int = 0) -> int:
    """[MS-CAB] 3.1: the exclusive or of all little-endian words; what is left of the last word is read backwards."""
    whole = len(data) // 4 * 4
    words, length = int.from_bytes(data[:whole], "little"), 1
    while length * 4 < whole:
        length *= 2
    while length > 1:  # an exclusive or of both halves at a time
        length //= 2
        words = (words >> length * 32) ^ (words & ((1 << length * 32) - 1))
    return seed ^ words ^ int.from_bytes(data[whole:], "big")


def _exactly(cab: BinaryIO, size: int) -> bytes:
    data = cab.read(size)
    if len(data) != size:
        raise CabError("it is cut short")
    return data
