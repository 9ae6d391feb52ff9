"""What symbol look-ups answer."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class SymbolStatus(StrEnum):
    """What became of a module's symbols; the words are Sentry's ``debug_status`` and ``unwind_status``."""

    FOUND = "found"
    UNUSED = "unused"
    MISSING = "missing"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    FETCHING_FAILED = "fetching_failed"
    TIMEOUT = "timeout"
    OTHER = "other"


class Features(NamedTuple):
    """What a debug file has to offer."""

    symbols: bool = False
    debug_info: bool = False
    unwind_info: bool = False
    sources: bool = False


class Location(NamedTuple):
    """One function at an address; inlined calls give several, innermost first.

    ``function`` is the readable name with arguments, ``symbol`` the name as the file has it. ``entry`` is the
    function's own start, relative to the module's base, and only set on the outermost. ``file`` is the joined path.
    ``line`` 0 is never given: an unknown line is ``None``. ``from_symbol_table`` marks names that have no debug
    information behind them. ``ends_before`` marks one that does not cover the address: the nearest below it.
    """

    function: str
    symbol: str
    entry: int | None = None
    file: str | None = None
    line: int | None = None
    language: str | None = None
    from_symbol_table: bool = False
    ends_before: bool = False


class UsableFile(NamedTuple):
    """A file that there was for a module. ``location`` is where it lies. ``names`` and ``unwinding`` say whether it
    served for that: ``found``, ``malformed`` with a ``reason`` when it turned out to be damaged, ``None`` when it was
    not needed for it."""

    location: str
    features: Features
    names: SymbolStatus | None = None
    unwinding: SymbolStatus | None = None
    reason: str | None = None


class ModuleSymbols(NamedTuple):
    """What was found for one module of a dump: statuses for names and for unwinding, and why not, for a person.
    ``files`` are those that there were, the ones that served first."""

    debug_status: SymbolStatus
    unwind_status: SymbolStatus
    features: Features = Features()
    reason: str | None = None
    files: tuple[UsableFile, ...] = ()


class Segment(NamedTuple):
    """A stretch of a program's file that is loaded: ``size`` bytes from ``offset`` in the file on go to ``address``,
    relative to the module's base. What is not in the file (zeros) does not count."""

    address: int
    size: int
    offset: int
    executable: bool
