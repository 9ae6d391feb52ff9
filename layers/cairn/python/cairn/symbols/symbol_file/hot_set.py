"""The hot set of a symbol file: its index, and what crashes have looked up before.

Most crashes of a program repeat most frames. A small object beside the symbol file holds their answers, so that the
next crash needs one small read instead of the end of the file and pieces from all over it. Beside a large file lies one
with the index alone from the start (``reader.first_hot_set``). It is only a memory: without it everything works the
same. The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.ranges.pieces import compress, decompress
from cairn.symbols.records import Location
from cairn.symbols.rules import CfiRule, Expression, WinRule

CURRENT = 1
"""Version of the layout. What it holds also depends on the symbol file's own version: keep both in the key."""

MAX_PLACES = 4096
"""Places of each kind that are kept, those looked up last."""

MAX_SIZE = 1024 * 1024
"""Bytes of a hot set: one that would be larger saves nothing over reading the end of the symbol file."""

Rule = CfiRule | WinRule
_Value = TypeVar("_Value")

_MAGIC = b"CAIRNHOT"
_HEADER = struct.Struct("<8sII")
_COMPRESSION_LEVEL = 3
_CFI, _WIN = "cfi", "win"


class HotSet(NamedTuple):
    """``index_frame`` is the compressed index of the symbol file; ``names`` and ``rules`` are answers by offset."""

    index_frame: bytes
    names: Mapping[int, tuple[Location, ...]]
    rules: Mapping[int, Rule | None]

    def pack(self) -> bytes | None:
        """The bytes to store; ``None`` when they would be more than ``MAX_SIZE``."""
        names, rules = _last(self.names), _last(self.rules)
        locations = _numbered(one for of in names.values() for one in of)
        distinct = _numbered(rule for rule in rules.values() if rule)
        answers = {
            "locations": list(locations),
            "names": [[offset, *(locations[one] for one in of)] for offset, of in names.items()],
            "distinct": [_packed(rule) for rule in distinct],
            "rules": [[offset, *([distinct[rule]] if rule else [])] for offset, rule in rules.items()],
        }
        packed = compress(json.dumps(answers, separators=(",", ":")).encode(), _COMPRESSION_LEVEL)
        whole = _HEADER.pack(_MAGIC, CURRENT, len(self.index_frame)) + self.index_frame + packed
        return whole if len(whole) <= MAX_SIZE else None

    @classmethod
    def unpack(cls, data: bytes) -> HotSet:
        """What ``pack`` gave.

        Raises:
            SymbolFileVersionError: another version wrote it.
            SymbolFileError: it is damaged.
        """
        if len(data) < _HEADER.size:
            raise SymbolFileError("The hot set is too short to be one.")
        magic, version, size = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise SymbolFileError("These bytes are no hot set.")
        if version != CURRENT:
            raise SymbolFileVersionError(f"The hot set has version {version}; this Cairn reads {CURRENT}.")
        try:
            answers = json.loads(decompress(data[_HEADER.size + size :]))
            locations = [Location(*fields) for fields in answers["locations"]]
            distinct = [_unpacked(*fields) for fields in answers["distinct"]]
            names = {offset: tuple(locations[one] for one in of) for offset, *of in answers["names"]}
            rules = {offset: distinct[number[0]] if number else None for offset, *number in answers["rules"]}
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise SymbolFileError("The hot set is damaged.") from error
        return cls(data[_HEADER.size : _HEADER.size + size], names, rules)


def _last(answers: Mapping[int, _Value]) -> dict[int, _Value]:
    """The answers that were added last, as many as are kept."""
    return dict(islice(answers.items(), max(0, len(answers) - MAX_PLACES), None))


def _numbered(values: Iterable[_Value]) -> dict[_Value, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def _packed(rule: Rule) -> list[Any]:
    return [_CFI if isinstance(rule, CfiRule) else _WIN, *rule]


def _unpacked(kind: str, *fields: Any) -> Rule:
    if kind == _WIN:
        rule = WinRule(*fields)
        return rule._replace(program=None if rule.program is None else tuple(rule.program))
    cfa, ra, registers, at_function_start = fields
    named = tuple((name, _expression(tokens)) for name, tokens in registers)
    return CfiRule(tuple(cfa), _expression(ra), named, at_function_start)


def _expression(tokens: Iterable[str | int] | None) -> Expression | None:
    return None if tokens is None else tuple(tokens)
