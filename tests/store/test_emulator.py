"""The emulator itself: it keeps its state when told to, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cairn.store.aws import Clients
from cairn.store.objects import Objects
from tests.emulator import Emulator, start_emulator


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def is_listening(emulator: Emulator) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(emulator.endpoint.rpartition(":")[2]))) == 0


def test_state_is_kept_over_a_stop(tmp_path: Path) -> None:
    with start_emulator(tmp_path) as first:
        Clients(first.endpoint).s3.create_bucket(Bucket="stones")
        Objects(Clients(first.endpoint), "stones").put("a", b"kept")
        first.stop()
        assert not is_listening(first)
    with start_emulator(tmp_path) as second:
        assert Objects(Clients(second.endpoint), "stones").read("a", 10) == b"kept"
        second.kill()
        assert second.process.returncode == -9
        assert not is_listening(second)


def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "import os\nfrom tests.emulator import start_emulator\n"
        "with start_emulator() as emulator:\n    print(emulator.process.pid, flush=True)\n    os._exit(1)\n"
    )
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    pid = int(ended.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and is_running(pid):
        time.sleep(0.05)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
