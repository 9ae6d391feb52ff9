"""Compact unwind data of arm64 programs of Apple's.

An encoding speaks of a function's body alone: with a frame record (``fp`` and ``lr``) and pairs of registers below, or
with nothing but a size. How the frame is made and taken away is read from the instructions. Source of the encodings:
``mach-o/compact_unwind_encoding.h`` of LLVM's libunwind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from mmap import mmap

from cairn.symbols.unwind_data.arm64_frames import (
    RETURNS,
    SIZE,
    build,
    frame_pointer_place,
    is_prologue,
    leaves,
    record_place,
    releases,
    take_away,
    words,
)
from cairn.symbols.unwind_data.frame_rules import Frame
from cairn.symbols.unwind_data.macho_compact import mode_of

_FRAMELESS, _FRAME = 2, 4
_PAIRS = 5
"""Pairs of registers from ``x19`` on that an encoding has a bit for."""

MAX_INSTRUCTIONS = 32
"""Instructions of a prologue or an epilogue; saving all there is takes 14."""

MAX_BEFORE = 256
"""Instructions that a function may do before its prologue."""

_LOADS_RECORD = re.compile(rb"(?=\xfd[\x7b\xfb].[\xa8\xa9])", re.DOTALL)
_RELEASES = re.compile(rb"(?=[\xe0-\xff]..[\x91\xa8\x6c])", re.DOTALL)
_RETURNS = re.compile(rb"(?=[\xc0\xff][\x03\x0b\x0f]\x5f\xd6)")
"""What epilogues begin with, in functions with a record and without, and end with: to be looked at, place and all."""

Rules = dict[int, str]
"""By the place in the file from which on each holds."""


def function_rules(
    encoding: int, data: bytes | mmap, start: int, end: int, is_whole: bool = True
) -> list[tuple[int, str]]:
    """The rules of a function whose code is between ``start`` and ``end`` of ``data``, by the place in it from which on
    each holds; nothing where the encoding has no word of it.

    ``is_whole``: it is known that a function begins at ``start``.
    """
    body = _body(encoding)
    if body is None:
        return []
    rules = {start: body.rule()}
    if rules[start] != _ENTRY:
        first, made = _prologue(data, start, end, encoding) if is_whole else (start, {})
        epilogues = _epilogues(data, max(made, default=start), end, encoding, rules[start])
        rules |= made | epilogues
        for place, after in _early_returns(data, first, end, epilogues) if first > start else ():
            rules[place] = _ENTRY
            rules.setdefault(after, body.rule())
    return sorted(rules.items())


@lru_cache(maxsize=4096)
def _body(encoding: int) -> Frame | None:
    """The frame while the function's body runs. The pairs lie below the record, or below what the caller sees."""
    mode = mode_of(encoding)
    if mode not in (_FRAMELESS, _FRAME):
        return None
    frame = Frame("sp", depth=16 * (encoding >> 12 & 0xFFF), ra="lr")
    slot = 0
    if mode == _FRAME:
        frame = Frame("sp", depth=16, ra=-8, saved={"fp": -16}, fixed="fp", fixed_depth=16)
        slot = -16
    for pair in range(_PAIRS):
        if encoding >> pair & 1:
            frame.saved |= {f"x{19 + 2 * pair}": slot - 8, f"x{20 + 2 * pair}": slot - 16}
            slot -= 16
    return frame


_ENTRY = Frame("sp", depth=0, ra="lr").rule()


def _prologue(data: bytes | mmap, start: int, end: int, encoding: int) -> tuple[int, Rules]:
    """Where the prologue begins, and the rules from the function's beginning to where its body's holds; nothing where
    none is seen."""
    code = words(data, start, min(end, start + SIZE * (MAX_BEFORE + MAX_INSTRUCTIONS)))
    first = next((index for index, word in enumerate(code[:MAX_BEFORE]) if is_prologue(word)), len(code))
    steps = code[first : first + MAX_INSTRUCTIONS]
    last = next((index for index, word in enumerate(steps) if frame_pointer_place(word) is not None), len(steps))
    made = _made(steps[: last + 1] if mode_of(encoding) == _FRAME else steps, encoding)
    rules = {start + SIZE * (first + index): rule for index, rule in enumerate(made, 1)}
    return (start + SIZE * first, {start: _ENTRY} | rules) if made else (start, {})


@lru_cache(maxsize=1 << 14)
def _made(steps: tuple[int, ...], encoding: int) -> tuple[str, ...]:
    """The rules after each instruction of a prologue; nothing where it does not come to an end."""
    body = _body(encoding)
    frame, rules = Frame("sp", depth=0, ra="lr"), list[str]()
    for word in steps if body else ():
        build(word, frame)
        if body and (frame.fixed if body.fixed else frame.depth == body.depth):
            return (*rules, body.rule())
        rules.append(frame.rule())
    return ()


def _epilogues(data: bytes | mmap, start: int, end: int, encoding: int, body: str) -> Rules:
    """The rules from the instruction that loads the record, or gives room back, to a return or jump."""
    rules: Rules = {}
    behind = start
    has_record = mode_of(encoding) == _FRAME
    for place, word in _found(_LOADS_RECORD if has_record else _RELEASES, data, start, end):
        if place >= behind and (record_place(word) is not None if has_record else releases(word)):
            steps = words(data, place, min(end, place + SIZE * MAX_INSTRUCTIONS))
            last = next((index for index, word in enumerate(steps) if leaves(word)), 0)
            found = _undone(steps[:last], encoding)
            if found:
                behind = place + SIZE * (last + 1)
                rules |= {place + SIZE * index: rule for index, rule in enumerate(found, 1)} | {behind: body}
    return rules


@lru_cache(maxsize=1 << 14)
def _undone(steps: tuple[int, ...], encoding: int) -> tuple[str, ...]:
    """The rules after each instruction of an epilogue; nothing unless all is undone at its end."""
    body = _body(encoding)
    if body is None or not steps:
        return ()
    frame, rules = replace(body, saved=dict(body.saved)), list[str]()
    if body.fixed:
        frame.fixed, frame.depth = None, (record_place(steps[0]) or 0) + 16
    for word in steps:
        take_away(word, frame)
        rules.append(frame.rule())
    return tuple(rules) if frame.depth == 0 and frame.ra == "lr" else ()


def _early_returns(data: bytes | mmap, first: int, end: int, epilogues: Rules) -> Iterator[tuple[int, int]]:
    """Yield where code begins and ends that returns without a frame: some ways do not come by the prologue, which is
    at ``first``."""
    for place, word in _found(_RETURNS, data, first, end):
        if word in RETURNS and epilogues.get(place) != _ENTRY:
            start = place
            for before in reversed(words(data, max(first, place - SIZE * MAX_INSTRUCTIONS), place)):
                if leaves(before):
                    yield start, place + SIZE
                    break
                start -= SIZE


def _found(pattern: re.Pattern[bytes], data: bytes | mmap, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Places between ``start`` and ``end`` that hold what ``pattern`` looks for, and the instructions there."""
    for match in pattern.finditer(data, start, end):
        place = match.start()
        if (place - start) % SIZE == 0 and place + SIZE <= end:
            yield place, int.from_bytes(data[place : place + SIZE], "little")
