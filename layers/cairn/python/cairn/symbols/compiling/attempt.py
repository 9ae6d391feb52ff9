"""Reading one part of a debug file where the other parts are of use without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cairn.symbols.errors import DebugFileError

_T = TypeVar("_T")


def attempt(action: Callable[[], _T], otherwise: _T, problems: list[str]) -> _T:
    """Run ``action``; on a debug file's error, note it and go on without."""
    try:
        return action()
    except DebugFileError as error:
        problems.append(str(error))
        return otherwise
