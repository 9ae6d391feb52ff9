"""``STACK CFI`` and ``STACK WIN`` lines to rows: from which address on which rule holds.

A row's rule is text: ``.cfa: rsp 8 + .ra: .cfa -8 + ^`` with INIT and deltas merged, registers without ``$``, ``.cfa``
and ``.ra`` first, the rest in order of name; or ``WIN`` and the fields of a ``STACK WIN`` line. ``parse_rule`` makes
the record of it. The grammar is Breakpad's; lines that do not follow it are skipped, as Breakpad does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cairn.symbols.errors import SymbolFileError
from cairn.symbols.rules import CfiRule, Expression, WinRule

END_OF_ADDRESSES = 1 << 32
MAX_RULE_SIZE = 4096
"""Characters of a rule: fifty times what compilers write."""

MAX_REGISTERS = 256
"""Registers in one state: a hostile file that names new ones for ever stops growing here."""

_INIT = re.compile(rb"STACK CFI INIT ([0-9a-fA-F]{1,16}) ([0-9a-fA-F]{1,16}) (.+)")
_DELTA = re.compile(rb"STACK CFI ([0-9a-fA-F]{1,16}) (.+)")
_WIN = re.compile(rb"STACK WIN ([04]) ((?:[0-9a-fA-F]{1,8} ){8})([01]) ?(.*)")
_NUMBER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_TOKEN = re.compile(r"-?[0-9]{1,20}|\$?[.A-Za-z_][.\w]*|[-+*/%^@]", re.ASCII)
_UNDEFINED = ".undef"


class Row(NamedTuple):
    """``rule`` holds from ``start`` to the next row; ``None`` is a gap. ``is_init``: an INIT record begins here."""

    start: int
    rule: str | None
    is_init: bool = False


class _Record(NamedTuple):
    """An INIT record, and its deltas as they came."""

    start: int
    end: int
    rules: str
    deltas: list[tuple[int, str]]


def parse_stack_lines(lines: Iterable[bytes]) -> list[Row]:
    """Turn the ``STACK`` lines among ``lines`` into rows in order of address.

    Overlapping CFI records: the first by address wins. ``STACK WIN`` records may nest, the innermost wins; frame data
    (4) goes before FPO (0), and both before CFI.
    """
    records: list[_Record] = []
    win: dict[str, dict[int, tuple[int, str]]] = {"4": {}, "0": {}}
    for line in lines:
        if line.startswith(b"STACK CFI"):
            _read_cfi(line, records)
        elif line.startswith(b"STACK WIN"):
            _read_win(line, win)
    rows = _cfi_rows(records)
    for kind in ("0", "4"):
        rows = overlay(_nested_rows(win[kind]), rows)
    return rows


def _read_cfi(line: bytes, records: list[_Record]) -> None:
    if match := _INIT.match(line):
        start, size = int(match[1], 16), int(match[2], 16)
        records.append(_Record(start, min(start + size, END_OF_ADDRESSES), _text(match[3]), []))
    elif records and (match := _DELTA.match(line)):
        records[-1].deltas.append((int(match[1], 16), _text(match[2])))


def _read_win(line: bytes, win: dict[str, dict[int, tuple[int, str]]]) -> None:
    match = _WIN.match(line)
    if not match:
        return
    kind, fields, has_program, rest = match[1].decode(), match[2].decode().split(), match[3] == b"1", _text(match[4])
    start, size = int(fields[0], 16), int(fields[1], 16)
    # Breakpad trusts the type, and drops the line where the flag contradicts it.
    if has_program == (kind == "4") and size and start + size <= END_OF_ADDRESSES and len(rest) <= MAX_RULE_SIZE:
        win[kind].setdefault(start, (start + size, " ".join(("WIN", kind, *fields, rest))))


def _text(field: bytes) -> str:
    """ASCII, as pieces hold it: what is not becomes a question mark."""
    return field.decode("ascii", "replace").replace("\ufffd", "?").strip()


def _cfi_rows(records: list[_Record]) -> list[Row]:
    states = _States()
    rows: list[Row] = []
    end = 0
    for record in sorted(records, key=lambda record: record.start):
        if record.end <= max(end, record.start):
            continue
        if rows and record.start > end:
            rows.append(Row(end, None))
        rows.extend(_record_rows(record, max(end, record.start), states))
        end = record.end
    if rows and end < END_OF_ADDRESSES:
        rows.append(Row(end, None))
    return _merged(rows)


def _record_rows(record: _Record, start: int, states: _States) -> Iterable[Row]:
    state = states.first(record.rules)
    is_init = start == record.start
    for address, rules in sorted(record.deltas, key=lambda delta: delta[0]):
        if not record.start <= address < record.end:
            continue
        if address > start:
            yield Row(start, states.text(state), is_init)
            start, is_init = address, False
        state = states.next(state, rules)
    yield Row(start, states.text(state), is_init)


class _States:
    """The distinct states of CFI records. A big program has 300,000 rows and 500 states: each is made once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[str, str], ...], int] = {}
        self._states: list[dict[str, str]] = []
        self._texts: list[str | None] = []
        self._steps: dict[tuple[int, str], int] = {}

    def first(self, rules: str) -> int:
        return self.next(-1, rules)

    def next(self, state: int, rules: str) -> int:
        number = self._steps.get((state, rules))
        if number is None:
            before = self._states[state] if state >= 0 else {}
            after = {**before, **_assignments(rules)}
            number = self._steps[state, rules] = self._number(after if len(after) <= MAX_REGISTERS else before)
        return number

    def text(self, state: int) -> str | None:
        """Return the rule of a state; ``None`` when it has no ``.cfa``, and so cannot be used."""
        return self._texts[state]

    def _number(self, state: dict[str, str]) -> int:
        key = tuple(sorted(state.items(), key=lambda item: (item[0] != ".cfa", item[0] != ".ra", item[0])))
        if key not in self._numbers:
            self._numbers[key] = len(self._states)
            self._states.append(state)
            text = " ".join(f"{register}: {expression or _UNDEFINED}" for register, expression in key)
            self._texts.append(text if _is_usable(state, text) else None)
        return self._numbers[key]


