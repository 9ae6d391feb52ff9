"""Envelopes: a line of JSON, then items, each a line of JSON and its payload.

An item whose header has a ``length`` has a payload of exactly so many bytes; without it the payload runs to the next
newline. Source: the envelope format of Sentry's SDK documentation, and Relay where that leaves room.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cairn.intake.errors import EmptyBodyError, InvalidEnvelopeError
from cairn.intake.limits import ENVELOPE_LINE, ITEMS, PIECE
from cairn.intake.values import Object, plain, text


@dataclass(frozen=True, slots=True)
class Item:
    """An item. ``payload`` is read once, piece by piece, before the next item is asked for."""

    kind: str
    header: Object
    payload: Iterator[bytes]


class EnvelopeReader:
    """An envelope, read once from its start; ``header`` is its first line.

    Raises ``EmptyBodyError``, ``InvalidEnvelopeError`` and whatever reading ``body`` raises.
    """

    def __init__(self, body: Iterable[bytes]) -> None:
        self._source = Source(body)
        if self._source.ended:
            raise EmptyBodyError("an envelope begins with a line of JSON: {} is the least there is")
        self.header = header_of(self._source.line("the first line"), "the first line")

    def items(self) -> Iterator[Item]:
        """The items one after another; what was not read of a payload is passed over."""
        number = 0
        while not self._source.at_end():
            number += 1
            if number > ITEMS:
                raise InvalidEnvelopeError(f"the envelope has more than {ITEMS} items: send several envelopes")
            item = self._item(f"item {number}")
            yield item
            for _ in item.payload:
                pass

    def _item(self, where: str) -> Item:
        header = header_of(self._source.line(where), where)
        kind, length = header.get("type"), header.get("length")
        if not isinstance(kind, str):
            raise InvalidEnvelopeError(f"the header of {where} has no type")
        if length is None:
            return Item(kind, header, self._source.rest_of_line())
        if type(length) is not int or length < 0:
            raise InvalidEnvelopeError(f"the length of {where} is not a number of bytes")
        return Item(kind, header, self._source.exactly(length, where))


class Source:
    """The bytes of an envelope, taken by line and by count; no more than a piece is held beyond what was asked."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    @property
    def ended(self) -> bool:
        """Whether there is nothing left."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return True
            self._held = piece
        return False

    def at_end(self) -> bool:
        """Whether nothing but newlines is left; they are taken away."""
        while not self.ended:
            self._held = self._held.lstrip(b"\r\n")
            if self._held:
                return False
        return True

    def line(self, where: str) -> bytes:
        """What comes before the next newline or the end."""
        line = bytearray()
        for piece in self.rest_of_line():
            line += piece
            if len(line) > ENVELOPE_LINE:
                raise InvalidEnvelopeError(f"the header in {where} is longer than {ENVELOPE_LINE} bytes")
        return bytes(line)

    def rest_of_line(self) -> Iterator[bytes]:
        """The same in pieces; the newline is taken away."""
        while not self.ended:
            piece, newline, rest = self._held[:PIECE].partition(b"\n")
            self._held = rest + self._held[PIECE:]
            yield piece
            if newline:
                return

    def exactly(self, size: int, where: str) -> Iterator[bytes]:
        """The next ``size`` bytes in pieces, and away with the newline behind them."""
        left = size
        while left:
            if self.ended:
                raise InvalidEnvelopeError(f"the payload of {where} is {left} bytes shorter than the length it has")
            piece, self._held = self._held[:left], self._held[left:]
            left -= len(piece)
            yield piece
        if not self.ended:
            if not self._held.startswith(b"\n"):
                raise InvalidEnvelopeError(f"there is no newline after the payload of {where}: is its length right?")
            self._held = self._held[1:]


def header_of(line: bytes, where: str) -> Object:
    """A header line as an object. Raises ``InvalidEnvelopeError``."""
    try:
        header = json.loads(text(line))
    except (ValueError, RecursionError) as error:
        raise InvalidEnvelopeError(f"the header in {where} is not JSON") from error
    if not isinstance(header, dict):
        raise InvalidEnvelopeError(f"the header in {where} is not a JSON object")
    made_plain: Object = plain(header)
    return made_plain
