"""Cairn's symbol file: names, lines and unwind rules of one module, in pieces that are read alone.

The format is in ``docs/symbol-files.md``, to the byte. Look-ups take addresses relative to the module's base.
"""

from __future__ import annotations

import json
import struct
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from cairn.symbols.blob import Blob
from cairn.symbols.columns import Piece
from cairn.symbols.coverage import Coverage, Stretch
from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.hot_set import HotSet
from cairn.symbols.name_table import NamePiece
from cairn.symbols.pieces import Pieces, Read, compress, decompress
from cairn.symbols.program_code import ProgramCode
from cairn.symbols.records import Features, Location, Segment
from cairn.symbols.rule_table import RulePiece
from cairn.symbols.rules import CfiRule, WinRule

CURRENT = 5
"""Version of what is written. Raise it whenever a file compiled today would differ in meaning from one compiled before;
``docs/symbol-files.md`` lists the steps."""

NAMES_LEVEL, RULES_LEVEL, INDEX_LEVEL = 3, 9, 9
"""How hard zstd tries. Rules and index are small, and what of them lies close to the end of a file saves a request."""

WHOLE_FILE = 3 * 1024 * 1024
"""Bytes up to which a file is read whole when it is opened: cheaper than a second request."""

TAIL = 1024 * 1024
"""Bytes read from the end of a larger file when it is opened: the index, and the unwind rules before it."""

MAX_INDEX_SIZE = 32 * 1024 * 1024
MAX_REMEMBERED = 65536
"""Look-ups remembered for each file."""

RULES_AROUND = 256 * 1024
"""Bytes of unwind rules read around a piece that is missing: a walk needs one piece after another, each the cost of a
request, and the rules of a program of 20 MB of code take no more."""

DECODED_RULE_PIECES = 64
"""Decoded pieces of unwind rules kept for each file; one takes about 200 KB."""

_MAGIC = b"CAIRNSYM"
_TRAILER = struct.Struct("<II8s")
_TEXTS = ("debug_id", "code_id", "arch", "kind", "format", "name")


