"""The pieces of a symbol file that hold unwind rules: sorted start addresses, a rule number each, the rules once.

A look-up is a bisect and a list index. The layout is in ``docs/symbol-files.md``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.rules import CfiRule, WinRule
from cairn.symbols.symbol_file.columns import ColumnReader, Piece, deltas, pack
from cairn.symbols.unwind_data.cfi_text import Row, parse_rule

ROWS_PER_PIECE = 16384
MAX_PIECE_TEXT = 512 * 1024
"""Bytes of rule text in a piece: only ``STACK WIN`` programs, nearly all different, ever come near."""

_INIT = 1 << 31


def rule_pieces(rows: Sequence[Row], rows_per_piece: int = ROWS_PER_PIECE) -> Iterator[Piece]:
    """Cut rows, sorted by start, into pieces."""
    begin = text_size = 0
    numbers: dict[str, int] = {}
    for index, row in enumerate(rows):
        if index - begin >= rows_per_piece or text_size > MAX_PIECE_TEXT:
            yield _piece(rows[begin:index], numbers)
            begin, text_size, numbers = index, 0, {}
        if row.rule is not None and row.rule not in numbers:
            numbers[row.rule] = len(numbers) + 1
            text_size += len(row.rule)
    if begin < len(rows):
        yield _piece(rows[begin:], numbers)


def _piece(rows: Sequence[Row], numbers: dict[str, int]) -> Piece:
    starts = [row.start for row in rows]
    marks = [(numbers[row.rule] if row.rule is not None else 0) | (_INIT if row.is_init else 0) for row in rows]
    head = pack((len(rows), len(numbers)))
    return Piece(starts[0], b"".join((head, pack(deltas(starts)), pack(marks), "\n".join(numbers).encode())))


class RulePiece:
    """A decoded piece.

    Raises:
        SymbolFileError: on construction or look-up, when the bytes contradict themselves.
    """

    def __init__(self, data: bytes) -> None:
        reader = ColumnReader(data)
        rows, rules = reader.take(2)
        self._starts = reader.take_rising(rows)
        self._marks = reader.take(rows)
        text = reader.take_rest().decode("ascii", "replace")
        self._texts = text.split("\n") if text else []
        if len(self._texts) != rules:
            raise SymbolFileError("A piece of the symbol file has another number of rules than its header says.")
        self._rules: dict[int, CfiRule | WinRule] = {}

    def rule_at(self, offset: int) -> CfiRule | WinRule | None:
        """Return the rule that holds at ``offset``."""
        row = bisect_right(self._starts, offset) - 1
        if row < 0:
            return None
        mark = self._marks[row]
        rule = self._rule(mark & ~_INIT)
        if mark & _INIT and self._starts[row] == offset and isinstance(rule, CfiRule):
            return rule._replace(at_function_start=True)
        return rule

    def _rule(self, number: int) -> CfiRule | WinRule | None:
        if not number:
            return None
        if number > len(self._texts):
            raise SymbolFileError("A piece of the symbol file names a rule that it does not have.")
        if number not in self._rules:
            self._rules[number] = parse_rule(self._texts[number - 1])
        return self._rules[number]
