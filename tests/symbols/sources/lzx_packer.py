"""A plain packer of LZX, to have cabinets of every kind: ``tests/contract/test_lzx.py`` holds that others read them."""

from __future__ import annotations

import heapq
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

FRAME = 32768
VERBATIM, ALIGNED, PLAIN = 1, 2, 3
SLOTS = {15: 30, 16: 32, 17: 34, 18: 36, 19: 38, 20: 42, 21: 50}
EXTRA = [0, 0, 0, 0] + [min(slot // 2 - 1, 17) for slot in range(4, 50)]
BASE = [sum(1 << bits for bits in EXTRA[:slot]) - 2 for slot in range(50)]

Code = dict[int, tuple[int, int]]
"""Bits and how many they are, by symbol."""


@dataclass(frozen=True)
class Token:
    """A literal in ``symbol``; or a match, with what follows the symbol: of its length, and of its distance."""

    symbol: int
    size: int = 1
    length: int | None = None
    extra: int = 0
    extra_bits: int = 0


@dataclass
class Bits:
    """Words of 16 bits, and bytes between them."""

    done: bytearray = field(default_factory=bytearray)
    value: int = 0
    count: int = 0

    def put(self, value: int, count: int) -> None:
        self.value, self.count = self.value << count | value, self.count + count
        while self.count >= 16:
            self.count -= 16
            self.done += struct.pack("<H", self.value >> self.count & 0xFFFF)
        self.value &= (1 << self.count) - 1

    def align(self) -> None:
        self.put(0, -self.count % 16)


def lzx_cabinet(
    content: bytes, kinds: Sequence[int] = (VERBATIM,), block: int = 20_000, window: int = 16, program: int = 0
) -> bytes:
    """A cabinet of one file, in blocks of the ``kinds`` in turn; with ``program`` its addresses are translated."""
    frames = list(Packer(content, window, program).frames(kinds, block))
    sizes = [min(FRAME, len(content) - start) for start in range(0, len(content), FRAME)]
    data = [struct.pack("<IHH", 0, len(one), size) + one for one, size in zip(frames, sizes, strict=True)]
    name = b"game.pdb\0"
    file = struct.pack("<IIHHHH", len(content), 0, 0, 0x5000, 0, 0x20) + name
    start = 36 + 8 + len(file)
    folder = struct.pack("<IHH", start, len(data), 3 | window << 8)
    size = start + sum(map(len, data))
    head = struct.pack("<4s4xI4xI4xBBHHHHH", b"MSCF", size, 44, 3, 1, 1, 1, 0, 0, 0)
    return head + folder + file + b"".join(data)


class Packer:
    """Packs one folder."""

    def __init__(self, content: bytes, window: int, program: int) -> None:
        pieces = [content[at : at + FRAME] for at in range(0, len(content), FRAME)]
        self.content = b"".join(translated(piece, n * FRAME, program) for n, piece in enumerate(pieces))
        self.window, self.program = window, program
        self.recent = [1, 1, 1]
        self.seen: dict[bytes, int] = {}
        self.main = [0] * (256 + SLOTS[window] * 8)
        self.lengths = [0] * 249

    def frames(self, kinds: Sequence[int], block: int) -> Iterator[bytes]:
        out, at, cut = Bits(), 0, 0
        out.put(bool(self.program), 1)
        if self.program:
            out.put(self.program, 32)
        for number, start in enumerate(range(0, len(self.content), block)):
            end = min(start + block, len(self.content))
            kind = kinds[number % len(kinds)]
            out.put(kind, 3)
            out.put(end - start, 24)
            for size in self.plain(out, start, end) if kind == PLAIN else self.packed(out, start, end, kind):
                at += size
                if at % FRAME == 0 or at == len(self.content):
                    out.align()
                    yield bytes(out.done[cut:])
                    cut = len(out.done)
            if kind == PLAIN and (end - start) % 2:
                out.done += b"\0"
        assert cut == len(out.done) or self.content

    def plain(self, out: Bits, start: int, end: int) -> Iterator[int]:
        out.put(0, 16 - out.count)
        out.done += struct.pack("<III", *self.recent)
        while start < end:
            stop = min(end, start // FRAME * FRAME + FRAME)
            out.done += self.content[start:stop]
            yield stop - start
            start = stop

    def packed(self, out: Bits, start: int, end: int, kind: int) -> Iterator[int]:
        tokens = list(self.tokens(start, end))
        low = Counter(token.extra & 7 for token in tokens if token.extra_bits >= 3) if kind == ALIGNED else Counter()
        aligned: Code = {}
        if kind == ALIGNED:
            aligned_lengths = code_lengths(low, 8, 7)
            aligned = codes(aligned_lengths)
            for one in aligned_lengths:
                out.put(one, 3)
        main = code_lengths(Counter(token.symbol for token in tokens), len(self.main), 16)
        lengths = code_lengths(Counter(t.length for t in tokens if t.length is not None), 249, 16, may_be_empty=True)
        put_lengths(out, self.main[:256], main[:256])
        put_lengths(out, self.main[256:], main[256:])
        put_lengths(out, self.lengths, lengths)
        self.main, self.lengths = main, lengths
        main_codes, length_codes = codes(main), codes(lengths)
        for token in tokens:
            out.put(*main_codes[token.symbol])
            if token.length is not None:
                out.put(*length_codes[token.length])
            if aligned and token.extra_bits >= 3:
                out.put(token.extra >> 3, token.extra_bits - 3)
                out.put(*aligned[token.extra & 7])
            else:
                out.put(token.extra, token.extra_bits)
            yield token.size

    def tokens(self, start: int, end: int) -> Iterator[Token]:
        at = start
        while at < end:
            token = self.match(at, min(end, at // FRAME * FRAME + FRAME)) or Token(self.content[at])
            for passed in range(at, at + token.size):
                self.seen[self.content[passed : passed + 3]] = passed
            at += token.size
            yield token

    def match(self, at: int, end: int) -> Token | None:
        key = self.content[at : at + 3]
        before = self.seen.get(key)
        if before is None or len(key) < 3 or end - at < 3 or at - before > (1 << self.window) - 3:
            return None
        size = 3
        while size < min(257, end - at) and self.content[before + size] == self.content[at + size]:
            size += 1
        distance, rest = at - before, size - 2
        if distance in self.recent:
            slot = self.recent.index(distance)
            self.recent[slot], self.recent[0] = self.recent[0], distance
        else:
            slot = max(n for n in range(3, SLOTS[self.window]) if BASE[n] <= distance)
            self.recent = [distance, *self.recent[:2]]
        extra = distance - BASE[slot] if slot > 2 else 0
        symbol, length = 256 + slot * 8 + min(rest, 7), rest - 7 if rest >= 7 else None
        return Token(symbol, size, length, extra, EXTRA[slot] if slot > 2 else 0)


def translated(frame: bytes, start: int, program: int) -> bytes:
    """With what follows E8 made absolute."""
    code, at = bytearray(frame), 0
    while program and (at := code.find(0xE8, at, max(0, len(code) - 10))) >= 0:
        (relative,) = struct.unpack_from("<i", code, at + 1)
        here = start + at
        if -here <= relative < program - here:
            struct.pack_into("<i", code, at + 1, relative + here)
        elif program - here <= relative < program:
            struct.pack_into("<i", code, at + 1, relative - program)
        at += 5
    return bytes(code)


def code_lengths(counts: Counter[int], symbols: int, longest: int, *, may_be_empty: bool = False) -> list[int]:
    """Lengths of Huffman codes, none longer than ``longest``."""
    counts = Counter(counts)
    if not counts and may_be_empty:
        return [0] * symbols
    for filler in range(2):  # a code has two symbols at least
        if len(counts) < 2:
            counts[filler if filler not in counts else filler + 1] += 1
    lengths = [0] * symbols
    heap: list[tuple[int, int, tuple[int, ...]]] = [(count, symbol, (symbol,)) for symbol, count in counts.items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in one[2] + other[2]:
            lengths[symbol] += 1
        heapq.heappush(heap, (one[0] + other[0], one[1], one[2] + other[2]))
    if max(lengths) <= longest:
        return lengths
    return code_lengths(Counter({symbol: count // 2 + 1 for symbol, count in counts.items()}), symbols, longest)


def codes(lengths: Sequence[int]) -> Code:
    """The canonical code of these lengths."""
    found: Code = {}
    code = before = 0
    for symbol in sorted(range(len(lengths)), key=lengths.__getitem__):
        if length := lengths[symbol]:
            code <<= length - before
            found[symbol] = code, length
            code, before = code + 1, length
    return found


def put_lengths(out: Bits, before: Sequence[int], lengths: Sequence[int]) -> None:
    """Write lengths of codes as differences, with runs in short."""
    written = list(runs(before, lengths))
    tree = code_lengths(Counter(symbol for run in written for symbol, _, _ in run), 20, 15)
    for one in tree:
        out.put(one, 4)
    code = codes(tree)
    for run in written:
        for symbol, value, count in run:
            out.put(*code[symbol])
            out.put(value, count)


def runs(before: Sequence[int], lengths: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    """Symbols of the tree of lengths, each with a number that follows it and the bits of that."""
    at = 0
    while at < len(lengths):
        same = 1
        while at + same < len(lengths) and same < 51 and lengths[at + same] == lengths[at]:
            same += 1
        difference = (before[at] - lengths[at]) % 17
        if lengths[at] == 0 and same >= 20:
            yield [(18, same - 20, 5)]
        elif lengths[at] == 0 and same >= 4:
            same = min(same, 19)
            yield [(17, same - 4, 4)]
        elif same >= 4:
            same = min(same, 5)
            yield [(19, same - 4, 1), (difference, 0, 0)]
        else:
            same = 1
            yield [(difference, 0, 0)]
        at += same
