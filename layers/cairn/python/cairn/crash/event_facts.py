"""The facts of a crash in the event's form: only what was found, addresses as ``"0x…"``."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import Any

from cairn.crash.facts import Facts

ADDRESSES = ("address", "target", "stack_pointer")
"""Fields of the analyses' records that hold addresses."""


def facts_json(facts: Facts) -> dict[str, Any]:
    """``facts`` as plain JSON values, without those that were not found."""
    found: dict[str, Any] = _plain(asdict(facts))
    return found


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(inner, key) for key, inner in value.items() if inner is not None and inner not in (False, ())
        }
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    return hex(value) if name in ADDRESSES and isinstance(value, int) else value
