"""Readable names: C++, Rust, Swift and MSVC names with arguments and without a return type.

Native code on names from outside, and a deeply nested one overflows its stack: call it in a child process only.
"""

from __future__ import annotations

from functools import lru_cache

import multi_demangle  # type: ignore[import-untyped]

MAX_NAME = 8192
"""Characters of a name that is demangled; a longer one stays as it is."""

_OPTIONS = multi_demangle.DemangleOptions(return_type=False, parameters=True)


@lru_cache(maxsize=1 << 17)
def readable(symbol: str) -> str:
    """Return the name to show for ``symbol``; itself, when it is not mangled or cannot be read."""
    if len(symbol) > MAX_NAME or not symbol.startswith(("_", "?", "$")):
        return symbol
    return multi_demangle.demangle_symbol(symbol, _OPTIONS) or symbol
