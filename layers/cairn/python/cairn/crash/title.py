"""What a crash is called in a list."""

from __future__ import annotations

from cairn.crash.function_name import trim
from cairn.crash.in_app import is_in_app
from cairn.crash.records import Crash, NamedFrame
from cairn.symbols.records import Location

UNKNOWN = "<unknown>"


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


def place(named: NamedFrame) -> str:
    """A frame without a name: ``game.exe+0x1234``, or the bare address outside all modules."""
    frame = named.frame
    if frame.module is None:
        return hex(frame.pc)
    return f"{frame.module.name}+{frame.pc - frame.module.base:#x}"


def _in_app(named: NamedFrame, call: Location) -> bool:
    return is_in_app(named.frame.module.code_file if named.frame.module else None, call.function)
