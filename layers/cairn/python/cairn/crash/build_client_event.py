"""The event of an upload without a minidump: what the client itself says, in Cairn's form.

Nothing is walked and no symbols are looked up: the stack is the one the client sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cairn.crash.build_event import Received, checked_time
from cairn.crash.client_event import client_event
from cairn.crash.client_stacks import client_exceptions, client_images, client_threads, crashed_thread
from cairn.crash.event import CairnInfo, DebugMeta, Event, Exceptions, ExceptionValue, Threads, ThreadValue
from cairn.crash.title import client_title_and_culprit


def build_client_event(upload: Received) -> Event:
    """The event that the client made. It has the level ``error`` unless the client says otherwise."""
    said, errors = client_event(upload.event)
    timestamp, clock_errors = checked_time(client_time(upload.event), upload.received)
    exceptions, threads = with_stack(client_exceptions(upload.event), client_threads(upload.event))
    message = message_of(upload.event)
    images = client_images(upload.event)
    title, function = client_title_and_culprit(exceptions[-1] if exceptions else None, images, message)
    said.setdefault("level", "error")
    return Event(
        event_id=upload.event_id,
        platform=platform_of(upload.event),
        timestamp=timestamp,
        received=upload.received,
        title=title,
        culprit=said.get("transaction") or function,
        exception=Exceptions(values=exceptions),
        threads=Threads(values=threads),
        debug_meta=DebugMeta(images=images),
        errors=(*errors, *clock_errors),
        cairn=CairnInfo(
            project=upload.project,
            symbolicated=upload.symbolicated,
            first_symbolicated=upload.first_symbolicated,
            attachments=upload.attachments,
        ),
        **said,
    )


def with_stack(
    exceptions: tuple[ExceptionValue, ...], threads: tuple[ThreadValue, ...]
) -> tuple[tuple[ExceptionValue, ...], tuple[ThreadValue, ...]]:
    """The last exception with the stack of the thread that crashed, where it has none of its own: SDKs put it on
    either. The thread then has none, as with a dump."""
    if not exceptions or exceptions[-1].stacktrace:
        return exceptions, threads
    last = exceptions[-1]
    thread = next((one for one in threads if one.id == last.thread_id), None) or crashed_thread(threads)
    if thread is None or thread.stacktrace is None:
        return exceptions, threads
    moved = last.model_copy(update={"stacktrace": thread.stacktrace, "thread_id": thread.id})
    left = tuple(one.model_copy(update={"stacktrace": None}) if one is thread else one for one in threads)
    return (*exceptions[:-1], moved), left


def client_time(raw: Mapping[str, Any]) -> float | None:
    """When the client says it happened, in Unix seconds: a number, or ISO 8601 (in UTC where it does not say)."""
    said = raw.get("timestamp")
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() if moment else None
    except ValueError:
        return None


def platform_of(raw: Mapping[str, Any]) -> str:
    """The platform that the client names, ``other`` without one."""
    said = raw.get("platform")
    return said[:64] if said and isinstance(said, str) else "other"


def message_of(raw: Mapping[str, Any]) -> str | None:
    """The message of an event, with its parameters in place of ``%s``."""
    said = raw.get("logentry") or raw.get("message")
    if not isinstance(said, Mapping):
        return said if isinstance(said, str) else None
    formatted, message, params = said.get("formatted"), said.get("message"), said.get("params")
    if isinstance(formatted, str) and formatted:
        return formatted
    if not isinstance(message, str):
        return None
    for value in params[:20] if isinstance(params, list) else ():
        message = message.replace("%s", str(value)[:200], 1)
    return message
