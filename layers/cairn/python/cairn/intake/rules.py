"""What a key or its project takes: how many crashes in a time, and which releases and messages not."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``events`` crashes in ``seconds``."""

    events: int
    seconds: int


class FilterKind(StrEnum):
    """What of a crash a filter looks at."""

    RELEASE = "release"  # the release that the client names, when the crash comes in
    MESSAGE = "message"  # title, reason and message, once the crash is symbolicated


@dataclass(frozen=True, slots=True)
class Filter:
    """Crashes that a project does not want. In ``pattern`` a ``*`` stands for any text and a ``?`` for one character;
    everything else stands for itself, upper and lower case alike."""

    kind: FilterKind
    pattern: str

    def matches(self, text: str) -> bool:
        """Whether the whole of ``text`` fits the pattern."""
        return expression(self.pattern).match(text) is not None


def matching(filters: Iterable[Filter], kind: FilterKind, texts: Iterable[str]) -> Filter | None:
    """The first filter of a kind that one of ``texts`` fits."""
    known = list(texts)
    return next((one for one in filters if one.kind == kind and any(map(one.matches, known))), None)


@cache
def expression(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression. Brackets, which ``fnmatch`` gives a meaning, are plain ones here: names of C++
    are full of them."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE)
