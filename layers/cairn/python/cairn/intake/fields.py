"""Form fields to an event.

==========================  ======================================================================
``sentry``, ``sentry___*``  JSON, merged into the event
``sentry__<number>``        a slice of JSON: all slices are joined by number and merged last
``sentry[a][b]``            a string at ``a`` → ``b``
anything else               a string at ``extra`` → its name
==========================  ======================================================================

Fields are taken in the order they came, and nothing overwrites a value that is there. JSON that is malformed, or not an
object, is passed over: the crash is worth more than its labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cairn.intake.limits import PATH_DEPTH
from cairn.intake.values import Object, event_id, json_object, merge, parsed, text

SLICE = re.compile(r"sentry__([0-9]{1,19})")
INDEXES = re.compile(r"\[([^\]]*)\]")
PATH = re.compile(r"sentry(?=\[)((?:\[[^\]]*\])*)(?:\[[^\]]*|=.*)?", re.DOTALL)


def event_from_fields(fields: Sequence[tuple[str, str]]) -> Object:
    """The event that form fields (name, value) make."""
    event: Object = {}
    slices: dict[int, str] = {}
    for name, value in fields:
        if match := SLICE.fullmatch(name):
            slices[int(match[1])] = value
        elif holds_json(name):
            merge(event, json_object(value))
        else:
            set_text(event, path_of(name), value)
    merge(event, json_object("".join(slices[number] for number in sorted(slices))))
    return event


def holds_json(name: str) -> bool:
    """Whether a field is merged as JSON."""
    return name == "sentry" or name.startswith("sentry___")


def path_of(name: str) -> list[str]:
    """Where a field's text goes: for ``sentry[a][b]=x`` to ``a``, ``b``. A bracket that is never closed ends the path
    before it; with none closed the path is empty. Whatever is no such key goes to ``extra``."""
    match = PATH.fullmatch(name)
    return INDEXES.findall(match[1]) if match else ["extra", name]


def set_text(event: Object, path: Sequence[str], value: str) -> None:
    """Put a text at a path, unless something is there, or on the way, or the path is empty or too deep."""
    if not 0 < len(path) <= PATH_DEPTH:
        return
    *parents, last = map(text, path)
    nested: Object = {last: text(value)}
    for key in reversed(parents):
        nested = {key: nested}
    merge(event, nested)


def event_id_from_fields(fields: Sequence[tuple[str, str]]) -> str | None:
    """The id that ``sentry`` or ``sentry[event_id]`` asks for, whichever has one first; ``None`` also for a bad one.
    Ids in ``sentry___*`` and in slices do not count: those hold what many crashes share."""
    for name, value in fields:
        wanted = parsed(value).get("event_id") if name == "sentry" else value if name == "sentry[event_id]" else None
        if wanted is not None:
            return event_id(wanted)
    return None
