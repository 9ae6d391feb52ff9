from __future__ import annotations

import json
from pathlib import Path

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch
from tests.parity.__main__ import summary
from tests.parity.compare import BREAKPAD, RUST, Dump, compare
from tests.parity.evidence import Evidence
from tests.parity.explained import Explained
from tests.parity.run import Cairn, Symbols
from tests.parity.walks import Frames, Walk, common, from_breakpad, from_json, same
from tests.synth.minidump import MinidumpBuilder

PROGRAM = 0x400000
CODE, DATA, STACK = PROGRAM + 0x1000, PROGRAM + 0x5000, 0x7FFD00000000
MAPS = """\
00400000-00405000 r-xp 00000000 08:01 1 /bin/program
00405000-00410000 rw-p 00005000 08:01 1 /bin/program
"""
TEXT = """\
Crash reason:  SIGSEGV /SEGV_MAPERR
Crash address: 0x10

Thread 1 (crashed)
 0  program!inlined [a.cc : 1 + 0x2]
    Found by: inline record
 1  program + 0x10
    rax = 0x0000000000000000   rip = 0x0000000000400010
    Found by: given as instruction pointer in context

Thread 0
 0  program + 0x20
    rip = 0x0000000000400020

Loaded modules:
0x00400000 - 0x0040ffff  program  rip = 0x0000000000400099
"""


def evidence(ours: Walk, tmp_path: Path) -> Evidence:
    builder = MinidumpBuilder(Arch.AMD64).module(PROGRAM, 0x10000, "/bin/program").linux(maps=MAPS)
    builder.thread(1, {"rip": CODE, "rsp": STACK}, (STACK, bytes(0x100)))
    return Evidence(read(builder.build()), Symbols((), tmp_path, tmp_path), ours)


def walk(*frames: int, end: str = "no_caller", address: int | None = 0x10, reason: str = "SIGSEGV") -> Walk:
    return Walk((frames,), reason, address, ends=(end,))


def compared(ours: Walk, rust: Walk, breakpad: Walk, tmp_path: Path, explained: Explained | None = None) -> Dump:
    peers = {RUST: rust, BREAKPAD: breakpad}
    return compare("a.dmp", ours, peers, lambda: evidence(ours, tmp_path), explained or Explained({}, {}))


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [((1, 100), (1, 104), 2), ((1, 100), (1, 109), 1), ((1, 100), (1,), 1), ((), (), 0), ((1,), (90,), 0)],
)
def test_frames_in_common(one: Frames, other: Frames, shared: int) -> None:
    assert common(one, other) == common(other, one) == shared
    assert same(one, other) == (shared == len(one) == len(other))


def test_breakpads_output_has_threads_by_place_and_no_inlined_calls() -> None:
    found = from_breakpad(TEXT, writer=None)
    assert found == Walk(((0x400020,), (0x400010,)), "SIGSEGV /SEGV_MAPERR", 0x10)
    shifted = from_breakpad(TEXT, writer=1)
    assert shifted is not None
    assert shifted.threads == ((0x400020,), (), (0x400010,))
    assert from_breakpad("no thread list", writer=None) is None


def test_json_of_both() -> None:
    frame = {"offset": "0x0000000000400010", "trust": "cfi"}
    threads = [{"frames": [frame], "cairn": {"stack_end": "outermost"}}, {"frames": []}]
    found = from_json(json.dumps({"threads": threads, "crash_info": {"type": None, "address": None}}))
    assert found == Walk(((0x400010,), ()), None, None, (("cfi",), ()), ("outermost", ""))
    assert from_json("\n") is None


def test_the_same_frames_need_no_reason(tmp_path: Path) -> None:
    dump = compared(walk(CODE, CODE + 16), walk(CODE, CODE + 16), walk(CODE, CODE + 17), tmp_path)
    assert [thread.rule for thread in dump.threads] == ["same"]
    assert (dump.wrong, dump.unexplained) == ((), ())
    assert "Unexplained: 0" in summary([dump])


def test_agreeing_with_one_of_two_is_said(tmp_path: Path) -> None:
    (thread,) = compared(walk(CODE), walk(CODE), walk(CODE, CODE + 99), tmp_path).threads
    assert (thread.rule, thread.peers_agree) == (f"as_{RUST}", False)


@pytest.mark.parametrize(
    ("theirs", "rule"),
    [
        ((CODE,), "they_stop"),
        ((CODE, DATA), "not_executable"),
        ((CODE, STACK + 8), "on_the_stack"),
        ((CODE, 0x10), "not_executable"),
        ((CODE, CODE + 0x200), "they_skip"),
        ((CODE, CODE + 0x800), None),
    ],
)
def test_what_the_dump_says_against_a_frame(theirs: Frames, rule: str | None, tmp_path: Path) -> None:
    ours = walk(CODE, CODE + 0x100, CODE + 0x200)
    dump = compared(ours, walk(*theirs), walk(*theirs), tmp_path)
    assert [thread.rule for thread in dump.threads] == [rule]
    assert len(dump.unexplained) == (rule is None)


def test_frames_above_the_outermost_are_theirs_alone(tmp_path: Path) -> None:
    theirs = walk(CODE, CODE + 0x800)
    assert compared(walk(CODE, end="outermost"), theirs, theirs, tmp_path).threads[0].rule == "outermost"
    assert compared(walk(CODE), theirs, theirs, tmp_path).threads[0].rule is None


def test_what_a_person_listed_is_explained(tmp_path: Path) -> None:
    listed = Explained({("a.dmp", 0): "by_hand"}, {("a.dmp", "SIGBUS"): "words"})
    theirs = walk(CODE, CODE + 0x800)
    dump = compared(walk(CODE, reason="SIGBUS"), theirs, theirs, tmp_path, listed)
    assert dump.threads[0].rule == "by_hand"
    assert dump.wrong == ()
    assert dump.explained[0].endswith("[words]")


def test_another_reason_or_address_is_wrong(tmp_path: Path) -> None:
    dump = compared(walk(CODE, address=0x20), walk(CODE, reason="SIGBUS"), walk(CODE), tmp_path)
    assert dump.wrong == (
        "rust-minidump has the crash address 0x10, Cairn 0x20",
        "Breakpad has the crash address 0x10, Cairn 0x20",
        "rust-minidump has the reason SIGBUS, Cairn SIGSEGV [None]",
    )


def test_a_walk_is_measured_without_what_this_process_takes(tmp_path: Path) -> None:
    filled = bytearray(100 << 20)
    (tmp_path / "no.dmp").write_bytes(b"no dump")
    with Cairn() as cairn:
        ran = cairn.walk(tmp_path / "no.dmp", Symbols((), tmp_path, tmp_path))
        version = cairn.run(["--version"])
    assert (ran.code, ran.out, "no.dmp" in ran.err) == (1, "", True)
    assert 5 < ran.megabytes < len(filled) >> 20
    assert version.out.startswith("cairn ")
