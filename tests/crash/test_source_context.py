"""Source around the calls of the crashed thread: which lines are asked for, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cairn.crash.event import (
    DebugMeta,
    Event,
    Exceptions,
    ExceptionValue,
    Frame,
    FrameData,
    Image,
    Mechanism,
    Stacktrace,
)
from cairn.crash.source_context import MAX_FILES, Sources, with_sources
from cairn.symbols.source_code.source_search import ModuleLines, Wanted

GAME, ENGINE = "a" * 32, "b" * 32


class Finder:
    """Has lines that say which they are: all but those of ``gone`` files, up to line ``last``."""

    def __init__(self, last: int = 1000, gone: tuple[str, ...] = (), modules: tuple[str, ...] = (GAME, ENGINE)) -> None:
        self.asked: Wanted = {}
        self.last, self.gone, self.modules = last, gone, modules

    def find(self, wanted: Wanted) -> Sources:
        self.asked = wanted
        return Sources({one: self._module(files) for one, files in wanted.items() if one in self.modules})

    def _module(self, files: Mapping[str, Any]) -> ModuleLines:
        lines = {
            path: {n: f"{path}:{n}" for n in numbers if n <= self.last}
            for path, numbers in files.items()
            if path not in self.gone
        }
        return ModuleLines(lines, tuple(f"game.src.zip: {path}: it is damaged" for path in files if path in self.gone))


def call(path: str | None = "/src/a.cpp", line: int | None = 10, **other: Any) -> Frame:
    values = {"package": "/opt/game", "instruction_addr": 0x1010, "in_app": True, "trust": "cfi", **other}
    return Frame(abs_path=path, lineno=line, data=FrameData(symbolicator_status="symbolicated"), **values)


def image(debug_id: str | None = GAME, **other: Any) -> Image:
    values = {"code_file": "/opt/game", "image_addr": 0x1000, "image_size": 0x1000, **other}
    return Image(type="elf", debug_id=debug_id, debug_status="found", unwind_status="found", **values)


def event(*frames: Frame, images: tuple[Image, ...] = (image(),)) -> Event:
    """A crash with these calls, the innermost last."""
    crash = ExceptionValue(type="SIGSEGV", mechanism=Mechanism(type="minidump"), stacktrace=Stacktrace(frames=frames))
    return Event(
        event_id="0" * 32,
        timestamp=1.0,
        received=1.0,
        exception=Exceptions(values=(crash, {"type": "the client's own"})),
        debug_meta=DebugMeta(images=images),
    )


def frames_of(sourced: Event) -> tuple[Frame, ...]:
    assert sourced.crash is not None and sourced.crash.stacktrace is not None
    return sourced.crash.stacktrace.frames


def test_five_lines_on_both_sides() -> None:
    before = event(call(line=10))
    sourced = with_sources(before, Finder())
    (frame,) = frames_of(sourced.event)
    assert frame.pre_context == tuple(f"/src/a.cpp:{n}" for n in range(5, 10))
    assert frame.context_line == "/src/a.cpp:10"
    assert frame.post_context == tuple(f"/src/a.cpp:{n}" for n in range(11, 16))
    assert sourced.without == ()
    assert sourced.event.exception.values[1:] == before.exception.values[1:]
    assert frames_of(before)[0].context_line is None


@pytest.mark.parametrize(
    ("line", "last", "sides"),
    [
        pytest.param(1, 1000, (0, 5), id="the first line"),
        pytest.param(3, 1000, (2, 5), id="near the start"),
        pytest.param(20, 20, (5, 0), id="the last line"),
        pytest.param(20, 21, (5, 1), id="near the end"),
        pytest.param(1, 1, (0, 0), id="the only line"),
    ],
)
def test_at_the_ends_of_a_file_there_is_less(line: int, last: int, sides: tuple[int, int]) -> None:
    (frame,) = frames_of(with_sources(event(call(line=line)), Finder(last)).event)
    assert (len(frame.pre_context or ()), len(frame.post_context or ())) == sides
    assert frame.context_line == f"/src/a.cpp:{line}"


def test_a_line_behind_the_end_is_of_another_file() -> None:
    """The file has changed since the build: lines near it would mislead."""
    (frame,) = frames_of(with_sources(event(call(line=23)), Finder(last=20)).event)
    assert (frame.pre_context, frame.context_line, frame.post_context) == (None, None, None)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(call(in_app=False), id="a library's"),
        pytest.param(call(line=None), id="no line"),
        pytest.param(call(line=0), id="line 0"),
        pytest.param(call(path=None), id="no file"),
        pytest.param(call(instruction_addr=None), id="no address"),
        pytest.param(call(instruction_addr=0x9000), id="in no module"),
        pytest.param(call(package="/opt/other"), id="of a module that is not there"),
    ],
)
def test_calls_without_source_are_not_asked_for(frame: Frame) -> None:
    finder = Finder()
    sourced = with_sources(event(frame), finder)
    assert (finder.asked, frames_of(sourced.event), sourced.without) == ({}, (frame,), ())


def test_a_module_without_a_debug_id_has_no_source() -> None:
    finder = Finder()
    with_sources(event(call(), images=(image(None),)), finder)
    assert finder.asked == {}


def test_a_crash_without_a_stack_is_left_as_it_is() -> None:
    bare = event().model_copy(update={"exception": Exceptions()})
    assert with_sources(bare, Finder()).event is bare


def test_all_lines_of_a_file_are_asked_for_together() -> None:
    finder = Finder()
    with_sources(event(call(line=10), call(line=12), call("/src/b.cpp", 1)), finder)
    assert finder.asked == {GAME: {"/src/b.cpp": set(range(1, 7)), "/src/a.cpp": set(range(5, 18))}}


def test_modules_are_told_apart_by_address() -> None:
    images = (image(), image(ENGINE, image_addr=0x4000))
    finder = Finder(modules=(ENGINE,))
    sourced = with_sources(event(call(), call(instruction_addr=0x4010), images=images), finder)
    assert list(finder.asked) == [ENGINE, GAME], "that of the innermost call first"
    assert [frame.context_line for frame in frames_of(sourced.event)] == [None, "/src/a.cpp:10"]
    assert sourced.without == (GAME,)


def test_the_files_of_the_innermost_calls_go_first() -> None:
    calls = [call(f"/src/{n}.cpp", line) for n in range(MAX_FILES + 10) for line in (10, 50)]
    finder = Finder()
    frames = frames_of(with_sources(event(*calls), finder).event)
    assert list(finder.asked[GAME]) == [f"/src/{n}.cpp" for n in reversed(range(10, MAX_FILES + 10))]
    assert [frame.context_line is not None for frame in frames] == [False] * 20 + [True] * 2 * MAX_FILES


def test_why_a_file_is_not_shown_is_said_with_its_module() -> None:
    calls = call("/src/bad.cpp"), call("/src/good.cpp")
    sourced = with_sources(event(*calls, images=(image(), image(ENGINE))), Finder(gone=("/src/bad.cpp",)))
    assert [frame.context_line for frame in frames_of(sourced.event)] == [None, "/src/good.cpp:10"]
    said = [one.reason for one in sourced.event.debug_meta.images]
    assert said == ["source: game.src.zip: /src/bad.cpp: it is damaged", None]


def test_what_is_said_is_bounded() -> None:
    paths = tuple(f"/src/{n}{'x' * 300}.cpp" for n in range(10))
    sourced = with_sources(event(*map(call, paths), images=(image(reason="old"),)), Finder(gone=paths))
    (reason,) = (one.reason or "" for one in sourced.event.debug_meta.images)
    assert reason.startswith("old; source: game.src.zip: /src/9x")
    assert reason.endswith("; and 7 more files")
    assert len(reason) < 600
