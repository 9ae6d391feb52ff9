"""Function names cut down to what a person reads and what grouping compares.

The rules are Sentry's (its "function name clean-up"): no arguments, no return type, template arguments as ``<T>``.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 256
"""Longest name that an event keeps; the whole one stands in ``raw_function``."""

_OPENING = {"(": ")", "<": ">", "[": "]", "{": "}"}
_CLOSING = {close: open_ for open_, close in _OPENING.items()}
_KEPT_GROUPS = ("(anonymous namespace)", "(anonymous class)", "(anonymous)")
_HASH = re.compile(r"::h[0-9a-f]{16}$")
_CLONE = re.compile(r"\s*\[clone [^\]]*\]|\.(cold|part|isra|constprop|lto_priv|llvm)(\.\d+)*$|@@?GLIBC.*$")
_OPERATOR = re.compile(r"\boperator\s*(\(\)|\[\]|<=>|<<=?|>>=?|<=?|>=?|->\*?|[^\w\s(<]+)\s*|`[^']*'")
"""What holds brackets and blanks that mean nothing: operators, and MSVC's quoted scopes."""
_PRIVATE = 0xE000
"""First of the private characters that stand for such text meanwhile."""
_TRAILING = re.compile(r"(\s*(const|volatile|noexcept|&&?))+$")


@lru_cache(maxsize=8192)
def trim(name: str) -> str:
    """``name`` without arguments, return type, template arguments, clones and hashes; never empty for a name that is
    not, at most ``MAX_LENGTH`` characters."""
    if name.startswith(("-[", "+[")):  # an Objective-C selector
        return name[:MAX_LENGTH]
    plain = _CLONE.sub("", _CLONE.sub("", _HASH.sub("", name)))
    hidden: list[str] = []
    plain = _OPERATOR.sub(lambda match: _hide(match, hidden), plain)
    plain = _TRAILING.sub("", _collapse(plain))
    plain = _without_return_type(_TRAILING.sub("", _without_arguments(plain)))
    for number, text in enumerate(hidden):
        plain = plain.replace(chr(_PRIVATE + number), text)
    return (plain or name)[:MAX_LENGTH]


def _hide(match: re.Match[str], hidden: list[str]) -> str:
    hidden.append(match[0].rstrip())
    return chr(_PRIVATE + len(hidden) - 1)


def _collapse(name: str) -> str:
    """Template arguments to ``<T>``. A ``<`` at the start of a component is Rust's ``<A as B>`` or ``<unknown>``."""
    out: list[str] = []
    depth = 0
    for position, character in enumerate(name):
        if character == "<" and (depth or _ends_a_name(name[max(position - 1, 0) : position])):
            if depth == 0:
                out.append("<T>")
            depth += 1
        elif character == ">" and depth and name[position - 1] != "-":
            depth -= 1
        elif depth == 0:
            out.append(character)
    return "".join(out) if depth == 0 else name


def _ends_a_name(text: str) -> bool:
    return text[-1:].isalnum() or text[-1:] in ("_", ">") or text[-1:] >= chr(_PRIVATE)


def _without_arguments(name: str) -> str:
    """Cut the last argument list; what follows it at a ``::`` (a lambda, a local class) stays."""
    if not name.endswith(")") or name.endswith(_KEPT_GROUPS):
        return name
    depth = 0
    for position in range(len(name) - 1, -1, -1):
        depth += (name[position] in ")]}") - (name[position] in "([{")
        if depth == 0:
            return name[:position].rstrip() or name
    return name


def _without_return_type(name: str) -> str:
    """Keep what stands behind the last blank outside all brackets."""
    depth = 0
    for position in range(len(name) - 1, -1, -1):
        character = name[position]
        if character in _CLOSING and not (character == ">" and name[position - 1 : position] == "-"):
            depth += 1
        elif character in _OPENING:
            depth -= 1
        elif character == " " and depth == 0:
            return name[position + 1 :] or name
    return name
