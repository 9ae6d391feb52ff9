"""LZX: what a packer of ours has packed comes out, and whatever is wrong with it is told. That others read what it
packs, and that what Microsoft's packer has packed is read, is in ``tests/contract/test_lzx.py``."""

from __future__ import annotations

import io
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.symbols.sources.cab import CabError, unpack_cab
from cairn.symbols.sources.lzx import FRAME, LzxDecoder, LzxError
from tests.symbols.sources.lzx_packer import ALIGNED, PLAIN, SLOTS, VERBATIM, Bits, Packer, lzx_cabinet

NOISE = random.Random(1).randbytes(70_001)
TEXT = b"".join(b"%d bottles\n" % number for number in range(8_000))
CALLS = b"".join(b"\xe8" + struct.pack("<i", n * 7919 % 400_000 - 200_000) + bytes(n % 5) for n in range(12_000))
CONTENTS = {
    "one byte": b"x",
    "noise": NOISE,
    "text": TEXT,
    "zeros": bytes(100_000),
    "calls": CALLS,
    "two frames": TEXT[: 2 * FRAME],
}
KINDS = {"verbatim": (VERBATIM,), "aligned": (ALIGNED,), "plain": (PLAIN,), "mixed": (VERBATIM, PLAIN, ALIGNED)}


def unpacked(cab: bytes) -> bytes:
    return b"".join(unpack_cab(io.BytesIO(cab)))


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("content", CONTENTS)
def test_the_content_comes_out(content: str, kinds: str) -> None:
    """Blocks of an odd size, and some that go over a frame."""
    for block in (20_001, 70_000):
        assert unpacked(lzx_cabinet(CONTENTS[content], KINDS[kinds], block)) == CONTENTS[content]


@pytest.mark.parametrize("window", SLOTS)
def test_a_match_may_lie_as_far_back_as_the_window_has_room(window: int) -> None:
    far = (1 << window) - 40_000 if window > 15 else 20_000
    content = NOISE[:20_000] + bytes(far - 20_000) + NOISE[:20_000]
    cab = lzx_cabinet(content, window=window)
    assert unpacked(cab) == content
    assert len(cab) < 2 * 20_000, "the second is nothing but matches"


def test_a_window_moves_along_with_the_content() -> None:
    content = (NOISE[:15_000] + TEXT[:5_000]) * 10
    assert unpacked(lzx_cabinet(content, window=15)) == content


@pytest.mark.parametrize("kinds", KINDS)
def test_addresses_of_calls_are_made_relative_again(kinds: str) -> None:
    plain = lzx_cabinet(CALLS, KINDS[kinds])
    cab = lzx_cabinet(CALLS, KINDS[kinds], program=300_000)
    assert cab != plain
    assert unpacked(cab) == CALLS


def block_of(*fields: tuple[int, int]) -> bytes:
    """A block of the cabinet with these bits."""
    bits = Bits()
    for value, count in fields:
        bits.put(value, count)
    bits.align()
    return bytes(bits.done)


RUNS_ONLY = ((0, 4),) * 17 + ((1, 4), (1, 4), (0, 4))
BLOCK = ((0, 1), (VERBATIM, 3))
REFUSALS = {
    "no bytes": (block_of(*BLOCK, (0, 24)), "no bytes"),
    "kind 0": (block_of((0, 1), (0, 3), (5, 24)), "kind 0"),
    "kind 7": (block_of((0, 1), (7, 3), (5, 24)), "kind 7"),
    "no code": (block_of(*BLOCK, (5, 24), *[(0, 4)] * 20), "make no code"),
    "too many codes": (block_of(*BLOCK, (5, 24), *[(1, 4)] * 20), "make no code"),
    "too many lengths": (block_of(*BLOCK, (5, 24), *RUNS_ONLY, *[(63, 6)] * 90), "than codes"),
    "nothing": (b"", "no bytes"),
    "half a head": (block_of(*BLOCK, (1, 24)), "make no code"),
    "half a block": (next(Packer(TEXT[:900], 16, 0).frames((VERBATIM,), 900))[:-40], "cut short"),
    "plain without distances": (block_of((0, 1), (PLAIN, 3), (900, 24)), "cut short"),
    "plain without bytes": (block_of((0, 1), (PLAIN, 3), (900, 24)) + bytes(14), "cut short"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_makes_no_sense_is_told(what: str) -> None:
    data, words = REFUSALS[what]
    with pytest.raises(LzxError, match=words):
        LzxDecoder(16).frame(data, 900)


@pytest.mark.parametrize("window", [0, 14, 22, 31])
def test_a_window_has_a_size_that_it_can_have(window: int) -> None:
    cab = bytearray(lzx_cabinet(b"x"))
    struct.pack_into("<H", cab, 42, 3 | window << 8)
    with pytest.raises(CabError, match="none of LZX"):
        unpacked(bytes(cab))


def test_a_match_before_the_beginning_is_told() -> None:
    packer = Packer(TEXT[:3000], 16, 0)
    packer.seen = {TEXT[:3]: -100}
    (data,) = packer.frames((VERBATIM,), 3000)
    with pytest.raises(LzxError, match="not there"):
        LzxDecoder(16).frame(data, 3000)


def test_more_than_a_frame_has_is_told() -> None:
    (data,) = Packer(TEXT[:FRAME], 16, 0).frames((VERBATIM,), FRAME)
    assert LzxDecoder(16).frame(data + b"\0", FRAME) == TEXT[:FRAME]
    with pytest.raises(LzxError, match="more in a block"):
        LzxDecoder(16).frame(data + bytes(2), FRAME)


def test_only_the_last_frame_is_small() -> None:
    decoder = LzxDecoder(16)
    (data,) = Packer(b"small", 16, 0).frames((VERBATIM,), 100)
    assert decoder.frame(data, 5) == b"small"
    with pytest.raises(LzxError, match="follows on the last"):
        decoder.frame(data, 5)


SMALL = lzx_cabinet(TEXT[:6000] + NOISE[:500], (ALIGNED, PLAIN, VERBATIM), 2500, program=5000)


@settings(max_examples=300, deadline=None)
@given(st.integers(44, len(SMALL) - 1), st.binary(min_size=1, max_size=4))
def test_no_damage_makes_anything_but_a_cab_error(place: int, damage: bytes) -> None:
    cab = bytearray(SMALL)
    cab[place : place + len(damage)] = damage
    try:
        assert len(unpacked(bytes(cab))) < 1 << 32
    except CabError:
        return


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(1, FRAME))
def test_no_bytes_make_anything_but_an_lzx_error(data: bytes, size: int) -> None:
    try:
        assert len(LzxDecoder(17).frame(data, size)) == size
    except LzxError:
        return
