"""Rules of functions whose DWARF unwind data has expressions: what GCC writes where it aligns the stack.

Such a function keeps the caller's stack pointer in a place of its frame (``DW_CFA_def_cfa_expression``), and says of
saved registers where they are from the frame pointer (``DW_CFA_expression``). ``symbolic`` 13.9 drops such rules
without a word, so the rules before them seem to hold. Here the unwind data of these functions is read, and of no
others.

Sources: DWARF 5, 2.5, 6.4 and 7.7; the psABIs of x86-64 and i386 for numbers of registers.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from cairn.symbols.formats.elf import Elf
from cairn.symbols.formats.leb128 import leb128, signed_leb128
from cairn.symbols.unwind_data.cfi_text import END_OF_ADDRESSES, MAX_RULE_SIZE, Row
from cairn.symbols.unwind_data.dwarf_frames import (
    OPERANDS,
    POINTER_SIZES,
    Common,
    common,
    entries,
)

_SECTION = b".eh_frame"
AMD64 = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{number}" for number in range(8, 16)))
X86 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
_REGISTERS = {62: AMD64, 3: X86}
"""Names by number, for the processors whose stacks compilers align like that."""

_HINT = re.compile(rb"\x0f[\x01-\x7f][\x70-\x8f]|[\x10\x16][\x00-\x1f][\x01-\x7f][\x70-\x8f]")
"""An operation with an expression that begins with a register."""

MAX_ROWS = 4096
"""Rows of a function."""

MAX_KEPT = 64
"""States of a function that are remembered at a time."""

MAX_EXPRESSION = 32
"""Bytes of an expression; GCC writes two or three."""

_ADVANCES, _OF_CFA, _IGNORED = (0x40, 0x02, 0x03, 0x04), (0x0C, 0x0D, 0x0E, 0x0F), (0x00, 0x2E)
_REMEMBER, _RESTORE_STATE = 0x0A, 0x0B
_DEREFERENCE, _PLUS, _MINUS, _PLUS_NUMBER, _LITERAL, _REGISTER = 0x06, 0x22, 0x1C, 0x23, 0x30, 0x70


def expression_rows(elf: Elf) -> list[Row]:
    """The rows of functions in an ELF file that need expressions, relative to its base; of no others. What makes no
    sense is left out.

    Raises:
        MalformedDebugFileError: the headers make no sense.
    """
    names = _REGISTERS.get(elf.machine)
    section = elf.section(_SECTION) if names and elf.is_little else None
    if not names or section is None:
        return []
    _, data = section
    functions = sorted(functions_in(data, elf.address_of(_SECTION), names), key=lambda rows: rows[0].start)
    found: list[Row] = []
    for rows in functions:
        start, end = rows[0].start - elf.base, rows[-1].start - elf.base
        if start >= (found[-1].start if found else 0) and end < END_OF_ADDRESSES:
            found += [row._replace(start=row.start - elf.base) for row in rows]
    return found


def functions_in(data: bytes, address: int, names: tuple[str, ...]) -> Iterator[list[Row]]:
    """The rows of each function of a section at ``address``; the last is where it ends. ``names`` are those of the
    processor's registers."""
    places = list(entries(data))
    starts = [place for place, _, _ in places]
    hints = {bisect_right(starts, match.start()) - 1 for match in _HINT.finditer(data)}
    commons: dict[int, Common] = {}
    for index in sorted(hints - {-1}):
        place, number, end = places[index]
        try:
            if number and (rows := _rows(data, address, place, end, commons, names)):
                yield rows
        except (IndexError, KeyError, ValueError, struct.error):
            continue


def _rows(
    data: bytes, address: int, place: int, end: int, commons: dict[int, Common], names: tuple[str, ...]
) -> list[Row]:
    (distance,) = struct.unpack_from("<I", data, place)
    cie = place - distance
    if cie not in commons:
        commons[cie] = common(data, cie)
    shared = commons[cie]
    start, size, operations = _range(data, address, place + 4, shared)
    states = _States(data, shared, names)
    states.run(*shared.operations)
    states.begin(start)
    states.run(operations, end)
    states.close(start + size)
    return states.rows if states.has_expressions else []


def _range(data: bytes, address: int, place: int, shared: Common) -> tuple[int, int, int]:
    """Where a function begins, its size, and where its operations are.

    Raises:
        KeyError, ValueError: pointers are written in a way that ELF files do not use.
    """
    pointer = POINTER_SIZES[shared.encoding & 15]
    if shared.encoding & 0x70 not in (0, 0x10):
        raise ValueError(shared.encoding)
    start = int.from_bytes(data[place : place + pointer], "little", signed=bool(shared.encoding & 8))
    size = int.from_bytes(data[place + pointer : place + 2 * pointer], "little")
    start += address + place if shared.encoding & 0x10 else 0
    place += 2 * pointer
    if shared.is_augmented:
        count, place = leb128(data, place)
        place += count
    return start, size, place


@dataclass
class _State:
    """What holds at an address: the register that the CFA is counted from, and how far below; or an expression of it.
    ``saved`` are the rules of registers."""

    register: int = 0
    offset: int = 0
    expression: str | None = None
    saved: dict[int, str] = field(default_factory=dict)

    def copy(self) -> _State:
        return _State(self.register, self.offset, self.expression, dict(self.saved))


