"""Two processes that work on one debug file side by side, where there are two processors.

A fork shares what was read before, copied only where it is written. It is made by the child process alone, which has no
threads then.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from cairn.symbols.compiling.answers import answer_of, result_in

NO_LIMIT = 1 << 62
_PR_SET_PDEATHSIG = 1


def has_two_processors() -> bool:
    """Whether this process may use more than one processor. Only Linux is asked."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


def has_room_for_two() -> bool:
    """Whether two processes fit where this one may go: it has used up to a quarter of the memory that it may have."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return 4 * pages * resource.getpagesize() <= memory_limit()


def memory_limit() -> int:
    """How many bytes of memory of its own this process may have."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return NO_LIMIT if limit == resource.RLIM_INFINITY else limit


@contextmanager
def limited_to(memory: int) -> Iterator[None]:
    """Have this process, and what it forks, do with less memory for a while."""
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    if memory < memory_limit() < NO_LIMIT:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Have ``work`` done by a second process meanwhile. What is yielded waits for its result, which JSON can hold, and
    raises what it raised.

    Until then each of the two has half of the memory. If the second one dies, so does this one, by the same signal: who
    waits for this process gets one answer for both. If this one dies, so does the second.
    """
    with limited_to(memory_limit() // 2):
        reading, writing = os.pipe()
        this = os.getpid()
        second = os.fork()
        if not second:
            _work_and_end(work, writing, this)
        os.close(writing)
        try:
            yield lambda: _wait_for(second, reading)
        finally:
            os.close(reading)
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(second, signal.SIGKILL)
                os.waitpid(second, 0)


def _work_and_end(work: Callable[[], Any], writing: int, parent: int) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            with open(writing, "w") as pipe:
                pipe.write(answer_of(work))
            code = 0
    finally:
        os._exit(code)


def _wait_for(second: int, reading: int) -> Any:
    with open(reading, closefd=False) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(second, 0)
    if code := os.waitstatus_to_exitcode(status):
        _die_by(code)
    return result_in(answer)


def _die_by(code: int) -> NoReturn:
    if code < 0:
        with suppress(OSError):  # that of SIGKILL cannot be set, and need not be
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))
