"""A function's name as grouping compares it: what compilers spell differently, spelled in one way."""

from __future__ import annotations

import re
from functools import lru_cache

from cairn.crash.function_name import trim

LAMBDA = "lambda"

_LAMBDA = re.compile(
    r"(\{lambda\b[^}]*\}|<lambda[^>]*>|'lambda\d*'(\([^)]*\))?|\$_\d+)(::(operator\(\)|__invoke|_FUN))?$|^operator\(\)$"
)
"""Lambdas as GCC, MSVC and Clang write them, and what is left of one that GCC inlined."""
_CLOSURE = re.compile(r"\{closure#\d+\}|\{\{closure\}\}")
_ANONYMOUS = re.compile(
    r"(\(anonymous namespace\)|`anonymous[ -]namespace'|\?A0x[0-9a-f]+|_GLOBAL__N_\d+|\{anonymous\})::"
)
"""Is left out: GCC leaves none of it on a function that it inlined."""
_ABI_TAG = re.compile(r"\[abi:\w+\]")
_STDCALL = re.compile(r"^[_@](\w+)@\d+$")
_NO_NAME = re.compile(
    r"^<(unknown|redacted|deduplicated_symbol|compiler-generated)>$|^(sub|fun|func|fn|loc|j)_[0-9a-f]{4,16}$|^\?+$",
    re.I,
)
"""What tools write where they know no name; half of it is an address."""
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b", re.I)


@lru_cache(maxsize=8192)
def grouping_name(function: str) -> str | None:
    """``function`` as it enters a group's hash; ``None`` where it is no name but an address or a stand-in.

    A lambda is ``lambda`` and nothing else: its number counts the lambdas above it in the file, and GCC leaves no scope
    on one that it inlined. Its caller tells which one it was.
    """
    if _NO_NAME.match(function):
        return None
    name = trim(function)
    if _LAMBDA.search(name):
        return LAMBDA
    name = _ANONYMOUS.sub("", _CLOSURE.sub("{closure}", _ABI_TAG.sub("", name)))
    return _ADDRESS.sub("0x", _STDCALL.sub(r"\1", name)) or None
