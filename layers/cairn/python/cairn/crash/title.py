"""What a crash is called in a list."""

from __future__ import annotations

from collections.abc import Sequence

from cairn.crash.event import ExceptionValue, Frame, Image
from cairn.crash.function_name import trim
from cairn.crash.in_app import is_in_app
from cairn.crash.records import Crash, NamedFrame
from cairn.symbols.records import Location

UNKNOWN = "<unknown>"
UNLABELED = "<unlabeled event>"
LONGEST = 100
"""Characters of an exception's value, or of a message, in a title."""


def title_and_culprit(crash: Crash) -> tuple[str, str | None]:
    """The name of the function to look at, and the reason.

    The function is that of the in-app frame nearest to the crash, else of the nearest frame with a name, else the place
    of the nearest frame in a module (``game.exe+0x1234``): crashes without symbols keep apart (Sentry calls them all
    ``<unknown>``).
    """
    stack = crash.crashed_stack
    frames = stack.frames if stack else ()
    calls = [(named, call) for named in frames for call in named.calls]
    nearest = next((call for named, call in calls if _in_app(named, call)), None)
    if nearest is None and calls:
        nearest = calls[0][1]
    title = trim(nearest.function) if nearest else next((place(n) for n in frames if n.frame.module), UNKNOWN)
    return title, crash.reason.text if crash.reason else None


def client_title_and_culprit(
    main: ExceptionValue | None, images: Sequence[Image], message: str | None
) -> tuple[str, str | None]:
    """The same for an event that a client made itself, as Sentry names it: type and first line of its last exception,
    and the function; the function, or else the place, first where the exception is only a stand-in (``synthetic``).
    Without an exception the first line of its message."""
    if main is None:
        return first_line(message) or UNLABELED, None
    function = function_of(main)
    if main.mechanism.synthetic and (where := function or client_place(main, images)):
        return where, main.type
    value = first_line(main.value)
    return f"{main.type}: {value}" if value else main.type, function


def function_of(main: ExceptionValue) -> str | None:
    """The function to look at: that of the in-app frame nearest to the crash, else of the nearest one with a name."""
    frames: list[Frame] = list(reversed(main.stacktrace.frames)) if main.stacktrace else []
    named = [frame for frame in frames if frame.function]
    best = next((frame for frame in named if frame.in_app), named[0] if named else None)
    return trim(best.function) if best and best.function else None


def client_place(main: ExceptionValue, images: Sequence[Image]) -> str | None:
    """The place of the nearest frame in a module (``game.exe+0x1234``)."""
    for frame in reversed(main.stacktrace.frames if main.stacktrace else ()):
        address = frame.instruction_addr
        image = next((one for one in images if address is not None and one.holds(address)), None)
        if address is not None and image is not None:
            return f"{image.name}+{address - image.image_addr:#x}"
    return None


def first_line(text: str | None) -> str:
    """The first line that is not empty, cut to what a list shows."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")[:LONGEST]


def place(named: NamedFrame) -> str:
    """A frame without a name: ``game.exe+0x1234``, or the bare address outside all modules."""
    frame = named.frame
    if frame.module is None:
        return hex(frame.pc)
    return f"{frame.module.name}+{frame.pc - frame.module.base:#x}"


def _in_app(named: NamedFrame, call: Location) -> bool:
    return is_in_app(named.frame.module.code_file if named.frame.module else None, call.function)
