"""Runs a command that ends with this process's standard input, and so with the process at its other end.

``python -m cairn_cli.local.tied COMMAND…``. The command is told by SIGTERM, and killed if it is still there after
``STOP_LIMIT`` seconds. The exit status is the command's.
"""

from __future__ import annotations

import subprocess
import sys
import threading

STOP_LIMIT = 15.0


def main(command: list[str]) -> int:
    """Run the command. Returns its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603 - what our caller says
    threading.Thread(target=end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def end_with_input(child: subprocess.Popen[bytes]) -> None:
    """Wait until standard input ends, then end the child."""
    sys.stdin.buffer.read()
    child.terminate()
    try:
        child.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
