"""Looking for a return address word by word, when nothing better is known."""

from __future__ import annotations

from cairn.unwind.frames import Frame, Trust
from cairn.unwind.process import StackView

WORDS = 40
"""Words that are tried above a frame that was itself guessed: as many as Breakpad and rust-minidump try."""

FIRST_WORDS = 160
"""Words above a frame whose stack pointer is certain and that may just be large."""

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
