from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges import pieces as pieces_module
from cairn.symbols.ranges.blob import BytesBlob, FileBlob
from cairn.symbols.ranges.pieces import Pieces, compress, decompress


class CountingBlob(BytesBlob):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.calls: list[list[tuple[int, int]]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.calls.append(list(ranges))
        return super().read(ranges)


FRAMES = [compress(b"piece %d" % number, 3) for number in range(12)]
SIZES = [len(frame) for frame in FRAMES]


def blob_of(frames: Sequence[bytes]) -> CountingBlob:
    return CountingBlob(b"head" + b"".join(frames))


def test_pieces_near_each_other_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = blob_of(FRAMES)
    monkeypatch.setattr(blob, "merge_gap", 2 * SIZES[0])
    pieces = Pieces(blob, 4, SIZES)
    assert dict(pieces.load([9, 1, 3, 1])) == {number: b"piece %d" % number for number in (1, 3, 9)}
    assert [len(call) for call in blob.calls] == [2]
    assert pieces.reads == 2
    assert pieces.bytes_read == sum(SIZES[1:4]) + SIZES[9]
    assert dict(pieces.load([2])) == {2: b"piece 2"}  # it lay in the gap
    assert len(blob.calls) == 1


def test_a_file_of_this_machine_is_asked_for_what_is_needed_alone(tmp_path: Path) -> None:
    path = tmp_path / "pieces"
    path.write_bytes(b"".join(FRAMES))
    pieces = Pieces(FileBlob(path), 0, SIZES)
    assert dict(pieces.load([1, 2, 9])) == {number: b"piece %d" % number for number in (1, 2, 9)}
    assert (pieces.reads, pieces.bytes_read) == (2, SIZES[1] + SIZES[2] + SIZES[9])


def test_much_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "BATCH_BYTES", 3 * SIZES[0])
    blob = blob_of(FRAMES)
    assert len(list(Pieces(blob, 4, SIZES).load(range(10)))) == 10
    assert len(blob.calls) == 4


def test_neighbours_are_read_along() -> None:
    blob = blob_of(FRAMES)
    pieces = Pieces(blob, 4, SIZES)
    assert dict(pieces.load([5], around=2 * max(SIZES))) == {5: b"piece 5"}
    assert dict(pieces.load([3, 4, 6, 7])) == {number: b"piece %d" % number for number in (3, 4, 6, 7)}
    assert dict(pieces.load([0], around=1 << 20)) == {0: b"piece 0"}
    assert blob.calls == [[(4 + sum(SIZES[:3]), 4 + sum(SIZES[:8]))], [(4, 4 + sum(SIZES))]]


def test_neighbours_of_another_kind_or_already_kept_are_not_read_along() -> None:
    blob = blob_of(FRAMES)
    pieces = Pieces(blob, 4, SIZES)
    pieces.preload(4 + sum(SIZES[:7]), b"".join(FRAMES[7:8]))
    assert dict(pieces.load([5], around=2 * max(SIZES), first=4)) == {5: b"piece 5"}
    assert blob.calls == [[(4 + sum(SIZES[:4]), 4 + sum(SIZES[:7]))]]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "KEPT_BYTES", 2 * max(SIZES))
    blob = blob_of(FRAMES)
    pieces = Pieces(blob, 4, SIZES)
    for number in (0, 5, 11, 0):
        assert dict(pieces.load([number])) == {number: b"piece %d" % number}
    assert len(blob.calls) == 4
    assert dict(pieces.load([11])) == {11: b"piece 11"}
    assert len(blob.calls) == 4


def test_a_piece_that_lies_about_its_size() -> None:
    with pytest.raises(SymbolFileError, match="at most"):
        decompress(compress(bytes(10_000), 3), limit=9_999)
    with pytest.raises(SymbolFileError, match="damaged"):
        decompress(b"not zstd at all")
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(50_000))
    with pytest.raises(SymbolFileError):
        decompress(unsized, limit=1000)
    huge = b"\x28\xb5\x2f\xfd\xe0" + (1 << 60).to_bytes(8, "little") + bytes(10)
    with pytest.raises(SymbolFileError):
        decompress(huge)


def test_a_damaged_piece_is_noticed_by_its_checksum() -> None:
    frame = bytearray(compress(bytes(range(256)) * 4, 3))
    frame[-1] ^= 1
    with pytest.raises(SymbolFileError, match="damaged"):
        decompress(bytes(frame))
