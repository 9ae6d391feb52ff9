"""Walks many dumps without starting Python for each: ``python -m tests.parity.fork_server SECONDS``.

Loads Cairn once. Every line of input is a JSON object, ``{"arguments": [...], "out": path, "err": path}``: a command
line of ``cairn`` and where its output goes. It is run in a fork of its own, and a line answers with the exit code
(below zero: the signal), the CPU time in seconds and the peak memory in KiB.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from cairn.symbols.local import folder
from cairn_cli import stackwalk
from cairn_cli.main import main

LOADED = (folder, stackwalk)
"""What every fork would load."""


def serve(seconds: int) -> None:
    """Answer every line until there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _walk(json.loads(line))
        print(*_measured(child, seconds), flush=True)


def _walk(job: dict[str, Any]) -> None:
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = main(job["arguments"])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _measured(child: int, seconds: int) -> tuple[int, float, int]:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(seconds)
    _, status, used = os.wait4(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss


if __name__ == "__main__":
    serve(int(sys.argv[1]))
