"""The facts of a crash in the event's form: only what was found, addresses as ``"0x…"``."""

from __future__ import annotations

from enum import Enum
from typing import Any

from cairn.crash.analysis.records import BitFlip, CppException, Instruction, MemoryAccess, Pointer, StackOverflow
from cairn.crash.facts import Facts

Record = Facts | Instruction | MemoryAccess | Pointer | StackOverflow | CppException | BitFlip

ADDRESSES = ("address", "target", "stack_pointer")
"""Fields of the analyses' records that hold addresses."""


def facts_json(facts: Facts) -> dict[str, Any]:
    """``facts`` as plain JSON values, without those that were not found."""
    return _object(facts)


def _object(record: Record) -> dict[str, Any]:
    found = {name: value for name, value in record._asdict().items() if value is not None and value not in (False, ())}
    return {name: _plain(value, name) for name, value in found.items()}


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, Record):
        return _object(value)
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    return hex(value) if name in ADDRESSES and isinstance(value, int) else value
