"""Several spans of a blob read in few requests, within what a crash may take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from cairn.symbols.ranges.blob import Blob

MOST_BETWEEN = 512 * 1024
"""Bytes between two spans that are read rather than asked around, where the blob would have more: what is read is held,
and thirty files with such gaps are 15 MB."""

Span = tuple[int, int]
"""First byte, and the one behind the last."""


def _deadline() -> float:
    return time.monotonic() + 10


@dataclass(slots=True)
class Allowance:
    """What may still be taken for the source lines of one crash. They are a help: no crash waits long for them, and
    none pays more for them than for its names.

    ``requests`` are about 0.00004 dollars; ``read`` is thirty large files with the gaps between them; ``unpacked`` is
    two of the largest single sources there are (SQLite's is 9 MB), and takes a second or two to be gone through;
    ``until`` is on the clock ``time.monotonic``, ten seconds from now.
    """

    requests: int = 100
    read: int = 24 * 1024 * 1024
    unpacked: int = 32 * 1024 * 1024
    until: float = field(default_factory=_deadline)

    @property
    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.until

    def has_room(self, spans: Sequence[Span]) -> bool:
        """Whether the requests for ``spans`` may be made."""
        return len(spans) <= self.requests and sum(end - start for start, end in spans) <= self.read

    def take(self, spans: Sequence[Span]) -> None:
        """Take the requests for ``spans``."""
        self.requests -= len(spans)
        self.read -= sum(end - start for start, end in spans)


def read_spans(blob: Blob, spans: Sequence[Span], allowance: Allowance) -> list[bytes | None]:
    """The bytes of every span, in the order asked, with one request for those near each other; ``None`` for a span that
    would take more than ``allowance`` has left."""
    merged: list[Span] = []
    gap = min(MOST_BETWEEN, blob.merge_gap)
    for span in spans:
        with_it = _merged([*merged, span], gap)
        merged = with_it if allowance.has_room(with_it) else merged
    allowance.take(merged)
    answers = list(zip(merged, blob.read(merged), strict=True)) if merged else []
    return [_cut(answers, span) for span in spans]


def _merged(spans: Sequence[Span], gap: int) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _cut(answers: Sequence[tuple[Span, bytes]], span: Span) -> bytes | None:
    for (start, end), data in answers:
        if start <= span[0] and span[1] <= end:
            return data[span[0] - start : span[1] - start]
    return None
