"""Which crashes are one: from an event to its group.

A group is named by what stays the same from build to build and from machine to machine: the names of the program's own
functions on the way to the crash. Addresses, lines and the system's functions are left out (``docs/grouping.md`` gives
the reasons). The event says which rule applied and what went into it.

To change a rule: raise ``GROUPING_VERSION``, say in ``docs/grouping.md`` what changed, and make the events again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from cairn.crash.event import Event, Frame, GroupingInfo
from cairn.crash.grouping_name import grouping_name

GROUPING_VERSION = 1
"""Version of the rules, in ``cairn.grouping.version``. It is no part of the hash: a group that a new version leaves
alone keeps its hash."""

FRAMES = 8
"""Functions that name a group. What differs farther from the crash is how the program got there."""

_GUESSED = {"scan", "cfiscan"}
_HELPERS = re.compile(
    r"^_*(abort|raise|exit|assert(_fail|_rtn|_perror_fail)?|wassert|purecall|terminate|invalid_parameter\w*"
    r"|invoke_watson|report_gsfailure|fastfail|chk_fail|fortify_fail|stack_chk_fail|RaiseException"
    r"|mem(cpy|move|set|cmp|chr)\w*|str(n?cpy|n?cmp|n?cat|n?len|r?chr|dup)\w*|malloc|calloc|realloc|free"
    r"|rust_(begin_unwind|panic\w*))$|^operator (new|delete)|^crashpad::"
)
"""Functions of the system and of crash handlers that may be linked into the program: half of all crashes end there."""
_SYSTEM_FILES = re.compile(r"^/usr/(local/)?include/|^/rustc/|[\\/]Tools[\\/]MSVC[\\/]|[\\/]Windows Kits[\\/]", re.I)
"""Headers of the system and of the languages. What is inlined from there may have lost its ``std::``."""

_DEFAULT = re.compile(r"^\{\{ *default *\}\}$")
_VARIABLE = re.compile(r"\b(0x[0-9a-f]+|[0-9a-f]{8,}|\d+)\b", re.I)
_LONGEST_TEXT = 200


def grouped(event: Event) -> Event:
    """The event with its group in ``cairn.grouping``."""
    cairn = event.cairn.model_copy(update={"grouping": grouping(event)})
    return event.model_copy(update={"cairn": cairn})


def grouping(event: Event) -> GroupingInfo:
    """The group of an event, by the first rule that has something to say:

    ``fingerprint`` what the client says; ``recursion`` the functions of the circle that overflowed the stack;
    ``functions`` the program's own functions, nearest to the crash first; ``place`` reason, module and offset where the
    program has no names; ``system`` the system's functions where no frame is the program's own; ``message`` the text of
    the crash, of an exception or of a message that has no stack.
    """
    said = event.fingerprint or ()
    salt = [part for part in said if not _DEFAULT.match(part)]
    if salt and len(salt) == len(said):
        return _group("fingerprint", salt)
    by, components = _by_stack(event) or ("message", _texts(event))
    return _group(f"{by}+fingerprint" if salt else by, [*components, *salt])


def _group(by: str, components: Sequence[str]) -> GroupingInfo:
    text = json.dumps([by, *components])
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return GroupingInfo(version=GROUPING_VERSION, hash=digest, by=by, components=tuple(components))


def _by_stack(event: Event) -> tuple[str, list[str]] | None:
    crash = event.crash
    if crash is None or crash.stacktrace is None:
        return None
    frames = tuple(reversed(crash.stacktrace.frames))
    if circle := _circle(event, frames):
        return "recursion", circle
    kind = [] if crash.mechanism.synthetic else [crash.type]
    own = _nearest(frames, _is_own)
    if any(map(_name, own)):
        return "functions", kind + _functions(own)
    if not own and (system := _nearest(frames, _name)):
        return "system", kind + _functions(system)
    place = next((place for frame in own or frames if (place := _place(frame, event))), None)
    return ("place", [event.cairn.reason or crash.type, place]) if place else None


def _nearest(frames: Iterable[Frame], is_wanted: Callable[[Frame], object]) -> list[Frame]:
    """The wanted frames up to the first guess: a value on the stack that looks like a return address, and may be a
    stale one that differs from crash to crash. If none is wanted before it, the first of those behind it that stand
    together."""
    found: list[Frame] = []
    is_guess = False
    for frame in frames:
        if found and frame.trust in _GUESSED and not is_guess:
            break
        is_guess = is_guess or frame.trust in _GUESSED
        if is_wanted(frame):
            found.append(frame)
        elif found and is_guess:
            break
    return found


def _is_own(frame: Frame) -> bool:
    """Whether a frame is the program's own code, wherever it is linked."""
    if not frame.in_app or (frame.abs_path and _SYSTEM_FILES.search(frame.abs_path)):
        return False
    return not (frame.function and _HELPERS.match(frame.function))


def _functions(frames: Iterable[Frame]) -> list[str]:
    """The frames' names, the module for a frame without one; each once and where it is nearest to the crash, so that it
    does not matter how deep a recursion was."""
    found = (_name(frame) or _module(frame) for frame in frames)
    return list(dict.fromkeys(name for name in found if name))[:FRAMES]


def _name(frame: Frame) -> str | None:
    name = grouping_name(frame.function) if frame.function else None
    return f"{frame.module}.{name}" if name and frame.module else name


def _module(frame: Frame) -> str | None:
    """The module's file without its folder."""
    return frame.package.replace("\\", "/").rpartition("/")[2].lower() if frame.package else None


def _place(frame: Frame, event: Event) -> str | None:
    """Module and offset (``game.exe+0x1234``)."""
    address = frame.instruction_addr
    image = next((one for one in event.debug_meta.images if address is not None and one.holds(address)), None)
    return f"{image.name.lower()}+{address - image.image_addr:#x}" if image and address is not None else None


def _circle(event: Event, frames: Sequence[Frame]) -> list[str]:
    """The functions of a recursion that overflowed the stack, in alphabetical order: which of them hit the end is
    chance. Without names, their places."""
    if not event.cairn.facts.get("stack_overflow"):
        return []
    own = [frame for frame in frames if _is_own(frame)]
    names = [name for frame in own if (name := _name(frame))] or [p for frame in own if (p := _place(frame, event))]
    counts = Counter(names)
    most = max(counts.values(), default=0)
    return sorted(name for name, count in counts.items() if count * 4 >= most) if most > 2 else []


def _texts(event: Event) -> list[str]:
    """What the crash says of itself, without what varies: numbers, addresses, ids."""
    crash = event.crash
    failures = [error.name for error in event.errors if error.type == "native_symbolicator_failed"]
    texts = [crash.type, crash.value, *failures] if crash else [event.title]
    return [_VARIABLE.sub("<n>", text[:_LONGEST_TEXT]) for text in texts if text]
