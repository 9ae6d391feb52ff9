"""Cabinets: those of another writer are read, and whatever is wrong with one is told."""

from __future__ import annotations

import io
import random
import struct

import pytest
from cabarchive import CabArchive, CabFile
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.sources.cab import BLOCK, CabError, unpack_cab

NOISE = random.Random(1).randbytes(70_000)
TEXT = b"".join(b"%d bottles\n" % number for number in range(20_000))


def cabinet(*contents: bytes, packed: bool = True) -> bytes:
    archive = CabArchive()
    for number, content in enumerate(contents):
        archive[f"game{number}.pdb"] = CabFile(content)
    return bytes(archive.save(compress=packed))


def unpacked(cab: bytes) -> bytes:
    return b"".join(unpack_cab(io.BytesIO(cab)))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "content", [b"x", NOISE, TEXT, bytes(200_000), NOISE[:BLOCK], NOISE + TEXT], ids=["x", "n", "t", "z", "b", "nt"]
)
def test_the_content_comes_out(content: bytes, packed: bool) -> None:
    assert unpacked(cabinet(content, packed=packed)) == content


def test_blocks_refer_to_what_stands_before_them() -> None:
    """Without that, a block of this would be as large as the first."""
    cab = cabinet(NOISE[:BLOCK] * 6)
    assert unpacked(cab) == NOISE[:BLOCK] * 6


def test_pieces_are_small() -> None:
    assert max(map(len, unpack_cab(io.BytesIO(cabinet(bytes(3_000_000)))))) <= BLOCK


@pytest.mark.parametrize(("kind", "name"), [(2, "Quantum"), (9, "method 9")])
def test_other_ways_of_packing_are_named(kind: int, name: str) -> None:
    cab = bytearray(cabinet(TEXT))
    struct.pack_into("<H", cab, 42, kind | 0x1500)
    with pytest.raises(CabError, match=name):
        unpacked(bytes(cab))


def test_several_files_are_none_for_a_symbol_server() -> None:
    with pytest.raises(CabError, match="2 files"):
        unpacked(cabinet(TEXT, NOISE))


def test_a_damaged_block_is_told_by_its_checksum() -> None:
    cab = bytearray(cabinet(NOISE, packed=False))
    cab[-1] ^= 1
    with pytest.raises(CabError, match="checksum"):
        unpacked(bytes(cab))


@pytest.mark.parametrize("size", [0, 4, 35, 40, 60, 500])
def test_what_is_cut_short_is_told(size: int) -> None:
    with pytest.raises(CabError, match="cut short"):
        unpacked(cabinet(TEXT)[:size])


@pytest.mark.parametrize("size", [0, BLOCK + 1])
def test_a_block_has_a_size_that_a_block_can_have(size: int) -> None:
    """One of none would never end."""
    cab = bytearray(cabinet(b"a" * 100))
    data = bytes(cab).index(b"CK")
    struct.pack_into("<I", cab, data - 8, 0)
    struct.pack_into("<H", cab, data - 2, size)
    with pytest.raises(CabError, match="says that it has"):
        unpacked(bytes(cab))


def test_a_block_cannot_unpack_to_more_than_it_says() -> None:
    cab = bytearray(cabinet(bytes(20_000)))
    data = bytes(cab).index(b"CK")
    struct.pack_into("<I", cab, data - 8, 0)
    struct.pack_into("<H", cab, data - 2, 10)
    with pytest.raises(CabError, match="size"):
        unpacked(bytes(cab))


@given(st.integers(0, 2**31), st.binary(min_size=1, max_size=4))
def test_no_damage_makes_anything_but_a_cab_error(place: int, damage: bytes) -> None:
    cab = bytearray(cabinet(TEXT[:5000]))
    place %= len(cab)
    cab[place : place + len(damage)] = damage
    try:
        size = sum(map(len, unpack_cab(io.BytesIO(bytes(cab)))))
    except CabError:
        return
    assert size <= 2**32
