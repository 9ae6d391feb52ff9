"""The lines of source around the calls of the crashed thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cairn.crash.event import Event, Exceptions, ExceptionValue, Frame, Image
from cairn.symbols.source_code.source_search import ModuleLines, Wanted

AROUND = 5
"""Lines before and after, as in Sentry."""

MAX_FILES = 30
"""Source files shown for a crash, those of the innermost calls first."""

MAX_PROBLEMS = 3
"""Files named in a module's reason of those that cannot be read."""

MAX_REASON = 500
"""Characters of what is said of them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found, by debug id. A module without any source bundle is not in there."""

    modules: Mapping[str, ModuleLines]


class SourceFinder(Protocol):
    """Where source files are."""

    def find(self, wanted: Wanted) -> Sources:
        """The ``wanted`` lines of a crash that can be had; asked once a crash."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """An event with its source lines, and the debug ids of the modules for which there is no source bundle."""

    event: Event
    without: tuple[str, ...] = ()


def with_sources(event: Event, finder: SourceFinder) -> Sourced:
    """The event with source around the in-app calls of its crashed thread, as far as ``finder`` has it. Why a file
    cannot be read is said in its image's ``reason``."""
    crash = event.crash
    if crash is None or crash.stacktrace is None:
        return Sourced(event)
    calls = placed(crash.stacktrace.frames, event.debug_meta.images)
    wanted = wanted_lines(calls)
    if not wanted:
        return Sourced(event)
    found = finder.find(wanted).modules
    shown = tuple(_shown(frame, found.get(debug_id or "")) for frame, debug_id in calls)
    images = tuple(_explained(image, found.get(image.debug_id or "")) for image in event.debug_meta.images)
    return Sourced(_changed(event, crash, shown, images), tuple(one for one in wanted if one not in found))


Call = tuple[Frame, str | None]
"""A call, and the debug id of its module where its source is to be shown."""


def placed(frames: Sequence[Frame], images: Iterable[Image]) -> list[Call]:
    """The calls; those that are the program's own and have a line with the debug id of their module."""
    by_name: dict[str | None, list[Image]] = {}
    for image in images:
        by_name.setdefault(image.code_file, []).append(image)
    return [(frame, _debug_id(frame, by_name.get(frame.package, ()))) for frame in frames]


def _debug_id(frame: Frame, images: Sequence[Image]) -> str | None:
    address = frame.instruction_addr
    if not frame.in_app or not frame.lineno or not frame.abs_path or address is None:
        return None
    return next((image.debug_id for image in images if image.holds(address)), None)


def wanted_lines(calls: Sequence[Call]) -> dict[str, dict[str, set[int]]]:
    """The lines to show, by module and file: those of ``MAX_FILES`` files, the innermost calls' first."""
    wanted: dict[str, dict[str, set[int]]] = {}
    files: set[tuple[str, str]] = set()
    for frame, debug_id in reversed(calls):
        file = (debug_id or "", frame.abs_path or "")
        if debug_id and (file in files or len(files) < MAX_FILES):
            files.add(file)
            wanted.setdefault(debug_id, {}).setdefault(file[1], set()).update(_around(frame.lineno or 0))
    return wanted


def _around(line: int) -> range:
    return range(max(1, line - AROUND), line + AROUND + 1)


def _shown(frame: Frame, found: ModuleLines | None) -> Frame:
    lines, here = found.lines.get(frame.abs_path or "", {}) if found else {}, frame.lineno or 0
    if here not in lines:
        return frame
    before = tuple(lines[number] for number in _around(here) if number < here)
    after = tuple(lines[number] for number in _around(here) if number > here and number in lines)
    return frame.model_copy(update={"pre_context": before, "context_line": lines[here], "post_context": after})


def _explained(image: Image, found: ModuleLines | None) -> Image:
    """The image with why some of its source is not shown."""
    if found is None or not found.problems:
        return image
    more = len(found.problems) - MAX_PROBLEMS
    said = "; ".join(found.problems[:MAX_PROBLEMS])[:MAX_REASON] + (f"; and {more} more files" if more > 0 else "")
    reason = f"{image.reason}; source: {said}" if image.reason else f"source: {said}"
    return image.model_copy(update={"reason": reason})


def _changed(event: Event, crash: ExceptionValue, frames: tuple[Frame, ...], images: tuple[Image, ...]) -> Event:
    stack = crash.stacktrace.model_copy(update={"frames": frames}) if crash.stacktrace else None
    exceptions = tuple(
        one.model_copy(update={"stacktrace": stack}) if one is crash else one for one in event.exception.values
    )
    meta = event.debug_meta.model_copy(update={"images": images})
    return event.model_copy(update={"exception": Exceptions(values=exceptions), "debug_meta": meta})
