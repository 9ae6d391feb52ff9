"""LZX as cabinets have it: Huffman codes and matches in a window of up to 2 MB, unpacked a frame of 32 KB at a time.

Sources: [MS-PATCH] chapter 2 for blocks, trees and matches; [MS-CAB] for what cabinets make of it: the size of the
window, one frame in each block of the cabinet, and the addresses behind E8, of which the first bit tells. Bits come in
little-endian words of 16, the highest first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NoReturn

from cairn.symbols.sources.huffman import EMPTY, CodeError, Table, table_of

FRAME = 32768
SLOTS = {15: 30, 16: 32, 17: 34, 18: 36, 19: 38, 20: 42, 21: 50}
"""Bits of a window's size, and how many classes of distances there are then."""

_VERBATIM, _ALIGNED, _PLAIN = 1, 2, 3
_LITERALS = 256
_LENGTHS = 249
_EXTRA = [0 if slot < 4 else min(slot // 2 - 1, 17) for slot in range(50)]
"""Bits that follow the class of a distance."""
_BASE = [sum(1 << bits for bits in _EXTRA[:slot]) - 2 for slot in range(50)]
"""The least distance of each class; the first three stand for the last three distances."""
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_TRANSLATED = 1 << 30
"""Bytes of a file in which addresses are translated."""


class LzxError(Exception):
    """What is packed makes no sense; the text says why."""


class LzxDecoder:
    """Unpacks one folder of a cabinet. ``window_bits`` is what the folder says, 15 to 21."""

    def __init__(self, window_bits: int) -> None:
        if window_bits not in SLOTS:
            raise LzxError(f"a window of 2^{window_bits} bytes is none of LZX")
        self._window = 1 << window_bits
        self._main_lengths = [0] * (_LITERALS + SLOTS[window_bits] * 8)
        self._length_lengths = [0] * _LENGTHS
        self._main = self._length = self._aligned = EMPTY
        self._recent = (1, 1, 1)
        self._kind, self._block_size, self._block_left = 0, 0, 0
        self._out = bytearray()
        self._frame_at = 0
        self._position = 0
        self._program_size: int | None = None
        self._has_calls = False
        self._data, self._byte = b"", 0
        self._is_over = False

    def frame(self, data: bytes, size: int) -> bytes:
        """The ``size`` bytes, up to ``FRAME``, of the next block of the cabinet. Raises ``LzxError``."""
        if self._is_over:
            raise LzxError("a block follows on the last, which is smaller than the others")
        self._data, self._byte = self._data[self._byte :] + data, 0
        if self._kind != _PLAIN:
            self._load(0)
        try:
            if self._program_size is None:
                self._program_size = self._bits(32) if self._bits(1) else 0
            self._fill(self._frame_at + size)
        except IndexError:
            cut_short()
        except CodeError as error:
            raise LzxError(str(error)) from None
        self._end_frame(size)
        return self._taken(size)

    def _fill(self, end: int) -> None:
        """Unpack until there are ``end`` bytes. A match may go beyond it, to the end of its block."""
        while (missing := end - len(self._out)) > 0:
            if not self._block_left:
                self._begin_block()
            before = len(self._out)
            if self._kind == _PLAIN:
                self._copy(min(missing, self._block_left))
            else:
                self._decode(before + min(missing, self._block_left))
            self._block_left -= len(self._out) - before
            if self._block_left < 0:
                raise LzxError("a match goes beyond the end of its block")

    def _end_frame(self, size: int) -> None:
        """A frame ends with its word of 16 bits, and with what is packed in its block. Only the last may be smaller
        than the others, and may have more behind it."""
        if self._kind != _PLAIN:
            self._byte = self._base + (self._consumed() + 15) // 16 * 2
        if self._byte > len(self._data):
            cut_short()
        self._is_over = size < FRAME
        if len(self._data) - self._byte > 1 and not self._is_over:  # one may be what rounds up a plain block
            raise LzxError("there is more in a block than it unpacks to")

    def _taken(self, size: int) -> bytes:
        frame = bytes(self._out[self._frame_at : self._frame_at + size])
        self._frame_at += size
        if self._frame_at > 2 * self._window:
            gone = self._frame_at - self._window
            del self._out[:gone]
            self._frame_at -= gone
        start, self._position = self._position, self._position + size
        return self._translated(frame, start)

    def _translated(self, frame: bytes, start: int) -> bytes:
        """With the addresses of calls relative again, which the packer has made absolute."""
        if not (self._program_size and self._has_calls and start < _TRANSLATED and len(frame) > 10):
            return frame
        code, end = bytearray(frame), len(frame) - 10
        at = code.find(0xE8, 0, end)
        while at >= 0:
            here = start + at
            (value,) = struct.unpack_from("<i", code, at + 1)
            if -here <= value < self._program_size:
                relative = value - here if value >= 0 else value + self._program_size
                struct.pack_into("<I", code, at + 1, relative & 0xFFFF_FFFF)
            at = code.find(0xE8, at + 5, end)
        return bytes(code)

    def _begin_block(self) -> None:
        if self._kind == _PLAIN:
            self._load(self._byte + self._block_size % 2)
        self._kind = self._bits(3)
        self._block_size = self._block_left = self._bits(24)
        if not self._block_size:
            raise LzxError("a block has no bytes")
        if self._kind == _PLAIN:
            self._begin_plain()
        elif self._kind in (_VERBATIM, _ALIGNED):
            self._aligned = table_of([self._bits(3) for _ in range(8)]) if self._kind == _ALIGNED else EMPTY
            self._read_trees()
        else:
            raise LzxError(f"a block is of kind {self._kind}, which there is not")

    def _begin_plain(self) -> None:
        """Plain bytes begin with the next word of 16 bits, never with this one, and with the last three distances."""
        self._byte = self._base + (self._consumed() // 16 + 1) * 2
        if self._byte + 12 > len(self._data):
            cut_short()
        self._recent = struct.unpack_from("<III", self._data, self._byte)
        self._byte += 12
        self._has_calls = True

    def _copy(self, size: int) -> None:
        if self._byte + size > len(self._data):
            cut_short()
        self._out += self._data[self._byte : self._byte + size]
        self._byte += size

    def _read_trees(self) -> None:
        self._read_lengths(self._main_lengths, 0, _LITERALS)
        self._read_lengths(self._main_lengths, _LITERALS, len(self._main_lengths))
        self._main = table_of(self._main_lengths)
        self._has_calls |= self._main_lengths[0xE8] > 0
        self._read_lengths(self._length_lengths, 0, _LENGTHS)
        self._length = table_of(self._length_lengths) if any(self._length_lengths) else EMPTY

    def _read_lengths(self, lengths: list[int], first: int, end: int) -> None:
        """Lengths of codes, packed by a tree of their own as differences from those of the block before."""
        tree = table_of([self._bits(4) for _ in range(20)])
        at = first
        while at < end:
            symbol = self._symbol(tree)
            if symbol < 17:
                repeated, new = 1, (lengths[at] - symbol) % 17
            elif symbol < 19:
                repeated, new = (4 + self._bits(4) if symbol == 17 else 20 + self._bits(5)), 0
            else:
                repeated = 4 + self._bits(1)
                new = (lengths[at] - self._symbol(tree)) % 17
            if at + repeated > end:
                raise LzxError("there are more lengths of codes than codes")
            lengths[at : at + repeated] = [new] * repeated
            at += repeated

    def _load(self, byte: int) -> None:
        """Read bits from here on. Some words of zeros follow, so that looking ahead needs no care."""
        self._base, self._word, self._buffer, self._left = byte, 0, 0, 0
        data = bytearray(self._data[byte:])
        data += bytes(12 - len(data) % 4)
        data[0::2], data[1::2] = data[1::2], data[0::2]
        self._words: Sequence[int] = struct.unpack(f">{len(data) // 4}I", data)

    def _consumed(self) -> int:
        """Bits that were read since ``_load``."""
        return self._word * 32 - self._left

    def _bits(self, count: int) -> int:
        if self._left < count:
            self._buffer = (self._buffer << 32 | self._words[self._word]) & _MASK
            self._word += 1
            self._left += 32
        self._left -= count
        return self._buffer >> self._left & ((1 << count) - 1)

    def _symbol(self, tree: Table) -> int:
        entry = tree.entries[self._bits(tree.depth)]
        self._left += tree.depth - (entry >> 10)
        return entry & 1023

    def _decode(self, end: int) -> None:  # noqa: C901, PLR0912, PLR0915 - a call costs more than all it does
        """Unpack symbols until there are ``end`` bytes. All in one, and with names of its own for everything, since it
        runs millions of times."""
        out, words, word, buffer, left = self._out, self._words, self._word, self._buffer, self._left
        main, main_depth, main_mask = self._main.entries, self._main.depth, (1 << self._main.depth) - 1
        lengths, depth, mask = self._length.entries, self._length.depth, (1 << self._length.depth) - 1
        aligned, aligned_depth = self._aligned.entries, self._aligned.depth
        first, second, third = self._recent
        while len(out) < end:
            if left < 32:
                buffer = (buffer << 32 | words[word]) & _MASK
                word += 1
                left += 32
            entry = main[buffer >> (left - main_depth) & main_mask]
            left -= entry >> 10
            symbol = entry & 1023
            if symbol < _LITERALS:
                out.append(symbol)
                continue
            length, slot = (symbol & 7) + 2, symbol - _LITERALS >> 3
            if length == 9:
                entry = lengths[buffer >> (left - depth) & mask]
                left -= entry >> 10
                length += entry & 1023
            if slot == 0:
                distance = first
            elif slot == 1:
                distance, second, first = second, first, second
            elif slot == 2:
                distance, third, first = third, first, third
            else:
                extra, distance = _EXTRA[slot], _BASE[slot]
                if left < 32:
                    buffer = (buffer << 32 | words[word]) & _MASK
                    word += 1
                    left += 32
                if extra < 3 or not aligned:
                    left -= extra
                    distance += buffer >> left & ((1 << extra) - 1)
                else:
                    left -= extra - 3
                    distance += (buffer >> left & ((1 << extra - 3) - 1)) << 3
                    entry = aligned[buffer >> (left - aligned_depth) & ((1 << aligned_depth) - 1)]
                    left -= entry >> 10
                    distance += entry & 1023
                first, second, third = distance, first, second
            start = len(out) - distance
            if start < 0 or not distance:
                raise LzxError("a match refers to what is not there")
            if distance >= length:
                out += out[start : start + length]
            else:
                out += (out[start:] * (length // distance + 1))[:length]
        self._recent = first, second, third
        self._word, self._buffer, self._left = word, buffer, left


def cut_short() -> NoReturn:
    """Raise the error for a block that ends too early."""
    raise LzxError("a block is cut short, or uses a code that it has not")
