"""Looking for a return address word by word, when nothing better is known."""

from __future__ import annotations

from cairn.unwind.architecture import Caller, Step
from cairn.unwind.frames import Frame, Trust
from cairn.unwind.process import StackView

WORDS = 40
"""Words that are tried above a frame that was itself guessed: as many as Breakpad and rust-minidump try."""

FIRST_WORDS = 160
"""Words above a frame whose stack pointer is certain and that may just be large."""

FARTHEST_FRAME_POINTER = 128 * 1024
"""How far above its own slot a saved frame pointer may point to be believed."""

_CERTAIN = frozenset((Trust.CONTEXT, Trust.CFI, Trust.LEAF_RETURN))


def scan(view: StackView, frame: Frame, start: int | None = None, count: int | None = None) -> tuple[int, int] | None:
    """Where on the stack the next return address lies, and its value; ``None`` when there is none.

    Looks from ``start`` (the frame's stack pointer) on at ``count`` words, as long as the dump's budget lasts.
    """
    start = frame.sp if start is None else start
    count = (FIRST_WORDS if frame.trust in _CERTAIN else WORDS) if count is None else count
    process = view.process
    accept, lowest, end = process.returns.accept, process.modules.lowest, process.modules.end
    words = view.words(start, min(count, process.words_to_scan, view.words_to_scan))
    for index, value in enumerate(words):
        if lowest < value <= end and accept(value):
            _spend(view, index + 1)
            return start + index * process.arch.pointer_size, value
    _spend(view, len(words))
    return None


def _spend(view: StackView, words: int) -> None:
    view.words_to_scan -= words
    view.process.words_to_scan -= words


def by_scan(
    view: StackView, frame: Frame, fp: str | None = None, start: int | None = None, count: int | None = None
) -> Step:
    """The caller by the next return address on the stack, and its frame pointer (the register ``fp``) if that shows."""
    found = scan(view, frame, start, count)
    if found is None:
        return None
    slot, pc = found
    arch = view.process.arch
    caller = {arch.pc: pc, arch.sp: slot + arch.pointer_size}
    if fp is not None and fp in frame.registers:
        value = frame_pointer_above(view, frame.registers[fp], slot)
        caller |= {} if value is None else {fp: value}
    return Caller(caller, Trust.SCAN)


def frame_pointer_above(view: StackView, fp: int, slot: int) -> int | None:
    """The caller's frame pointer when its return address lies at ``slot`` and the callee's frame pointer is ``fp``.

    Right below the return address lies the saved one, if the callee's points there; one that points above both was
    never touched.
    """
    if fp == slot - view.process.arch.pointer_size:
        saved = view.word(fp)
        return saved if saved is not None and 0 < saved - fp <= FARTHEST_FRAME_POINTER else None
    return fp if fp > slot and view.word(fp) is not None else None
