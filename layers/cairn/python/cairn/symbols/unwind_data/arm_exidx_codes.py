"""The bytes that undo a function of 32-bit arm: each takes something off the stack, or says where the stack is.

Source: "Exception Handling ABI for the Arm Architecture" (EHABI32), section 10.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cairn.symbols.errors import MalformedDebugFileError

MAX_FRAME = 1 << 30
"""Bytes on the stack: more than a program has."""

_SP, _LR, _PC = 13, 14, 15
_NAMES = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc")
_FINISH = 0xB0


class _Stack:
    """The stack pointer while a function is undone: ``offset`` bytes above the value of the register ``base``.

    ``saved`` are the offsets at which registers were found.
    """

    def __init__(self) -> None:
        self.base, self.offset = _SP, 0
        self.saved: dict[int, int] = {}

    def pop(self, registers: Iterable[int]) -> None:
        for number in registers:
            self.saved[number] = self.offset
            self.offset += 4

    def move_to(self, number: int) -> None:
        self.base, self.offset = number, 0

    def rule(self) -> str:
        """The rule, as ``cfi_text`` writes rules; registers that nobody preserves are left out."""
        if _SP in self.saved or abs(self.offset) > MAX_FRAME:
            raise MalformedDebugFileError("Unwind data describes a frame that no compiler makes.")
        places = {_NAMES[number]: f".cfa {slot - self.offset} + ^" for number, slot in self.saved.items() if number > 3}
        ra = places.pop("pc", None) or places.get("lr", "lr")
        registers = (f"{name}: {places[name]}" for name in sorted(places))
        return " ".join((f".cfa: {_NAMES[self.base]} {self.offset} +", f".ra: {ra}", *registers))


def rule_of(codes: bytes) -> str | None:
    """The rule of a function whose body is undone by ``codes``; None where they say that nothing can do that.

    Raises:
        MalformedDebugFileError: nobody knows one of the codes, or they are cut short.
    """
    stack = _Stack()
    rest = iter(codes)
    for code in rest:
        if code == _FINISH:
            break
        if code >> 4 == 8:
            mask = (code & 15) << 8 | _next(rest)
            if not mask:
                return None
            stack.pop(4 + bit for bit in range(12) if mask >> bit & 1)
        else:
            _step(code, rest, stack)
    return stack.rule()


def _step(code: int, rest: Iterator[int], stack: _Stack) -> None:
    match code >> 4:
        case 0 | 1 | 2 | 3:
            stack.offset += 4 * (code & 0x3F) + 4
        case 4 | 5 | 6 | 7:
            stack.offset -= 4 * (code & 0x3F) + 4
        case 9 if code & 15 not in (_SP, _PC) and not stack.saved:
            stack.move_to(code & 15)
        case 10:
            stack.pop((*range(4, 5 + (code & 7)), *((_LR,) if code & 8 else ())))
        case 11:
            _step_b(code, rest, stack)
        case 12 | 13:
            stack.offset += _size_of_floats(code, rest)
        case _:
            raise _unknown(code)


def _step_b(code: int, rest: Iterator[int], stack: _Stack) -> None:
    match code:
        case 0xB1:
            mask = _next(rest)
            if not 0 < mask < 16:
                raise _unknown(code)
            stack.pop(bit for bit in range(4) if mask >> bit & 1)
        case 0xB2:
            stack.offset += 0x204 + 4 * _uleb128(rest)
        case 0xB3:
            stack.offset += 8 * (_next(rest) & 15) + 12
        case 0xB4:  # the code that authenticates the return address
            stack.offset += 4
        case _ if code >= 0xB8:
            stack.offset += 8 * (code & 7) + 12
        case _:
            raise _unknown(code)


def _size_of_floats(code: int, rest: Iterator[int]) -> int:
    """Bytes of the registers of a coprocessor that are taken off the stack, none of which the walker follows."""
    if code in (0xC6, 0xC8, 0xC9):
        return 8 * (_next(rest) & 15) + 8
    if code == 0xC7:
        return 4 * (_next(rest) & 15).bit_count()
    if code < 0xC6 or 0xD0 <= code < 0xD8:
        return 8 * (code & 7) + 8
    raise _unknown(code)


def _uleb128(rest: Iterator[int]) -> int:
    value = 0
    for shift in range(0, 35, 7):
        byte = _next(rest)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise MalformedDebugFileError("Unwind data has a number that is too long.")


def _next(rest: Iterator[int]) -> int:
    code = next(rest, None)
    if code is None:
        raise MalformedDebugFileError("A sequence of unwind codes is cut short.")
    return code


def _unknown(code: int) -> MalformedDebugFileError:
    return MalformedDebugFileError(
        f"Unwind data has the code {code:#x}, which nobody knows or which makes no sense there."
    )
