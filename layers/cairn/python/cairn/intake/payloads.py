"""``__sentry-event`` and the breadcrumb files that sentry-native leaves beside a Crashpad dump: msgpack."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cairn.intake.errors import InvalidMsgpackError
from cairn.intake.forms import BREADCRUMBS, EVENT_PAYLOAD, FormFile
from cairn.intake.limits import BREADCRUMBS as MOST_BREADCRUMBS
from cairn.intake.limits import MSGPACK_ITEMS
from cairn.intake.values import Object, event_id, plain

NEVER = float("-inf")


def event_from_files(files: Sequence[FormFile]) -> Object | None:
    """The event that ``__sentry-event`` and breadcrumb files make; ``None`` when the form has neither.

    Raises ``InvalidMsgpackError`` for an event that is not a map or has a bad id. A breadcrumb file counts as far as
    it can be read: the client was writing it when it crashed.
    """
    events = [file for file in files if file.kind == EVENT_PAYLOAD]
    trails = [file for file in files if file.kind == BREADCRUMBS]
    if not events and not trails:
        return None
    event = event_payload(events[0].content.read()) if events else {}
    crumbs = joined(*(breadcrumbs(file.content.read()) for file in trails[:2]))
    if crumbs:
        event["breadcrumbs"] = {"values": crumbs}
    return event


def event_payload(data: bytes) -> Object:
    """The event in ``__sentry-event``; an empty file is an empty event."""
    if not data:
        return {}
    event = next(objects(data), None)
    if not isinstance(event, dict):
        raise InvalidMsgpackError("__sentry-event is not a msgpack map: it may have been cut off")
    if event.get("event_id") is not None and event_id(event["event_id"]) is None:
        raise InvalidMsgpackError("event_id in __sentry-event is not an id: give 32 hex digits or a UUID")
    return event


def breadcrumbs(data: bytes) -> list[Object]:
    """The breadcrumbs of a file, one map after another, oldest first, up to where it can be read."""
    return list(deque((crumb for crumb in objects(data) if isinstance(crumb, dict)), maxlen=MOST_BREADCRUMBS))


def objects(data: bytes) -> Iterator[Any]:
    """The values in ``data`` one after another, made plain, until its end or the first that is broken."""
    import msgpack  # type: ignore[import-untyped]

    unpacker = msgpack.Unpacker(
        unicode_errors="replace",
        strict_map_key=False,
        max_buffer_size=len(data),
        max_array_len=MSGPACK_ITEMS,
        max_map_len=MSGPACK_ITEMS,
    )
    unpacker.feed(data)
    while True:
        try:
            value = unpacker.unpack()
        except (msgpack.UnpackException, ValueError, TypeError):
            return
        yield plain(value)


def joined(first: Sequence[Object] = (), second: Sequence[Object] = ()) -> list[Object]:
    """Two trails as one. The client writes to them in turn: the one whose last breadcrumb is older goes first, and the
    whole is cut to the last so many as the longer one has."""
    older, newer = sorted((first, second), key=last_time)
    return [*older, *newer][-max(len(first), len(second), 1) :]


def last_time(trail: Sequence[Object]) -> float:
    """Unix seconds of the last breadcrumb; before everything for none, and for one without a time."""
    time = trail[-1].get("timestamp") if trail else None
    if isinstance(time, int | float):
        return float(time)
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError:
        return NEVER
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