def _is_usable(state: dict[str, str], text: str) -> bool:
    return state.get(".cfa", "") not in ("", _UNDEFINED) and state.get(".ra") != "" and len(text) <= MAX_RULE_SIZE


def _assignments(rules: str) -> dict[str, str]:
    """Split ``.cfa: $rsp 8 + .ra: .cfa -8 + ^``. An expression that makes no sense becomes ``""``."""
    found: dict[str, list[str]] = {}
    register = None
    for token in rules.split():
        if token.endswith(":") and token not in (":", "$:"):
            register = token[:-1].removeprefix("$")
            found[register] = []
        elif register is not None:
            found[register].append(token)
    return {register: _expression(tokens) for register, tokens in found.items()}


def _expression(tokens: list[str]) -> str:
    if _UNDEFINED in tokens:
        return _UNDEFINED
    if not all(_TOKEN.fullmatch(token) for token in tokens):
        return ""
    return " ".join(token.removeprefix("$") for token in tokens)


def _nested_rows(ranges: dict[int, tuple[int, str]]) -> list[Row]:
    """Flatten ranges that may nest; one that overlaps its surroundings is cut where those end."""
    rows: list[Row] = []
    open_ranges: list[tuple[int, str]] = []

    def close(until: int) -> None:
        while open_ranges and open_ranges[-1][0] <= until:
            end, _ = open_ranges.pop()
            rows.append(Row(end, open_ranges[-1][1] if open_ranges else None))

    for start, (end, rule) in sorted(ranges.items()):
        close(start)
        open_ranges.append((min(end, open_ranges[-1][0]) if open_ranges else end, rule))
        rows.append(Row(start, rule))
    close(END_OF_ADDRESSES)
    return _merged(rows)


def overlay(top: list[Row], bottom: list[Row]) -> list[Row]:
    """Lay ``top`` over ``bottom``: where it has a gap, ``bottom`` shows."""
    if not top or not bottom:
        return top or bottom
    rows: list[Row] = []
    above = below = Row(0, None)
    for row, is_top in sorted(((row, is_top) for rows, is_top in ((top, True), (bottom, False)) for row in rows),
                              key=lambda item: item[0].start):  # fmt: skip
        above, below = (row, below) if is_top else (above, row)
        shown = above if above.rule is not None else below
        rows.append(Row(row.start, shown.rule, shown.is_init and shown.start == row.start))
    return _merged(rows)


def _merged(rows: list[Row]) -> list[Row]:
    """Keep the last of several rows with one start, and leave out rows that change nothing."""
    kept: list[Row] = []
    for row in rows:
        if row.start >= END_OF_ADDRESSES:
            break
        if kept and kept[-1].start == row.start:
            kept.pop()
        if row.is_init or row.rule != (kept[-1].rule if kept else None):
            kept.append(row)
    return kept


def parse_rule(text: str) -> CfiRule | WinRule:
    """Return the record of a row's rule.

    Raises:
        SymbolFileError: the text is no rule.
    """
    if text.startswith("WIN "):
        return _parse_win(text)
    expressions = {register: _parsed(tokens) for register, tokens in _assignments(text).items()}
    cfa = expressions.pop(".cfa", None)
    if cfa is None:
        raise SymbolFileError("A piece of the symbol file has a rule without .cfa.")
    return CfiRule(cfa=cfa, ra=expressions.pop(".ra", None), registers=tuple(expressions.items()))


def _parsed(expression: str) -> Expression | None:
    if expression in ("", _UNDEFINED):
        return None
    return tuple(int(token) if _NUMBER.fullmatch(token) else token for token in expression.split())


def _parse_win(text: str) -> WinRule:
    fields = text.split(" ", 10)
    try:
        numbers = [int(field, 16) for field in fields[1:10]]
        rest = fields[10]
    except (ValueError, IndexError):
        raise SymbolFileError("A piece of the symbol file has a broken STACK WIN rule.") from None
    is_program = numbers[0] == 4
    program = tuple(rest.replace("=", " = ").split()) if is_program else None
    kind, rva, *sizes = numbers
    code, prolog, epilog, parameters, saved, local, stack = sizes
    return WinRule(
        kind,
        rva,
        code,
        prolog,
        epilog,
        parameters,
        saved,
        local,
        stack,
        program,
        allocates_base_pointer=not is_program and rest == "1",
    )
