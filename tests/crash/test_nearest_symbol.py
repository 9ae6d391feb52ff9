"""The nearest symbol below a frame without a name: a hint for people, no name for titles."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from cairn.crash.build_event import Received, build_event
from cairn.crash.event_stacks import stacktrace
from cairn.crash.facts import Facts
from cairn.crash.records import Crash, NamedFrame, NamedStack
from cairn.crash.stackwalk_json_threads import thread
from cairn.crash.symbolication import Symbolicator
from cairn.minidump.records import Arch, Minidump, Module, Os, SystemInfo, Thread
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn_cli.report import report
from tests.crash.symbol_files import Files, compiled
from tests.symbols.programs import build

SOURCE = """
extern "C" int first(int n) { return n * 3; }
extern "C" __attribute__((noinline)) void *second(int n) {
    static int gone = n;
    return &gone;
}
static __attribute__((noinline, used)) int hidden(int n) { return n * 5 + 1; }
extern "C" __attribute__((noinline)) int third(int n) { return hidden(n) + 1; }
"""
BASE = 0x7F0000000000


def library(folder: Path) -> tuple[SymbolFile, dict[str, int]]:
    """A library that was stripped of ``hidden``, which lies between two functions that it exports; and all starts."""
    flags = ("-O1", "-shared", "-fPIC", "-fno-toplevel-reorder")
    path = build(folder, *flags, source=SOURCE, name="libhidden.so")
    listed = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout.splitlines()
    starts = {row.split()[2]: int(row.split()[0], 16) for row in listed if len(row.split()) == 3}
    subprocess.run(["strip", path], check=True)
    return compiled(folder, path)[0], starts


def module(file: SymbolFile) -> Module:
    return Module(BASE, 0x10000, "/opt/libhidden.so", debug_id=file.debug_id)


def named(file: SymbolFile, *offsets: int, trust: Trust = Trust.SCAN) -> tuple[NamedFrame, ...]:
    frames = tuple(Frame(BASE + offset, BASE + offset - 1, 0, trust, module(file)) for offset in offsets)
    return Symbolicator(Files(file)).name([frames])[0]


def test_a_frame_behind_the_end_of_a_symbol(tmp_path: Path) -> None:
    file, starts = library(tmp_path)
    hidden, second = starts["_ZL6hiddeni"], starts["second"]
    (frame, at_name) = named(file, hidden + 4, starts["third"] + 2)
    assert starts["first"] < second < hidden < starts["third"]
    assert (frame.calls, frame.hint) == ((), f"second+{hidden + 4 - second:#x}")
    assert ([call.function for call in at_name.calls], at_name.hint) == (["third"], None)
    reads = file.reads
    assert named(file, hidden + 4)[0].hint == frame.hint
    assert file.reads == reads


def test_below_the_first_symbol_there_is_none(tmp_path: Path) -> None:
    file, _ = library(tmp_path)
    assert named(file, 8)[0] == NamedFrame(named(file, 8)[0].frame)


def crash(frames: tuple[NamedFrame, ...]) -> Crash:
    walked = NamedStack(Thread(1), frames, StackEnd.NO_CALLER)
    dump = Minidump(0, 0, False, SystemInfo(Arch.AMD64, Os.LINUX), threads=(Thread(1),))
    return Crash(dump, (walked,), (), None, Facts())


def test_event_and_json_show_it_and_titles_do_not(tmp_path: Path) -> None:
    file, starts = library(tmp_path)
    offset = starts["_ZL6hiddeni"] + 4
    frames = named(file, offset)
    hint = frames[0].hint
    assert hint
    walked = crash(frames)
    (frame,) = stacktrace(walked.stacks[0], {}).frames
    assert (frame.function, frame.data.nearest_symbol) == (None, hint)
    (said,) = thread(walked.stacks[0], walked.dump, 16)["frames"]
    assert (said["function"], said["missing_symbols"], said["cairn"]) == (None, True, {"nearest_symbol": hint})
    event = build_event(walked, Received("0" * 32, 1, 1.0))
    assert "second" not in event.title
    assert (
        json.loads(event.to_json())["threads"]["values"][0]["stacktrace"]["frames"][0]["data"]["nearest_symbol"] == hint
    )
    lines = [line.plain for line in report(event)]
    assert [line.split()[1:4] for line in lines if "near" in line] == [[hex(BASE + offset), "near", hint]]