class _States:
    """Runs operations, and keeps a row for every address at which the state changed.

    Raises (all methods): IndexError, KeyError, ValueError: operations or expressions make no sense here.
    """

    def __init__(self, data: bytes, shared: Common, names: tuple[str, ...]) -> None:
        self.rows: list[Row] = []
        self.has_expressions = False
        self._data, self._shared, self._names = data, shared, names
        self._state, self._first = _State(), _State()
        self._kept: list[_State] = []
        self._address = 0

    def begin(self, start: int) -> None:
        """The operations that all functions share are done."""
        self._first, self._address = self._state.copy(), start

    def close(self, end: int) -> None:
        self._row()
        if end <= self._address:
            raise ValueError(end)
        self.rows.append(Row(end, None))

    def run(self, place: int, end: int) -> None:
        while place < end:
            code = self._data[place]
            place += 1
            high, low = code >> 6, code & 0x3F
            operands: list[int] = [low] if high else []
            block = b""
            for kind in ("u" if high == 2 else "") if high else OPERANDS[code]:
                if kind in "ub":
                    number, place = leb128(self._data, place)
                    if kind == "b":
                        block, place = self._data[place : min(place + number, end)], place + number
                    operands += [number] if kind == "u" else []
                else:
                    operands.append(int.from_bytes(self._data[place : place + int(kind)], "little"))
                    place += int(kind)
            self._do(code & 0xC0 or code, operands, block)

    def _do(self, code: int, operands: list[int], block: bytes) -> None:
        if code in _ADVANCES:
            self._row()
            self._address += operands[0] * self._shared.code_factor
        elif code in _OF_CFA:
            self._set_cfa(code, operands, block)
        elif code == _REMEMBER:
            self._kept = [*self._kept[-MAX_KEPT:], self._state.copy()]
        elif code == _RESTORE_STATE:
            self._state = self._kept.pop()
        elif code not in _IGNORED:
            self._set_register(code, operands, block)

    def _set_cfa(self, code: int, operands: list[int], block: bytes) -> None:
        state = self._state
        state.expression = None
        match code:
            case 0x0C:
                state.register, state.offset = operands
            case 0x0D:
                (state.register,) = operands
            case 0x0E:
                (state.offset,) = operands
            case _:
                state.expression, self.has_expressions = _expression(block, self._names), True

    def _set_register(self, code: int, operands: list[int], block: bytes) -> None:
        register, *offset = operands
        rule: str | None = None
        match code:
            case 0x80 | 0x05:
                rule = f".cfa {offset[0] * self._shared.data_factor} + ^"
            case 0xC0 | 0x06:
                rule = self._first.saved.get(register)
            case 0x07:
                rule = ".undef"
            case 0x10 | 0x16:
                rule = _expression(block, self._names) + (" ^" if code == 0x10 else "")
                self.has_expressions = True
            case 0x08:
                pass
            case _:
                raise ValueError(code)
        if register >= len(self._names) and register != self._shared.return_register:
            return
        if rule is None:
            self._state.saved.pop(register, None)
        else:
            self._state.saved[register] = rule

    def _row(self) -> None:
        """Note what holds from the present address on."""
        if self.rows and self.rows[-1].start == self._address:
            self.rows.pop()
        self.rows.append(Row(self._address, self._text(), not self.rows))
        if len(self.rows) > MAX_ROWS:
            raise ValueError(len(self.rows))

    def _text(self) -> str:
        state, names = self._state, self._names
        cfa = state.expression or f"{names[state.register]} {state.offset} +"
        ra = state.saved.get(self._shared.return_register, ".undef")
        registers = {names[number]: rule for number, rule in state.saved.items() if number < len(names)}
        text = " ".join((f".cfa: {cfa}", f".ra: {ra}", *(f"{name}: {registers[name]}" for name in sorted(registers))))
        if len(text) > MAX_RULE_SIZE:
            raise ValueError(len(text))
        return text


@lru_cache(maxsize=1024)
def _expression(block: bytes, names: tuple[str, ...]) -> str:
    """An expression as ``cfi_text`` writes them.

    Raises:
        IndexError, ValueError: it does what rules cannot say, or does not leave one value.
    """
    if len(block) > MAX_EXPRESSION:
        raise ValueError(len(block))
    parts: list[str] = []
    depth = place = 0
    while place < len(block):
        part, grows, place = _part(block, place, names)
        parts.append(part)
        depth += grows
        if depth < 1:
            raise ValueError(part)
    if depth != 1:
        raise ValueError(depth)
    return " ".join(parts)


def _part(block: bytes, place: int, names: tuple[str, ...]) -> tuple[str, int, int]:
    """What an operation does, by how much the stack of values grows, and where the next one is."""
    code, place = block[place], place + 1
    if _REGISTER <= code < _REGISTER + 32:
        offset, place = signed_leb128(block, place)
        return f"{names[code - _REGISTER]} {offset} +", 1, place
    if _LITERAL <= code < _LITERAL + 32:
        return str(code - _LITERAL), 1, place
    if code == _PLUS_NUMBER:
        number, place = leb128(block, place)
        return f"{number} +", 0, place
    if code in (_PLUS, _MINUS):
        return "+" if code == _PLUS else "-", -1, place
    if code != _DEREFERENCE:
        raise ValueError(code)
    return "^", 0, place
