"""Cairn's symbol file: names, lines and unwind rules of one module, in pieces that are read alone.

The format is in ``docs/symbol-files.md``, to the byte. Look-ups take addresses relative to the module's base.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.ranges.blob import Blob
from cairn.symbols.ranges.pieces import Pieces, Read
from cairn.symbols.records import Features, Location
from cairn.symbols.rules import CfiRule, WinRule
from cairn.symbols.symbol_file.hot_set import HotSet
from cairn.symbols.symbol_file.index import CURRENT, MAGIC, TRAILER, Index
from cairn.symbols.symbol_file.name_piece import NamePiece
from cairn.symbols.symbol_file.program_code import ProgramCode
from cairn.symbols.symbol_file.rule_table import RulePiece

WHOLE_FILE = 3 * 1024 * 1024
"""Bytes up to which a file is read whole when it is opened: cheaper than a second request."""

TAIL = 1024 * 1024
"""Bytes read from the end of a larger file that has no hot set when it is opened: the index, and unwind rules before
it."""

MAX_REMEMBERED = 65536
"""Look-ups remembered for each file."""

RULES_AROUND = 256 * 1024
"""Bytes of unwind rules read around a piece that is missing: a walk needs one piece after another, each the cost of a
request, and the rules of a program of 20 MB of code take no more."""

DECODED_RULE_PIECES = 64
"""Decoded pieces of unwind rules kept for each file; one takes about 200 KB."""


class SymbolFile:
    """A symbol file, open for look-ups. Use ``SymbolFile.open``. ``code`` reads the program's own file, ``origin`` says
    where the file lies that it was compiled from.

    Every look-up raises ``SymbolFileError`` when it meets damaged bytes.
    """

    def __init__(self, index: Index, pieces: Pieces, code: ProgramCode, hot: HotSet | None, origin: str) -> None:
        self.description = index.description
        self.code = code
        self.origin = origin
        self._index = index
        self._pieces = pieces
        self._locations = dict(hot.names) if hot else {}
        self._rules = dict(hot.rules) if hot else {}
        self._rule_pieces: OrderedDict[int, RulePiece] = OrderedDict()
        self.hot_places = self.known_places

    @classmethod
    def open(
        cls,
        blob: Blob,
        debug_file: Callable[[], Blob | None] = lambda: None,
        hot: HotSet | None = None,
        origin: str = "",
    ) -> SymbolFile:
        """Open a symbol file. Of one with a hot set nothing is read; else a small one is read whole, of a larger one
        the end.

        ``debug_file`` opens the file that it was compiled from; ``None`` where that is not to be had. It is called when
        code is first asked for. ``origin`` says where that file lies, for a person.

        Raises:
            SymbolFileVersionError: another version wrote it.
            SymbolFileError: it is damaged.
        """
        tail = None if hot else _Tail(blob)
        frame = tail.index_frame if tail else hot.index_frame if hot else b""
        index = Index(frame)
        pieces = Pieces(blob, len(MAGIC), index.sizes)
        if len(MAGIC) + sum(index.sizes) + len(frame) + TRAILER.size != blob.size:
            raise SymbolFileError("The index of the symbol file does not fit its pieces.")
        pieces.log += tail.log if tail else [Read("hot set", len(frame))]
        if tail:
            pieces.preload(tail.start, tail.data)
        return cls(index, pieces, ProgramCode(index.description.segments, debug_file), hot, origin)

    @property
    def debug_id(self) -> str | None:
        return self.description.debug_id

    @property
    def code_id(self) -> str | None:
        return self.description.code_id

    @property
    def arch(self) -> str:
        return self.description.arch

    @property
    def features(self) -> Features:
        return self.description.features

    @property
    def has_unwind_info(self) -> bool:
        """Whether there is any unwind rule."""
        return bool(self._index.rules)

    @property
    def log(self) -> Sequence[Read]:
        """Every range asked of the blob so far; the hot set, if there was one, by the size of the index in it."""
        return self._pieces.log

    @property
    def reads(self) -> int:
        """How many there are in ``log``."""
        return self._pieces.reads

    @property
    def bytes_read(self) -> int:
        """The bytes of those in ``log``."""
        return self._pieces.bytes_read

    @property
    def known_places(self) -> int:
        """Look-ups that are remembered; ``hot_places`` of them came with the hot set or were last put into one."""
        return len(self._locations) + len(self._rules)

    def hot_set(self) -> HotSet:
        """What was looked up so far, and the index."""
        self.hot_places = self.known_places
        return HotSet(self._index.frame, self._locations, self._rules)

    def rule_at(self, offset: int) -> CfiRule | WinRule | None:
        """Return the unwind rule that covers ``offset``."""
        if offset not in self._rules:
            self.prepare_rules((offset,))
            if len(self._rules) >= MAX_REMEMBERED:
                self._rules.clear()
            number = self._rule_piece_at(offset)
            self._rules[offset] = None if number is None else self._rule_pieces[number].rule_at(offset)
            if number is not None:
                self._rule_pieces.move_to_end(number)
        return self._rules[offset]

    def prepare_rules(self, offsets: Iterable[int]) -> None:
        """Get ready for ``rule_at`` of ``offsets``: the pieces that are missing are asked for at once."""
        numbers = {self._rule_piece_at(offset) for offset in offsets if offset not in self._rules}
        missing = [number for number in numbers if number is not None and number not in self._rule_pieces]
        for number, data in self._pieces.load(missing, "unwind rules", RULES_AROUND, len(self._index.names)):
            self._rule_pieces[number] = RulePiece(data)
        while len(self._rule_pieces) > max(DECODED_RULE_PIECES, len(missing)):
            self._rule_pieces.popitem(last=False)

    def _rule_piece_at(self, offset: int) -> int | None:
        piece = bisect_right(self._index.rules, offset) - 1
        return len(self._index.names) + piece if piece >= 0 and offset < 1 << 32 else None

    def has_function(self, offset: int) -> bool:
        """Whether ``offset`` lies in a function; in a file of very many also in a gap between two. Fetches nothing."""
        return offset in self._index.covered

    def locate(self, offsets: Sequence[int]) -> dict[int, tuple[Location, ...]]:
        """Return the functions at every offset, innermost first; empty where none is known.

        All pieces that are missing are asked for at once: give all the offsets of a crash in one call.
        """
        pieces: dict[int, list[int]] = {}
        for offset in set(offsets) - self._locations.keys():
            piece = bisect_right(self._index.names, offset) - 1
            if piece >= 0 and 0 <= offset < 1 << 32:
                pieces.setdefault(piece, []).append(offset)
        found: dict[int, tuple[Location, ...]] = {}
        for number, data in self._pieces.load(pieces, "names"):
            names = NamePiece(data)
            found.update((offset, names.locate(offset) or names.nearest(offset)) for offset in pieces[number])
        answers = {offset: self._locations.get(offset) or found.get(offset, ()) for offset in offsets}
        if len(self._locations) + len(found) > MAX_REMEMBERED:
            self._locations.clear()
        self._locations.update(found)
        return {offset: () if calls and calls[0].ends_before else calls for offset, calls in answers.items()}

    def nearest(self, offset: int) -> Location | None:
        """Return the function that ends before ``offset``, where ``locate`` has found none. A hint and no name: it may
        be far below. Fetches nothing, and so knows only what ``locate`` was asked."""
        calls = self._locations.get(offset)
        return calls[0] if calls and calls[0].ends_before else None


def first_hot_set(blob: Blob) -> HotSet | None:
    """What is kept beside a symbol file until crashes have looked something up: its index, so that none has to read the
    end of a large file for it. ``None`` for a file that is read whole.

    Raises:
        SymbolFileError: the file is damaged.
    """
    return SymbolFile.open(blob).hot_set() if blob.size > WHOLE_FILE else None


class _Tail:
    """The end of a symbol file: trailer and index, and whatever lies before them."""

    def __init__(self, blob: Blob) -> None:
        if blob.size < len(MAGIC) + TRAILER.size:
            raise SymbolFileError("The symbol file is too short to be one.")
        self.log: list[Read] = []
        self._blob = blob
        self._read_from(0 if blob.size <= WHOLE_FILE else blob.size - TAIL)
        size, version, magic = TRAILER.unpack_from(self.data, len(self.data) - TRAILER.size)
        if magic != MAGIC:
            raise SymbolFileError("These bytes are no symbol file, or its end is missing.")
        if version != CURRENT:
            raise SymbolFileVersionError(
                f"The symbol file has version {version}; this Cairn reads {CURRENT}. Compile the debug file again."
            )
        index_start = blob.size - TRAILER.size - size
        if index_start < len(MAGIC):
            raise SymbolFileError("The index of the symbol file is larger than the file.")
        if index_start < self.start:
            self._read_from(index_start)
        self.index_frame = self.data[index_start - self.start : -TRAILER.size]

    def _read_from(self, start: int) -> None:
        self.start = start
        (self.data,) = self._blob.read([(start, self._blob.size)])
        self.log.append(Read("opening", len(self.data)))
        if len(self.data) != self._blob.size - start:
            raise SymbolFileError("The symbol file is shorter than expected.")
