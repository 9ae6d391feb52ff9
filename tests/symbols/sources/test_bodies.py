"""What servers send is taken out of its wrappings, and never becomes more than it may."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from cairn.symbols.sources import bodies
from cairn.symbols.sources.bodies import unwrap
from cairn.symbols.sources.records import FetchError, FetchStatus
from tests.symbols.sources.lzx_packer import lzx_cabinet
from tests.symbols.sources.test_cab import NOISE, cabinet

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "cab": cabinet,
    "cab with LZX": lzx_cabinet,
    "cab in gzip": lambda content: gzip.compress(cabinet(content)),
    "two members": lambda content: gzip.compress(content[:10]) + gzip.compress(content[10:]),
    "zeros between and after": lambda content: (
        gzip.compress(content[:10]) + bytes(99) + gzip.compress(content[10:]) + bytes(200_000)
    ),
    "a member without content": lambda content: gzip.compress(b"") + gzip.compress(content),
    "a long name": lambda content: named(b"n" * 200_000, content),
    "two frames": lambda content: zstandard.compress(content[:10]) + zstandard.compress(content[10:]),
    "not at all": lambda content: content,
}


def named(name: bytes, content: bytes) -> bytes:
    """A gzip member that says what the file is called (RFC 1952, 2.3)."""
    plain = gzip.compress(content)
    return plain[:3] + b"\x08" + plain[4:10] + name + b"\0" + plain[10:]


def file_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "body"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("how", PACK)
def test_the_content_is_found(tmp_path: Path, how: str) -> None:
    found = unwrap(file_of(tmp_path, PACK[how](NOISE)), 100_000)
    assert found.read_bytes() == NOISE
    assert list(tmp_path.iterdir()) == [found], "nothing else is left"


@pytest.mark.parametrize("how", ["gzip", "zstd", "cab", "cab with LZX", "cab in gzip"])
def test_a_bomb_ends_at_the_limit(tmp_path: Path, how: str) -> None:
    with pytest.raises(FetchError) as refusal:
        unwrap(file_of(tmp_path, PACK[how](bytes(5_000_000))), 1_000_000)
    assert refusal.value.status is FetchStatus.TOO_LARGE
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_000_000


@pytest.mark.parametrize("how", ["gzip", "cab with LZX"])
def test_what_takes_too_long_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(bodies, "SECONDS", -1)
    with pytest.raises(FetchError, match="seconds") as refusal:
        unwrap(file_of(tmp_path, PACK[how](NOISE)), 1_000_000)
    assert refusal.value.status is FetchStatus.TOO_LARGE


ENDLESS = {
    "a name": b"\x1f\x8b\x08\x08" + b"n" * 3_000_000,
    "members without content": gzip.compress(b"") * 150_000,
    "zeros": gzip.compress(b"") + bytes(3_000_000),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_content_and_no_end_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """However long it goes on: the clock is looked at between the pieces that come in, not those that come out."""
    monkeypatch.setattr(bodies, "SECONDS", -1)
    with pytest.raises(FetchError, match="seconds"):
        unwrap(file_of(tmp_path, ENDLESS[what]), 1_000_000)


@pytest.mark.parametrize("how", ["gzip", "cab", "cab with LZX"])
def test_what_is_cut_short_is_malformed(tmp_path: Path, how: str) -> None:
    with pytest.raises(FetchError, match="cannot be unpacked") as refusal:
        unwrap(file_of(tmp_path, PACK[how](NOISE)[:-100]), 1_000_000)
    assert refusal.value.status is FetchStatus.MALFORMED


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"MSCF"])
def test_what_only_begins_as_packed_is_malformed(tmp_path: Path, magic: bytes) -> None:
    with pytest.raises(FetchError) as refusal:
        unwrap(file_of(tmp_path, magic + b"\xff" * 100), 1_000_000)
    assert refusal.value.status is FetchStatus.MALFORMED


def test_russian_dolls_are_malformed(tmp_path: Path) -> None:
    content = NOISE
    for _ in range(4):
        content = gzip.compress(content)
    with pytest.raises(FetchError, match="times over"):
        unwrap(file_of(tmp_path, content), 1_000_000)


def test_zstandard_does_not_take_the_memory_it_asks_for(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    content = packed.compress(NOISE) + packed.flush()
    with pytest.raises(FetchError) as refusal:
        unwrap(file_of(tmp_path, content), 1_000_000)
    assert refusal.value.status is FetchStatus.MALFORMED


def test_an_empty_file_is_not_packed(tmp_path: Path) -> None:
    assert unwrap(file_of(tmp_path, b""), 10).read_bytes() == b""
