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

X86_WORD = 4
_CERTAIN = frozenset((Trust.CONTEXT, Trust.CFI, Trust.LEAF_RETURN))


def scan(view: StackView, frame: Frame, start: int | None = None, count: int | None = None) -> tuple[int, int] | None:
    """Where on the stack the next return address lies, and its value; ``None`` when there is none.

    Looks from ``start`` (the frame's stack pointer) on at ``count`` words, and at as many above every value that lies
    in a module and is refused: less strict walkers make a frame of it and reach as far. Ends with the dump's budget.
    """
    process = view.process
    size = view.word_size
    address = frame.sp if start is None else start
    count = (FIRST_WORDS if frame.trust in _CERTAIN else WORDS) if count is None else count
    lowest, end = process.modules.lowest, process.modules.end
    while words := view.words(address, min(count, process.words_to_scan, view.words_to_scan)):
        refused = 0
        for index, value in enumerate(words, 1):
            if lowest < value <= end and process.modules.at(value - 1):
                refused = index
                if process.returns.accept(value):
                    _spend(view, index)
                    return address + (index - 1) * size, value
        _spend(view, refused or len(words))
        if not refused:
            return None
        address += refused * size
        count = min(count, WORDS)
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
    caller = {arch.pc: pc, arch.sp: slot + view.word_size}
    if fp is not None:
        value = frame_pointer_above(view, frame.registers.get(fp), slot)
        caller |= {} if value is None else {fp: value}
    return Caller(caller, Trust.SCAN)


def frame_pointer_above(view: StackView, fp: int | None, slot: int) -> int | None:
    """The caller's frame pointer when its return address lies at ``slot`` and the callee's frame pointer is ``fp``.

    Right below the return address lies the saved one, if ``fp`` points there. On x86, where most functions push it
    first, it is also believed when the word points to the stack above. An ``fp`` above both was never touched.
    """
    size = view.word_size
    saved = view.word(slot - size)
    pushed = fp == slot - size or size == X86_WORD
    if pushed and saved is not None and slot < saved <= slot + FARTHEST_FRAME_POINTER and view.word(saved) is not None:
        return saved
    return fp if fp is not None and fp > slot and view.word(fp) is not None else None
