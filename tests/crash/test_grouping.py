"""Which events are one issue, and what the event says of it."""

from __future__ import annotations

from typing import Any

import pytest

from cairn.crash.build_client_event import build_client_event
from cairn.crash.build_event import Received, unreadable_event
from cairn.crash.event import (
    CairnInfo,
    DebugMeta,
    Event,
    Exceptions,
    ExceptionValue,
    Frame,
    FrameData,
    GroupingInfo,
    Image,
    Mechanism,
    Stacktrace,
)
from cairn.crash.grouping import FRAMES, grouped, grouping
from cairn.minidump.errors import MinidumpError
from cairn.minidump.reader import read

GAME, PLUGIN, LIBC = "/opt/game/game", "C:\\Game\\Plugin.dll", "/lib/libc.so.6"
BASES = {GAME: 0x40_0000, PLUGIN: 0x80_0000, LIBC: 0x7F00_0000}


def frame(
    function: str | None, package: str | None = GAME, trust: str = "cfi", offset: int = 0x10, **more: Any
) -> Frame:
    return Frame(
        function=function,
        package=package,
        instruction_addr=BASES.get(package or "", 0) + offset,
        in_app=more.pop("in_app", package not in (None, LIBC)),
        trust=trust,
        data=FrameData(symbolicator_status="symbolicated" if function else "missing"),
        **more,
    )


def crash(*frames: Frame, shift: int = 0, facts: Any = None, **more: Any) -> Event:
    """An event of a dump with this stack, nearest frame first; ``shift`` moves all modules and frames."""
    moved = [f.model_copy(update={"instruction_addr": (f.instruction_addr or 0) + shift}) for f in frames]
    images = [
        Image(type="elf", code_file=path, image_addr=base + shift, image_size=0x1000, debug_status="", unwind_status="")
        for path, base in BASES.items()
    ]
    exception = ExceptionValue(
        type="SIGSEGV / SEGV_MAPERR / 0x10",
        value="Fatal Error: SIGSEGV / SEGV_MAPERR / 0x10",
        mechanism=Mechanism(type="minidump", synthetic=True),
        stacktrace=Stacktrace(frames=tuple(reversed(moved))),
    )
    return Event(
        event_id="ab" * 16,
        timestamp=1,
        received=1,
        exception=Exceptions(values=(exception,)),
        debug_meta=DebugMeta(images=tuple(images)),
        cairn=CairnInfo(reason="SIGSEGV / SEGV_MAPERR", facts=facts or {}),
        **more,
    )


def group(*frames: Frame, **more: Any) -> GroupingInfo:
    return grouping(crash(*frames, **more))


def test_the_programs_own_functions_make_the_group() -> None:
    found = group(frame("memcpy", LIBC), frame("Lamp::dim(int)"), frame("std::sort<int*>", in_app=False), frame("main"))
    assert (found.by, found.components) == ("functions", ("Lamp::dim", "main"))
    assert len(found.hash) == 32 and int(found.hash, 16)


def test_the_event_says_it() -> None:
    event = grouped(crash(frame("main")))
    again = Event.from_json(event.to_json())
    assert again.cairn.grouping == group(frame("main"))
    assert again == event


def test_addresses_lines_and_files_make_no_difference() -> None:
    one = group(frame("dim", lineno=3, filename="lamp.cpp"), frame("main"))
    other = group(
        frame("dim", offset=0x80, lineno=9, filename="light.cpp"), frame("main", trust="fp"), shift=0x1000_0000
    )
    assert one == other


def test_the_way_there_makes_a_difference_only_near_the_crash() -> None:
    near = [frame(f"step_{'abcdefgh'[n]}") for n in range(FRAMES)]
    assert group(*near, frame("on_click")) == group(*near, frame("on_key"))
    assert group(*near[:2], frame("on_click")) != group(*near[:2], frame("on_key"))


def test_a_recursion_counts_once_however_deep() -> None:
    def parser(depth: int) -> GroupingInfo:
        return group(frame("leaf"), *[frame("expression"), frame("term")] * depth, frame("main"))

    assert parser(1) == parser(7)
    assert parser(1).components == ("leaf", "expression", "term", "main")


def test_an_overflow_is_its_circle_whoever_hits_the_end() -> None:
    circle = [frame("visit"), frame("enter"), frame("walk")]
    facts = {"stack_overflow": {"evidence": "guard_page"}}
    start = [frame("load"), frame("main")]
    one = group(frame("note"), *circle * 40, *start, facts=facts)
    other = group(*circle[1:], *circle * 30, *start, facts=facts)
    assert one == other
    assert (one.by, one.components) == ("recursion", ("enter", "visit", "walk"))
    without_names = [frame(None, offset=0x30), frame(None, offset=0x50)]
    nameless = group(*without_names * 9, facts=facts)
    assert nameless.components == ("game+0x30", "game+0x50")
    assert nameless == group(*without_names[1:], *without_names * 5, facts=facts, shift=0x5000)


def test_an_overflow_without_its_stack_is_an_ordinary_crash() -> None:
    assert group(frame("walk"), facts={"stack_overflow": {"evidence": "reported"}}) == group(frame("walk"))


