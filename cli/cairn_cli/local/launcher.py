"""The child process that is the emulator: MiniStack behind the front door, with snapshots.

Run as ``python -m cairn_cli.local.launcher STATE EMULATOR_FD FRONT_FD``. The descriptors are listening sockets. It
stops in order at SIGTERM and when its standard input ends, which also happens when its parent is killed. A line there
is a command: ``work`` lets functions take messages from queues, ``save`` writes a snapshot of everything. On standard
output it writes a line of JSON for each thing that its parent may want to know: ``{"event": "ready"}``,
``{"event": "saved", "done": true}``, ``{"event": "request", …}``, ``{"event": "log", …}``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from cairn_cli.local.function_runtime import build_runtime
from cairn_cli.local.state import REGION, State


def emulator_settings(state: State, port: int) -> dict[str, str]:
    """The emulator's environment variables: loopback only, state below ``state``, no listeners beside the one."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state.emulator),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state.objects),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "CLOUDTRAIL_RECORDING": "false",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": "unix:///nonexistent",
    }


def prepare(state: State, port: int) -> None:
    """Give this process, and so its functions, an environment that owes nothing to the user's.

    A state without a stack is that of a first deployment that was cut off: it is forgotten.
    """
    unfinished = not (state.emulator / "cloudformation.json").exists()
    for folder in (state.scratch, *((state.emulator, state.objects) if unfinished else ())):
        shutil.rmtree(folder, ignore_errors=True)
    state.create()
    settings = emulator_settings(state, port)
    os.environ.clear()
    os.environ.update(settings, PATH="/usr/local/bin:/usr/bin:/bin", TMPDIR=str(state.scratch))
    sys.executable = str(build_runtime(state.scratch / "runtime", hidden=tuple(settings)))


def main(arguments: list[str]) -> None:
    """Be the emulator until told to stop, then end every function that still runs."""
    state = State(Path(arguments[0]))
    emulator_fd, front_fd = int(arguments[1]), int(arguments[2])
    with socket.socket(fileno=os.dup(emulator_fd)) as listener:
        prepare(state, listener.getsockname()[1])
    from cairn_cli.local import server

    asyncio.run(server.serve(state.emulator / "snapshot", emulator_fd, front_fd))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
