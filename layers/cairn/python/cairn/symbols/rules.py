"""How to find the caller of a frame: the unwind rules that symbol files hold and the walker evaluates."""

from __future__ import annotations

from typing import NamedTuple

Expression = tuple[str | int, ...]
"""A postfix expression of ``STACK CFI``: numbers as ``int``; register names without ``$`` (``rsp``, ``x29``, ``.cfa``,
``.ra``), and the operators ``+ - * / % ^ @`` as ``str``."""


class CfiRule(NamedTuple):
    """All rules that hold at an address, INIT and deltas merged.

    ``ra`` is ``None`` where the record has a ``.cfa`` but no return address (or an undefined one): that frame is the
    outermost. A register whose expression is ``None`` is ``.undef``: its value is lost. ``at_function_start`` is true
    exactly at the first instruction that an INIT record covers.
    """

    cfa: Expression
    ra: Expression | None
    registers: tuple[tuple[str, Expression | None], ...] = ()
    at_function_start: bool = False


class WinRule(NamedTuple):
    """A ``STACK WIN`` record (x86 Windows). Sizes in bytes. ``program`` is the token list of a frame-data record (type
    4); an FPO record (type 0) has ``None`` there and says whether it allocates a base pointer."""

    kind: int
    rva: int
    code_size: int
    prolog_size: int
    epilog_size: int
    parameter_size: int
    saved_register_size: int
    local_size: int
    max_stack_size: int
    program: tuple[str, ...] | None = None
    allocates_base_pointer: bool = False
