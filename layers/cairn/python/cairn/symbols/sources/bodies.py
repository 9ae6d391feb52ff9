"""What a server sends, taken out of its wrappings: gzip, Zstandard and cabinets, told by their first bytes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import zstandard

from cairn.symbols.sources.cab import MAGIC as CAB
from cairn.symbols.sources.cab import CabError, unpack_cab
from cairn.symbols.sources.records import FetchError, FetchStatus

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
GZIP_MEMBERS = 16 + zlib.MAX_WBITS
"""What zlib calls the form of a gzip member."""

WRAPPINGS = 3
"""How deep a file may be packed: a cabinet, that is sent as gzip, and one to spare."""

SECONDS = 120
"""For unpacking one file. LZX takes a second for 3 to 10 MB, and much longer when somebody has made it to; the rest is
faster by far."""

PIECE = 64 * 1024
WINDOW = 128 * 1024 * 1024
"""Bytes of memory that unpacking Zstandard may take: what ``zstd --long`` makes."""


def unwrap(path: Path, limit: int) -> Path:
    """Unpack a file as often as it is packed, beside it, and tell where the content is; what was packed is removed.

    Raises ``FetchError``: ``too_large`` when something unpacks to more than ``limit`` bytes or takes more than
    ``SECONDS``, ``malformed``.
    """
    deadline = time.monotonic() + SECONDS
    for _ in range(WRAPPINGS):
        with path.open("rb") as file:
            pieces = _unpacked(file)
            if pieces is None:
                return path
            target = path.with_name(path.name + "-unpacked")
            _write(target, in_time(pieces, deadline), limit)
        path.unlink()
        path = target
    raise FetchError(FetchStatus.MALFORMED, f"it is packed more than {WRAPPINGS} times over")


def _unpacked(file: BinaryIO) -> Iterator[bytes] | None:
    """The content of a packed file, piece by piece; ``None`` for one that is not packed."""
    magic = file.read(4)
    file.seek(0)
    if magic == CAB:
        return unpack_cab(file)
    if magic == ZSTD:
        return _pieces(zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file, read_across_frames=True))
    if magic.startswith(GZIP):
        return _gunzipped(file)
    return None


def _pieces(reader: zstandard.ZstdDecompressionReader) -> Iterator[bytes]:
    while piece := reader.read(PIECE):
        yield piece


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    """The content of all members, zeros between them left out. Raises ``EOFError`` and ``zlib.error``.

    Not by ``gzip.GzipFile``: that goes through a name without an end, or members without content, to the end of a file
    of any size before it says anything. Here no piece takes long, if it is an empty one.
    """
    member, is_begun, left = zlib.decompressobj(GZIP_MEMBERS), False, b""
    while data := left or file.read(PIECE):
        if not is_begun:
            data = data.lstrip(b"\0")
        is_begun = is_begun or bool(data)
        yield member.decompress(data, PIECE)
        while not member.eof and (content := member.decompress(member.unconsumed_tail, PIECE)):
            yield content
        left = b""
        if member.eof:
            member, is_begun, left = zlib.decompressobj(GZIP_MEMBERS), False, member.unused_data
    if is_begun:
        raise EOFError("it ends before its last member does")


def in_time(pieces: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    """The same pieces, as long as there is time. Raises ``FetchError``."""
    for piece in pieces:
        if time.monotonic() > deadline:
            raise FetchError(FetchStatus.TOO_LARGE, f"it cannot be unpacked in {SECONDS} seconds")
        yield piece


def _write(target: Path, pieces: Iterator[bytes], limit: int) -> None:
    size = 0
    try:
        with target.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > limit:
                    raise FetchError(FetchStatus.TOO_LARGE, f"it unpacks to more than {limit} bytes")
                file.write(piece)
    except FetchError:
        _remove(target)
        raise
    except (CabError, EOFError, zlib.error, zstandard.ZstdError) as error:
        _remove(target)
        raise FetchError(FetchStatus.MALFORMED, f"it cannot be unpacked: {error}") from error


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
