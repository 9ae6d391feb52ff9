"""The index of a symbol file: what the file is about, and which pieces it has.

The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.pieces import decompress
from cairn.symbols.records import Features, Segment
from cairn.symbols.symbol_file.columns import ColumnReader, deltas, pack
from cairn.symbols.symbol_file.coverage import Coverage

CURRENT = 6
"""Version of what is written. Raise it whenever a file compiled today would differ in meaning from one compiled before;
``docs/symbol-files.md`` lists the steps."""

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


def pack_index(
    description: Description, sizes: Sequence[int], names: Sequence[int], rules: Sequence[int], covered: Coverage
) -> bytes:
    """The bytes of an index, before they are compressed: ``sizes`` of the frames of all pieces in order, the first
    addresses of the pieces of ``names`` and of ``rules``, and what is ``covered`` by functions."""
    counts = (len(names), len(rules), len(covered.bounds))
    columns = (counts, sizes, *map(deltas, (names, rules, covered.bounds)))
    return b"".join((*map(pack, columns), json.dumps(description.to_json(), separators=(",", ":")).encode()))


class Index:
    """The checked index of a symbol file, from its compressed ``frame``.

    Raises:
        SymbolFileError: it is damaged, or contradicts itself.
    """

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        reader = ColumnReader(decompress(frame))
        names, rules, bounds = reader.take(3)
        self.sizes = reader.take(names + rules)
        self.names, self.rules = reader.take_rising(names), reader.take_rising(rules)
        self.covered = Coverage(reader.take_rising(bounds))
        if 0 in self.sizes:
            raise SymbolFileError("The index of the symbol file has a piece without bytes.")
        self.description = _description(reader.take_rest())


def _description(text: bytes) -> Description:
    try:
        values = json.loads(text)
        features = Features(**{name: values["features"][name] is True for name in Features._fields})
        texts = {name: values[name] for name in _TEXTS}
        segments = tuple(_segment(value) for value in values["segments"])
    except (ValueError, RecursionError) as error:
        raise SymbolFileError("The index of the symbol file is damaged.") from error
    except (KeyError, TypeError) as error:
        raise SymbolFileError("The index of the symbol file lacks something.") from error
    if not all(isinstance(text, str) or (text is None and name.endswith("_id")) for name, text in texts.items()):
        raise SymbolFileError("The index of the symbol file describes it wrong.")
    return Description(**texts, features=features, segments=segments)


def _segment(value: Any) -> Segment:
    numbers = (value["address"], value["size"], value["offset"])
    if any(type(number) is not int or number < 0 for number in numbers):
        raise SymbolFileError("The index of the symbol file holds something that is no number.")
    return Segment(*numbers, value["executable"] is True)
