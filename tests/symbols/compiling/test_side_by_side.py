"""Two processes at one debug file. Each test runs them in a child of its own, as ``child.py`` is."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cairn.symbols.compiling import side_by_side
from cairn.symbols.compiling.compile import compile_debug_file
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.compiling.isolation import Limits
from cairn.symbols.compiling.write_names import WORTH_TWO
from cairn.symbols.errors import DebugFileTooLargeError, MalformedDebugFileError
from tests.symbols.programs import SYM

CHILD = """
import os, signal
from cairn.symbols.compiling import child, side_by_side, write_names
child.has_two_processors = lambda: True
{change}
child.main()
"""
NO_FORK = "def no_fork(): raise AssertionError('a fork')\nos.fork = no_fork"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Symbols of as many rows as make two processes pay; names in both halves, and some of their own."""
    path = tmp_path / "large.sym"
    names = ("_Z5twicei", "_ZN4shop6BasketIiE4deepEi", "main", "Ärger")
    lines = (f"FUNC {n * 16:x} 8 0 {names[n % 7] if n % 7 < 4 else f'f{n}'}\n" for n in range(1, WORTH_TWO // 2 + 100))
    path.write_bytes(b"MODULE Linux x86_64 4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0 a\n" + "".join(lines).encode())
    return path


def child(monkeypatch: pytest.MonkeyPatch, folder: Path, change: str = "") -> None:
    """Have the next child think that it has two processors, and changed in one more way."""
    (folder / "changed_child.py").write_text(CHILD.format(change=change))
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setattr("cairn.symbols.compiling.isolation.CHILD", "changed_child")


def test_two_processes_write_the_same_bytes_as_one(
    large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        out.mkdir()
    (one,) = compile_here(large, outs[0])
    child(monkeypatch, tmp_path)
    (two,) = compile_debug_file(large, outs[1])
    assert two.path.read_bytes() == one.path.read_bytes()
    assert list(outs[1].iterdir()) == [two.path]


def test_two_processes_are_there_when_it_pays(large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child(monkeypatch, tmp_path, NO_FORK)
    with pytest.raises(MalformedDebugFileError, match="status 1"):
        compile_debug_file(large, tmp_path)


def test_a_small_file_takes_one_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = tmp_path / "small.sym"
    small.write_bytes(SYM)
    child(monkeypatch, tmp_path, NO_FORK)
    (compiled,) = compile_debug_file(small, tmp_path)
    assert compiled.features.symbols


def test_one_processor_takes_one_process(large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ask = "child.has_two_processors = side_by_side.has_two_processors"
    alone = "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    child(monkeypatch, tmp_path, "\n".join((ask, alone, NO_FORK)))
    (compiled,) = compile_debug_file(large, tmp_path)
    assert compiled.features.symbols


@pytest.mark.parametrize("end", ["SIGSEGV", "SIGABRT"])
def test_a_half_that_dies_is_an_answer(end: str, large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child(monkeypatch, tmp_path, f"write_names.write_frames = lambda *_: os.kill(os.getpid(), signal.{end})")
    with pytest.raises(MalformedDebugFileError, match=f"died \\({end}\\)"):
        compile_debug_file(large, tmp_path)


@pytest.mark.parametrize(
    ("what", "error"),
    (
        ("os.kill(os.getpid(), signal.SIGKILL)", "ran out of its 2861 MB of memory or its 780 seconds"),
        ("bytearray(2_000_000_000)", "needs more than the 2861 MB of memory"),
    ),
)
def test_a_half_without_memory_is_an_answer(
    what: str, error: str, large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child(monkeypatch, tmp_path, f"write_names.write_frames = lambda *_: {what}")
    with pytest.raises(DebugFileTooLargeError, match=error):
        compile_debug_file(large, tmp_path, Limits(memory=3_000_000_000))


def test_a_half_that_cannot_write_is_a_fault_of_the_caller(
    large: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child(monkeypatch, tmp_path, "def full(*_): raise OSError('No space left')\nwrite_names.write_frames = full")
    with pytest.raises(OSError, match="No space left"):
        compile_debug_file(large, tmp_path)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError('first')"])
def test_neither_outlives_the_other(end: str) -> None:
    """The second process holds the pipe that is read here to its end."""
    script = (
        "import os, signal\nfrom cairn.symbols.compiling.side_by_side import beside\n"
        f"with beside(signal.pause):\n    {end}\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert ended.returncode


def test_what_takes_much_memory_is_done_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_000_000, resource.RLIM_INFINITY))
    assert not side_by_side.has_room_for_two()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 45, resource.RLIM_INFINITY))
    assert side_by_side.has_room_for_two()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert side_by_side.has_room_for_two()


def test_processors_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors in ({0}, {3}, {0, 1}, {1, 2, 3}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, processors=processors: processors)
        assert side_by_side.has_two_processors() == (len(processors) > 1)