def test_a_module_without_symbols_is_its_name_among_functions() -> None:
    found = group(frame(None, PLUGIN), frame(None, PLUGIN, offset=0x99), frame("draw"), frame("main"))
    assert found.components == ("plugin.dll", "draw", "main")


def test_a_program_without_symbols_falls_apart_by_place() -> None:
    """Sentry makes one issue of all of them."""
    found = group(frame("abort", LIBC), frame(None, offset=0x10), frame(None, offset=0x70))
    assert (found.by, found.components) == ("place", ("SIGSEGV / SEGV_MAPERR", "game+0x10"))
    assert found == group(frame("raise", LIBC), frame(None, offset=0x10), shift=0x7000)
    assert found != group(frame("abort", LIBC), frame(None, offset=0x11))


def test_what_hangs_on_a_guess_does_not_count_when_there_is_better() -> None:
    sure = [frame("dim"), frame("main")]
    assert group(*sure, frame("stale", trust="scan"), frame("shine")) == group(*sure)


def test_a_guess_is_better_than_nothing() -> None:
    guessed = [frame(None, LIBC), frame(None, LIBC, "scan"), frame("dim", trust="scan"), frame("main", trust="scan")]
    found = group(*guessed, frame(None, LIBC), frame("stale", trust="scan"))
    assert (found.by, found.components) == ("functions", ("dim", "main"))
    assert found == group(*guessed[:3], frame("main", trust="cfi"))


def test_helpers_that_are_linked_in_do_not_count() -> None:
    helpers = [
        "abort",
        "__assert_fail",
        "memcpy",
        "rust_panic",
        "operator new",
        "crashpad::DumpWithoutCrash",
        "_purecall",
    ]
    assert group(*map(frame, helpers), frame("dim")).components == ("dim",)


def test_templates_of_the_systems_headers_do_not_count() -> None:
    header = frame("for_each<T>", abs_path="/usr/include/c++/12/bits/stl_algo.h")
    assert group(header, frame("dim")) == group(frame("dim"))


def test_a_crash_in_the_system_alone_is_named_by_the_system() -> None:
    found = group(frame(None, None), frame("poll", LIBC), frame("start_thread", LIBC))
    assert (found.by, found.components) == ("system", ("poll", "start_thread"))
    assert group(frame(None, LIBC)).components == ("SIGSEGV / SEGV_MAPERR", "libc.so.6+0x10")


@pytest.mark.parametrize("frames", [(), (frame(None, None),)], ids=["no-frames", "no-module"])
def test_a_crash_nowhere_is_its_reason(frames: tuple[Frame, ...]) -> None:
    found = group(*frames)
    assert (found.by, found.components[0]) == ("message", "SIGSEGV / SEGV_MAPERR / <n>")


def test_unreadable_dumps_are_apart_by_what_is_wrong() -> None:
    found = []
    for data in (b"", b"MDMP" + bytes(100)):
        with pytest.raises(MinidumpError) as caught:
            read(data)
        found.append(grouping(unreadable_event(caught.value, Received("0" * 32, 1, 1.0))))
    assert found[0] != found[1]
    assert found[0].components[:2] == ("Minidump", "Invalid Minidump")


def test_a_fingerprint_of_the_client_decides() -> None:
    found = group(frame("dim"), fingerprint=("lamp", "dark"))
    assert (found.by, found.components) == ("fingerprint", ("lamp", "dark"))
    assert found == group(frame("main"), fingerprint=("lamp", "dark"))


@pytest.mark.parametrize("default", ["{{ default }}", "{{default}}"])
def test_a_fingerprint_may_split_the_group(default: str) -> None:
    found = group(frame("dim"), fingerprint=(default, "lamp"))
    assert (found.by, found.components) == ("functions+fingerprint", ("dim", "lamp"))
    assert found != group(frame("dim"))
    assert group(frame("dim"), fingerprint=(default,)) == group(frame("dim"))


def client(**said: Any) -> GroupingInfo:
    return grouping(build_client_event(Received("0" * 32, 1, 1.0, said)))


def test_an_exception_is_its_type_and_functions() -> None:
    def error(kind: str, value: str) -> GroupingInfo:
        frames = [{"function": "run", "module": "app.tasks", "in_app": True}]
        return client(exception={"values": [{"type": kind, "value": value, "stacktrace": {"frames": frames}}]})

    assert error("KeyError", "a") == error("KeyError", "b")
    assert error("KeyError", "a") != error("ValueError", "a")
    assert error("KeyError", "a").components == ("KeyError", "app.tasks.run")


def test_a_message_is_its_text_without_numbers() -> None:
    assert client(message="job 17 lost after 30 s") == client(message="job 4 lost after 2 s")
    assert client(message="job 17 lost") != client(message="job 17 found")
    assert client(exception=[{"type": "Lost", "value": "at 0x7f01"}]).components == ("Lost", "at <n>")


def test_hostile_names_do_not_stop_it() -> None:
    assert group(frame("\ud800" * 300), frame("{lambda" * 40), frame("<" * 256), fingerprint=("\udfff",)).hash
