"""What the client itself said of the crash: the event payload of the upload, taken over as far as it makes sense.

Sizes are those of Relay's normaliser (``docs/event.md``). What does not fit is left out and noted as an error of the
event, never a reason to lose the crash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cairn.crash.event import ProcessingError

MAX_DEPTH = 7
"""Levels of nesting kept under ``extra`` and ``contexts``."""
MAX_VALUE_BYTES = 16 * 1024
"""JSON bytes of one value in ``extra`` or one context."""
MAX_TAGS = 100
MAX_BREADCRUMBS = 100

_TEXTS = {
    "level": 16,
    "release": 200,
    "environment": 64,
    "dist": 64,
    "server_name": 200,
    "transaction": 200,
    "logger": 64,
}
_LEVELS = {"fatal", "error", "warning", "info", "debug"}
_OBJECTS = ("user", "sdk", "extra", "contexts")


def client_event(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[ProcessingError]]:
    """The fields of ``raw`` that an event keeps, each in the type that ``Event`` wants, and errors for what was left
    out."""
    errors: list[ProcessingError] = []
    event: dict[str, Any] = {}
    for name, longest in _TEXTS.items():
        _take(event, errors, name, raw.get(name), lambda value, n=longest: _text(value, n))
    for name in _OBJECTS:
        _take(event, errors, name, raw.get(name), _object)
    _take(event, errors, "tags", raw.get("tags"), _tags)
    _take(event, errors, "fingerprint", raw.get("fingerprint"), _fingerprint)
    _take(event, errors, "breadcrumbs", raw.get("breadcrumbs"), _breadcrumbs)
    _take(event, errors, "message", raw.get("message") or raw.get("logentry"), _message)
    if event.get("level", "fatal") not in _LEVELS:
        errors.append(_invalid("level", event.pop("level")))
    return event, errors


def _take(event: dict[str, Any], errors: list[ProcessingError], name: str, value: Any, convert: Any) -> None:
    if value is None:
        return
    converted = convert(value)
    if converted is None:
        errors.append(_invalid(name, value))
    else:
        event[name] = converted


def _invalid(name: str, value: Any) -> ProcessingError:
    return ProcessingError(type="invalid_data", name=name, value=bounded(value, MAX_DEPTH - 1))


def _text(value: Any, longest: int) -> str | None:
    return str(value)[:longest] if isinstance(value, str | int | float) else None


def _object(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(key)[:200]: _limited(inner) for key, inner in list(value.items())[:1000]}


def _limited(value: Any) -> Any:
    kept = bounded(value)
    text = json.dumps(kept, default=str)
    return kept if len(text) <= MAX_VALUE_BYTES else text[:MAX_VALUE_BYTES] + "…"


def bounded(value: Any, depth: int = 0) -> Any:
    """``value`` as plain JSON, cut where it nests too deeply."""
    if isinstance(value, Mapping):
        if depth >= MAX_DEPTH:
            return "…"
        return {str(key): bounded(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return "…" if depth >= MAX_DEPTH else [bounded(inner, depth + 1) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _tags(value: Any) -> dict[str, str] | None:
    """Tags as Sentry's clients write them: an object, or a list of pairs."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        return None
    return {str(key)[:200]: str(tag)[:200] for key, tag in pairs[:MAX_TAGS] if tag is not None}


def _fingerprint(value: Any) -> tuple[str, ...] | None:
    return tuple(str(part)[:200] for part in value[:32]) if isinstance(value, list) else None


def _breadcrumbs(value: Any) -> dict[str, Any] | None:
    crumbs = value.get("values") if isinstance(value, Mapping) else value
    return {"values": [_limited(crumb) for crumb in crumbs[-MAX_BREADCRUMBS:]]} if isinstance(crumbs, list) else None


def _message(value: Any) -> str | dict[str, Any] | None:
    return value[:8192] if isinstance(value, str) else _object(value)
