"""The index of a symbol file: what the file is about, and which pieces it has."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.pieces import decompress
from cairn.symbols.records import Features, Segment
from cairn.symbols.symbol_file.coverage import Coverage

CURRENT = 5
"""Version of what is written. Raise it whenever a file compiled today would differ in meaning from one compiled before;
``docs/symbol-files.md`` lists the steps."""

MAX_INDEX_SIZE = 32 * 1024 * 1024

MAGIC = b"CAIRNSYM"
TRAILER = struct.Struct("<II8s")

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


class Index:
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
