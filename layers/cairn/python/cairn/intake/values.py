"""Values from JSON and msgpack, made safe to write as JSON again."""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeAlias
from uuid import UUID

from cairn.intake.limits import JSON_DEPTH

Object: TypeAlias = dict[str, Any]

EVENT_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LARGEST_INTEGER = 2**64


def json_object(document: str) -> Object:
    """The object that a document of JSON holds, made plain; empty when it is malformed or anything but an object."""
    return {key_text(key): plain(value, 1) for key, value in parsed(document).items()}


def parsed(document: str) -> Object:
    """As ``json_object``, but with its values as they are."""
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` as JSON has it: string keys, no lone surrogates, no NaN, integers of 64 bits, at most ``JSON_DEPTH``
    levels (deeper ones become null). Bytes become text, msgpack times Unix seconds, other msgpack extensions null."""
    if depth < JSON_DEPTH and isinstance(value, dict):
        return {key_text(key): plain(item, depth + 1) for key, item in value.items()}
    if depth < JSON_DEPTH and isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    return scalar(value)


def scalar(value: Any) -> str | float | bool | None:
    """A value that is neither an object nor a list; null for whatever JSON has no word for."""
    if isinstance(value, str | bytes):
        return text(value)
    if isinstance(value, int | float):
        return number(value)
    return number(value.to_unix()) if hasattr(value, "to_unix") else None


def text(value: str | bytes) -> str:
    """Text that can be written as UTF-8; what cannot is replaced."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    return data.decode("utf-8", "replace")


def number(value: float) -> float | None:
    """Integers beyond 64 bits as floats; null for what is no number in JSON."""
    if isinstance(value, int) and abs(value) < LARGEST_INTEGER:
        return value  # a bool too, as it is
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def key_text(key: Any) -> str:
    """A key of an object, which msgpack lets be anything."""
    return text(key if isinstance(key, str | bytes) else str(key))


def merge(target: Object, source: Object) -> None:
    """Add to ``target`` what it does not have yet, at every level; null counts as not there."""
    for key, value in source.items():
        present = target.get(key)
        if present is None:
            target[key] = value
        elif isinstance(present, dict) and isinstance(value, dict):
            merge(present, value)


def event_id(value: Any) -> str | None:
    """An event id as 32 lower-case hex digits, from those or a hyphenated UUID in any case; ``None`` for anything else,
    and for the id of zeros, which stands for none."""
    if not isinstance(value, str) or not EVENT_ID.fullmatch(value):
        return None
    parsed = UUID(value)
    return parsed.hex if parsed.int else None
