"""Compressed streams, decoded piece by piece: what comes out at a time is bounded, whatever goes in.

One class a format, all of one shape (``Decoder``); ``decompressed`` runs them. Formats that are made of several
streams one after another (gzip, xz, bzip2, zstd) are read to their end; bytes that begin no further stream are
passed over, as gunzip does.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from cairn.intake.limits import PIECE, STREAMS, XZ_MEMORY, ZSTD_WINDOW

ZSTD_STEP = 256
"""Bytes given to zstd at a time. Its interface has no bound on output, and four bytes can make a block of 128 KiB:
256 bytes make 8 MiB at most."""


class CorruptStreamError(Exception):
    """The bytes are not what their format promises; the message says how."""


class Decoder(Protocol):
    """Decodes one stream. Once it has ``ended``, the bytes behind it are in ``rest``. ``errors`` are the exceptions
    that broken bytes raise."""

    @property
    def errors(self) -> tuple[type[Exception], ...]: ...
    @property
    def ended(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode ``data`` to pieces of bounded size."""


class Zlib:
    """gzip and zlib streams (RFC 1952, RFC 1950), told apart by ``window_bits``."""

    def __init__(self, window_bits: int) -> None:
        self.errors = (zlib.error,)
        self._inflate = zlib.decompressobj(window_bits)
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = True
        while more:
            piece = self._inflate.decompress(data, PIECE)
            data = self._inflate.unconsumed_tail
            more = not self._inflate.eof and (bool(data) or len(piece) == PIECE)
            yield piece
        self.ended, self.rest = self._inflate.eof, self._inflate.unused_data


class Block:
    """bzip2 and xz streams."""

    def __init__(self, decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self.errors = (OSError, lzma.LZMAError)
        self._decompressor = decompressor
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield self._decompressor.decompress(data, PIECE)
        while not self._decompressor.eof and not self._decompressor.needs_input:
            yield self._decompressor.decompress(b"", PIECE)
        self.ended = self._decompressor.eof
        self.rest = self._decompressor.unused_data if self.ended else b""


class Zstd:
    """Frames of zstd (RFC 8878)."""

    def __init__(self) -> None:
        import zstandard

        self.errors = (zstandard.ZstdError,)
        self._frame = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_STEP):
            yield self._frame.decompress(data[start : start + ZSTD_STEP])
            if self._frame.eof:
                self.ended = True
                self.rest = self._frame.unused_data + data[start + ZSTD_STEP :]
                return


class Brotli:
    """A brotli stream (RFC 7932)."""

    def __init__(self) -> None:
        import brotli  # type: ignore[import-untyped]

        self.errors = (brotli.error,)
        self._decompressor = brotli.Decompressor()
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = True
        while more:
            piece = self._decompressor.process(data, output_buffer_limit=PIECE)
            data = b""
            self.ended = self._decompressor.is_finished()
            # Room for more input does not mean that all output is out (brotli 1.2.1, test_round_trip).
            more = not self.ended and (len(piece) >= PIECE or not self._decompressor.can_accept_more_data())
            yield piece


DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: Zlib(zlib.MAX_WBITS),
    "br": Brotli,
    "zstd": Zstd,
    "bzip2": lambda: Block(bz2.BZ2Decompressor()),
    "xz": lambda: Block(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
}

MAGIC = {
    "gzip": b"\x1f\x8b",
    "xz": b"\xfd7zXZ\x00",
    "bzip2": b"BZh",
    "zstd": b"\x28\xb5\x2f\xfd",
}
"""First bytes of the formats that a file can be in; these also may have several streams."""


def container(head: bytes) -> str | None:
    """The format of a file by its first bytes, ``None`` when it is not compressed."""
    return next((name for name, magic in MAGIC.items() if head.startswith(magic)), None)


def decompressed(pieces: Iterable[bytes], format_name: str) -> Iterator[bytes]:
    """The content of ``pieces``, lazily, in pieces of which none is empty. ``format_name`` is a key of ``DECODERS``.

    Raises ``CorruptStreamError`` when the bytes are broken or end too early.
    """
    decoder = DECODERS[format_name]()
    streams = 1
    for piece in pieces:
        data = piece
        while data:
            if decoder.ended:
                if not begins_stream(data, format_name):
                    return
                streams += 1
                decoder = next_decoder(format_name, streams)
            yield from fed(decoder, data, format_name)
            data = decoder.rest
    if not decoder.ended:
        raise CorruptStreamError(f"the {format_name} data ends too early: it was cut off on its way")


def begins_stream(data: bytes, format_name: str) -> bool:
    """Whether what follows a stream can be another one. The first byte tells: a piece may hold no more."""
    return format_name in MAGIC and data[0] == MAGIC[format_name][0]


def next_decoder(format_name: str, streams: int) -> Decoder:
    """A decoder for one more stream."""
    if streams > STREAMS:
        raise CorruptStreamError(f"there are more than {STREAMS} {format_name} streams: compress the file in one go")
    return DECODERS[format_name]()


def fed(decoder: Decoder, data: bytes, format_name: str) -> Iterator[bytes]:
    """What ``data`` decodes to, with the format's own errors made ``CorruptStreamError``."""
    try:
        yield from filter(None, decoder.feed(data))
    except decoder.errors as error:
        raise CorruptStreamError(f"the {format_name} data is broken: {error}") from error
