"""From a crash and what came with it to the event.

The merge follows Sentry's (its native processing): the client's own words stand, the dump fills what they left open,
the dump's threads, stacks and modules replace the client's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cairn.crash.client_event import client_event
from cairn.crash.client_stacks import client_exceptions, client_images, client_threads
from cairn.crash.event import (
    AttachmentInfo,
    CairnInfo,
    DebugMeta,
    Event,
    Exceptions,
    ExceptionValue,
    Mechanism,
    ProcessingError,
    Threads,
    ThreadValue,
)
from cairn.crash.event_contexts import contexts
from cairn.crash.event_facts import facts_json
from cairn.crash.event_images import image, missing_symbols
from cairn.crash.event_stacks import stacktrace
from cairn.crash.records import Crash, NamedStack
from cairn.crash.title import title_and_culprit
from cairn.minidump.errors import MinidumpError
from cairn.minidump.records import Minidump, UnloadedModule

RETENTION = 90 * 86400
"""A crash older than this many seconds is dated to its arrival, as Sentry does."""
CLOCK_TOLERANCE = 60
"""Seconds that a client's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is known of an upload besides the dump. Times are Unix seconds. ``scrubbed`` counts the secrets that were
    taken out of it before, by rule."""

    event_id: str
    project: int | None
    received: float
    event: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[AttachmentInfo, ...] = ()
    symbolicated: float | None = None
    first_symbolicated: float | None = None
    scrubbed: Mapping[str, int] = field(default_factory=dict)


def build_event(crash: Crash, upload: Received) -> Event:
    """The event of a dump that could be read."""
    said, errors = client_event(upload.event)
    timestamp, clock_errors = checked_time(crash.dump.timestamp, upload.received)
    title, culprit = title_and_culprit(crash)
    recorded = client_exceptions(upload.event)
    system = crash.dump.system
    said["contexts"] = contexts(crash.dump, said.get("contexts", {}))
    said.setdefault("level", "fatal" if crash.reason is None or crash.reason.is_crash else "info")
    said.setdefault("sdk", {"name": _sdk(crash.dump), "version": "0.0.0"})
    missing = [missing_symbols(module, system) for module in crash.modules]
    return Event(
        event_id=upload.event_id,
        timestamp=timestamp,
        received=upload.received,
        title=title,
        culprit=culprit,
        exception=Exceptions(values=(_exception(crash, recorded), *recorded)),
        threads=Threads(values=tuple(_thread(stack, crash) for stack in crash.stacks)),
        debug_meta=DebugMeta(images=tuple(image(module, system) for module in crash.modules)),
        errors=(*errors, *clock_errors, *_no_threads(crash.dump), *(error for error in missing if error)),
        cairn=_cairn(crash, upload),
        **said,
    )


def unreadable_event(error: MinidumpError, upload: Received) -> Event:
    """The event of a dump that could not be read: it says why. What the client found out by itself stands in for what
    the dump would have told."""
    said, errors = client_event(upload.event)
    recorded = client_exceptions(upload.event)
    crash = ExceptionValue(
        type="Minidump",
        value="Invalid Minidump",
        mechanism=_mechanism(recorded),
        thread_id=recorded[-1].thread_id if recorded else None,
        stacktrace=recorded[-1].stacktrace if recorded else None,
    )
    said.setdefault("sdk", {"name": "minidump.unknown", "version": "0.0.0"})
    return Event(
        event_id=upload.event_id,
        timestamp=upload.received,
        received=upload.received,
        title="Unreadable minidump",
        culprit=str(error),
        exception=Exceptions(values=(crash, *recorded)),
        threads=Threads(values=client_threads(upload.event)),
        debug_meta=DebugMeta(images=client_images(upload.event)),
        errors=(*errors, ProcessingError(type="native_symbolicator_failed", name=error.code, message=str(error))),
        cairn=CairnInfo(
            project=upload.project,
            symbolicated=upload.symbolicated,
            first_symbolicated=upload.first_symbolicated,
            explanation=str(error),
            attachments=upload.attachments,
        ),
        **said,
    )


def _exception(crash: Crash, recorded: Sequence[ExceptionValue]) -> ExceptionValue:
    stack = crash.crashed_stack
    return ExceptionValue(
        type=reason_text(crash) or "Minidump",
        value=_value(crash),
        mechanism=_mechanism(recorded),
        thread_id=crash.dump.requesting_thread_id,
        stacktrace=stacktrace(stack, _symbols(crash)) if stack else None,
    )


def _mechanism(recorded: Sequence[ExceptionValue]) -> Mechanism:
    """That of the dump; whether the crash was handled is what the client says of its last exception."""
    handled = recorded[-1].mechanism.handled if recorded else None
    return Mechanism(type="minidump", handled=bool(handled), synthetic=True)


def reason_text(crash: Crash) -> str | None:
    """Reason and address in Sentry's one text: ``SIGSEGV / SEGV_MAPERR / 0x10``."""
    return f"{crash.reason.text} / {crash.reason.address:#x}" if crash.reason else None


def _value(crash: Crash) -> str | None:
    if crash.facts.assertion:
        return f"Assertion Error: {crash.facts.assertion}"
    return f"Fatal Error: {reason_text(crash)}" if crash.reason else None


def _thread(stack: NamedStack, crash: Crash) -> ThreadValue:
    requesting = stack.thread.id == crash.dump.requesting_thread_id
    crashed = requesting and crash.reason is not None and crash.reason.is_crash
    return ThreadValue(
        id=stack.thread.id,
        name=stack.thread.name,
        crashed=crashed or None,
        current=(requesting and not crashed) or None,
        stacktrace=None if requesting else stacktrace(stack, _symbols(crash)),
    )


def _symbols(crash: Crash) -> dict[int, Any]:
    return {loaded.module.base: loaded.symbols for loaded in crash.modules}


def checked_time(said: float | None, received: float) -> tuple[float, list[ProcessingError]]:
    """When the crash happened by the clock of the dump or the client, unless there is none or it is plainly wrong."""
    if said is None:
        return received, []
    if said > received + CLOCK_TOLERANCE:
        return received, [ProcessingError(type="future_timestamp", name="timestamp", value=said)]
    if said < received - RETENTION:
        return received, [ProcessingError(type="past_timestamp", name="timestamp", value=said)]
    return float(said), []


def _sdk(dump: Minidump) -> str:
    if dump.crashpad:
        return "minidump.crashpad"
    return "minidump.breakpad" if dump.breakpad else "minidump.unknown"


def _no_threads(dump: Minidump) -> list[ProcessingError]:
    if dump.threads:
        return []
    return [ProcessingError(type="native_symbolicator_failed", message="minidump has no thread list")]


def _cairn(crash: Crash, upload: Received) -> CairnInfo:
    return CairnInfo(
        project=upload.project,
        process_id=crash.dump.process_id,
        symbolicated=upload.symbolicated,
        first_symbolicated=upload.first_symbolicated,
        reason=crash.reason.text if crash.reason else None,
        address=crash.reason.address if crash.reason else None,
        explanation=crash.explanation,
        facts=facts_json(crash.facts),
        stack_end={str(stack.thread.id): stack.end.value for stack in crash.stacks},
        unloaded_modules=tuple(_unloaded(module) for module in crash.dump.unloaded_modules),
        attachments=upload.attachments,
        problems=crash.dump.problems,
    )


def _unloaded(module: UnloadedModule) -> dict[str, Any]:
    return {
        "code_file": module.code_file,
        "code_id": module.code_id,
        "image_addr": hex(module.base),
        "image_size": module.size,
    }
