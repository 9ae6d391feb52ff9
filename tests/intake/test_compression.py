from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from cairn.intake.compression import DECODERS, MAGIC, CorruptStreamError, container, decompressed
from cairn.intake.limits import PIECE, STREAMS

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: bytes(brotli.compress(data, quality=5)),
    "zstd": zstandard.ZstdCompressor(level=19, write_checksum=True).compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
PLAIN = b"MDMP" + bytes(range(256)) * 1000
LARGEST_PIECE = 8 * 1024 * 1024 + PIECE


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def test_every_format_is_tried_here() -> None:
    assert set(COMPRESS) == set(DECODERS)


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("size", [1, 7, PIECE])
def test_round_trip(name: str, size: int) -> None:
    pieces = list(decompressed(cut(COMPRESS[name](PLAIN), size), name))
    assert b"".join(pieces) == PLAIN
    assert all(pieces)


@pytest.mark.parametrize("name", COMPRESS)
def test_nothing_compressed_is_nothing(name: str) -> None:
    assert b"".join(decompressed([COMPRESS[name](b"")], name)) == b""


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("left", [0, 1, 20, -1])
def test_cut_off(name: str, left: int) -> None:
    with pytest.raises(CorruptStreamError, match="cut off"):
        list(decompressed(cut(COMPRESS[name](PLAIN)[:left], 64), name))


@pytest.mark.parametrize("name", sorted(set(COMPRESS) - {"br"}))
def test_a_flipped_byte(name: str) -> None:
    data = bytearray(COMPRESS[name](PLAIN))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(CorruptStreamError, match="broken"):
        list(decompressed([bytes(data)], name))


@pytest.mark.parametrize("name", COMPRESS)
def test_rubbish(name: str) -> None:
    with pytest.raises(CorruptStreamError):
        list(decompressed([b"\xffRUBBISH" * 100], name))


@pytest.mark.parametrize("name", MAGIC)
@pytest.mark.parametrize("size", [1, PIECE])
def test_streams_one_after_another(name: str, size: int) -> None:
    data = COMPRESS[name](b"one, ") + COMPRESS[name](b"two")
    assert b"".join(decompressed(cut(data, size), name)) == b"one, two"


@pytest.mark.parametrize("name", sorted(set(COMPRESS) - {"br"}))
@pytest.mark.parametrize("size", [1, PIECE])
def test_what_follows_the_last_stream_is_passed_over(name: str, size: int) -> None:
    data = COMPRESS[name](b"one") + b"\0\0 and padding"
    assert b"".join(decompressed(cut(data, size), name)) == b"one"


@pytest.mark.parametrize("name", MAGIC)
def test_too_many_streams(name: str) -> None:
    with pytest.raises(CorruptStreamError, match="streams"):
        list(decompressed([COMPRESS[name](b"")] * (STREAMS + 1), name))


@pytest.mark.parametrize("name", COMPRESS)
def test_a_bomb_comes_out_in_pieces(name: str) -> None:
    size = 32 * 1024 * 1024
    bomb = COMPRESS[name](bytes(size))
    sizes = [len(piece) for piece in decompressed([bomb], name)]
    assert sum(sizes) == size
    assert max(sizes) <= LARGEST_PIECE


def test_a_bomb_is_unpacked_no_further_than_it_is_read() -> None:
    stream = decompressed([zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024))], "zstd")
    assert sum(len(next(stream)) for _ in range(3)) <= 3 * LARGEST_PIECE


def test_xz_that_wants_too_much_memory() -> None:
    data = bytearray(lzma.compress(PLAIN))
    data[16] = 37  # a dictionary of 3 GiB, in the block header that begins at 12
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    with pytest.raises(CorruptStreamError, match="Memory"):
        list(decompressed([bytes(data)], "xz"))


def test_zstd_that_wants_too_large_a_window() -> None:
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    with pytest.raises(CorruptStreamError, match="memory"):
        list(decompressed([frame], "zstd"))


@pytest.mark.parametrize("name", COMPRESS)
def test_containers_by_their_first_bytes(name: str) -> None:
    assert container(COMPRESS[name](PLAIN)) == (name if name in MAGIC else None)


@pytest.mark.parametrize("head", [b"", b"MDMP", b"PK\x03\x04", b"\x04\x22\x4d\x18", b"\x1f", b"B"])
def test_no_containers(head: bytes) -> None:
    assert container(head) is None