class Description(NamedTuple):
    """What a symbol file is about. The fields mean what they mean in ``libsymbolic.DebugObject``; ``name`` is the debug
    file's own name, and ``segments`` what of that file is loaded: nothing where it holds no code."""

    debug_id: str | None
    code_id: str | None
    arch: str
    kind: str
    format: str
    name: str
    features: Features
    segments: tuple[Segment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        segments = [segment._asdict() for segment in self.segments]
        return self._asdict() | {"features": self.features._asdict(), "segments": segments}


class SymbolFileWriter:
    """Writes a symbol file, piece by piece: all pieces of names, then all of rules, each in order of address."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(_MAGIC)
        self._sizes: list[int] = []
        self._starts: dict[str, list[int]] = {"names": [], "rules": []}

    def __enter__(self) -> SymbolFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add_names(self, pieces: Iterable[Piece]) -> None:
        self._add("names", pieces, NAMES_LEVEL)

    def add_rules(self, pieces: Iterable[Piece]) -> None:
        self._add("rules", pieces, RULES_LEVEL)

    def _add(self, kind: str, pieces: Iterable[Piece], level: int) -> None:
        for piece in pieces:
            frame = compress(piece.data, level)
            self._file.write(frame)
            self._sizes.append(len(frame))
            self._starts[kind].append(piece.start)

    def finish(self, description: Description, covered: Iterable[Stretch]) -> None:
        """Write the index; ``covered`` are the stretches of addresses that belong to functions."""
        index = {**description.to_json(), **self._starts}
        index |= {"sizes": self._sizes, "covered": Coverage.of(covered).bounds}
        frame = compress(json.dumps(index, separators=(",", ":")).encode(), INDEX_LEVEL)
        self._file.write(frame)
        self._file.write(_TRAILER.pack(len(frame), CURRENT, _MAGIC))


class SymbolFile:
    """A symbol file, open for look-ups. Use ``SymbolFile.open``. ``code`` reads the program's own file, ``origin`` says
    where the file lies that it was compiled from.

    Every look-up raises ``SymbolFileError`` when it meets damaged bytes.
    """

    def __init__(self, index: _Index, pieces: Pieces, code: ProgramCode, hot: HotSet | None, origin: str) -> None:
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
        """Open a symbol file. A small one is read whole; of a larger one, the end; of one with a hot set, nothing.

        ``debug_file`` opens the file that it was compiled from; ``None`` where that is not to be had. It is called when
        code is first asked for. ``origin`` says where that file lies, for a person.

        Raises:
            SymbolFileVersionError: another version wrote it.
            SymbolFileError: it is damaged.
        """
        tail = None if hot else _Tail(blob)
        frame = tail.index_frame if tail else hot.index_frame if hot else b""
        index = _Index(frame)
        pieces = Pieces(blob, len(_MAGIC), index.sizes)
        if len(_MAGIC) + sum(index.sizes) + len(frame) + _TRAILER.size != blob.size:
            raise SymbolFileError("The index of the symbol file does not fit its pieces.")
        if tail:
            pieces.log += tail.log
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
        """Every range asked of the blob so far."""
        return self._pieces.log

    @property
    def reads(self) -> int:
        """Ranges asked of the blob so far."""
        return self._pieces.reads

    @property
    def bytes_read(self) -> int:
        """Bytes asked of the blob so far."""
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
        for number, data in self._pieces.load(missing, "unwind rules", RULES_AROUND):
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


class _Tail:
    """The end of a symbol file: trailer and index, and whatever lies before them."""

    def __init__(self, blob: Blob) -> None:
        if blob.size < len(_MAGIC) + _TRAILER.size:
            raise SymbolFileError("The symbol file is too short to be one.")
        self.log: list[Read] = []
        self._blob = blob
        self._read_from(0 if blob.size <= WHOLE_FILE else blob.size - TAIL)
        size, version, magic = _TRAILER.unpack_from(self.data, len(self.data) - _TRAILER.size)
        if magic != _MAGIC:
            raise SymbolFileError("These bytes are no symbol file, or its end is missing.")
        if version != CURRENT:
            raise SymbolFileVersionError(
                f"The symbol file has version {version}; this Cairn reads {CURRENT}. Compile the debug file again."
            )
        index_start = blob.size - _TRAILER.size - size
        if index_start < len(_MAGIC):
            raise SymbolFileError("The index of the symbol file is larger than the file.")
        if index_start < self.start:
            self._read_from(index_start)
        self.index_frame = self.data[index_start - self.start : -_TRAILER.size]

    def _read_from(self, start: int) -> None:
        self.start = start
        (self.data,) = self._blob.read([(start, self._blob.size)])
        self.log.append(Read("opening", len(self.data)))
        if len(self.data) != self._blob.size - start:
            raise SymbolFileError("The symbol file is shorter than expected.")


class _Index:
    """The checked index of a symbol file."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        index = _decoded(frame)
        try:
            self.sizes = _numbers(index["sizes"], 1)
            self.names = _numbers(index["names"], 0)
            self.rules = _numbers(index["rules"], 0)
            self.covered = Coverage(_numbers(index["covered"], 0))
            features = Features(**{name: index["features"][name] is True for name in Features._fields})
            texts = {name: index[name] for name in _TEXTS}
            segments = tuple(_segment(value) for value in index["segments"])
        except (KeyError, TypeError) as error:
            raise SymbolFileError("The index of the symbol file lacks something.") from error
        if len(self.sizes) != len(self.names) + len(self.rules):
            raise SymbolFileError("The index of the symbol file counts its pieces wrong.")
        if not all(isinstance(text, str) or (text is None and name.endswith("_id")) for name, text in texts.items()):
            raise SymbolFileError("The index of the symbol file describes it wrong.")
        self.description = Description(**texts, features=features, segments=segments)


def _decoded(frame: bytes) -> Any:
    try:
        return json.loads(decompress(frame, MAX_INDEX_SIZE))
    except (ValueError, RecursionError) as error:
        raise SymbolFileError("The index of the symbol file is damaged.") from error


def _segment(value: Any) -> Segment:
    address, size, offset = _numbers([value["address"], value["size"], value["offset"]], 0)
    return Segment(address, size, offset, value["executable"] is True)


def _numbers(values: Any, least: int) -> tuple[int, ...]:
    if not isinstance(values, list) or set(map(type, values)) - {int} or min(values, default=least) < least:
        raise SymbolFileError("The index of the symbol file holds something that is no number.")
    return tuple(values)
