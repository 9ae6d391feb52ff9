"""The lines of source around the calls of the crashed thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cairn.crash.event import Event, Exceptions, Frame, Image

AROUND = 5
"""Lines before and after, as in Sentry."""

MAX_LINE = 300
"""Characters kept of a line: more is generated code."""

MAX_FILES = 30
"""Source files shown for a crash, those of the innermost calls first."""

Lines = Mapping[str, Sequence[str]]
"""Lines of source files by path."""


class SourceFinder(Protocol):
    """Where source files are."""

    def lines(self, debug_id: str, paths: Iterable[str]) -> Lines:
        """The lines of those files of a module that can be had, by path."""


def with_sources(event: Event, finder: SourceFinder) -> Event:
    """The event with source around the in-app calls of its crashed thread, as far as ``finder`` has it."""
    crash = event.crash
    if crash is None or crash.stacktrace is None:
        return event
    frames = crash.stacktrace.frames
    wanted = wanted_files(frames, event.debug_meta.images)
    sources = {debug_id: finder.lines(debug_id, paths) for debug_id, paths in wanted.items()}
    if not any(sources.values()):
        return event
    shown = tuple(_shown(frame, event.debug_meta.images, sources) for frame in frames)
    stack = crash.stacktrace.model_copy(update={"frames": shown})
    exceptions = tuple(
        one.model_copy(update={"stacktrace": stack}) if one is crash else one for one in event.exception.values
    )
    return event.model_copy(update={"exception": Exceptions(values=exceptions)})


def wanted_files(frames: Sequence[Frame], images: Sequence[Image]) -> dict[str, list[str]]:
    """The files to show, by the debug id of their module."""
    wanted: dict[str, list[str]] = {}
    paths: set[str] = set()
    for frame in reversed(frames):
        debug_id = _debug_id(frame, images)
        if debug_id and frame.abs_path and frame.abs_path not in paths and len(paths) < MAX_FILES:
            paths.add(frame.abs_path)
            wanted.setdefault(debug_id, []).append(frame.abs_path)
    return wanted


def _debug_id(frame: Frame, images: Sequence[Image]) -> str | None:
    """The module of a call that is the program's own and has a line."""
    address = frame.instruction_addr
    if not frame.in_app or not frame.lineno or address is None:
        return None
    return next((i.debug_id for i in images if i.code_file == frame.package and i.holds(address)), None)


def _shown(frame: Frame, images: Sequence[Image], sources: Mapping[str, Lines]) -> Frame:
    lines = sources.get(_debug_id(frame, images) or "", {}).get(frame.abs_path or "", ())
    if not frame.lineno or frame.lineno > len(lines):
        return frame
    here = frame.lineno - 1
    return frame.model_copy(
        update={
            "pre_context": _clipped(lines[max(0, here - AROUND) : here]),
            "context_line": lines[here][:MAX_LINE],
            "post_context": _clipped(lines[here + 1 : here + 1 + AROUND]),
        }
    )


def _clipped(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line[:MAX_LINE] for line in lines)
