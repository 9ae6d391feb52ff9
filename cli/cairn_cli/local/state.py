"""Where a local Cairn keeps its state, who holds it, and how the other commands find the one that runs."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import botocore.session
from botocore.config import Config

from cairn.store.aws import Clients
from cairn_cli.errors import CliError

REGION = "us-east-1"
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local"  # noqa: S105 - the emulator accepts anything; it is not a secret


_NO_USER_SETTINGS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Overrides of botocore's variables: no name in a file, none in the environment, a default, no conversion."""


class LocalError(CliError):
    """Cairn cannot run here. ``code`` is stable; the message says what to do.

    Codes: ``already_running``, ``port_taken``, ``emulator_failed``, ``service_failed``, ``deploy_failed``,
    ``not_built``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Connection:
    """A running local Cairn. ``url`` is the front door that clients use, ``endpoint_url`` the emulated AWS API
    (S3, DynamoDB, SQS …), ``outputs`` the stack's outputs by key, ``dsn`` that of the project made on first start."""

    url: str
    endpoint_url: str
    pid: int
    outputs: Mapping[str, str] = field(default_factory=dict)
    dsn: str | None = None
    region: str = REGION
    access_key_id: str = ACCESS_KEY_ID
    secret_access_key: str = SECRET_ACCESS_KEY


def default_state_dir() -> Path:
    """``$CAIRN_STATE``, else ``$XDG_DATA_HOME/cairn``, else ``~/.local/share/cairn``."""
    if chosen := os.environ.get("CAIRN_STATE"):
        return Path(chosen)
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "cairn"


@dataclass(frozen=True, slots=True)
class State:
    """The files of one local Cairn, below ``root``."""

    root: Path

    @classmethod
    def at(cls, state_dir: Path | None) -> State:
        """The state in ``state_dir``, or in the default place. Nothing is created."""
        return cls((state_dir or default_state_dir()).expanduser().absolute())

    @property
    def emulator(self) -> Path:
        """Tables, queues, functions and the stack, as snapshots."""
        return self.root / "emulator"

    @property
    def objects(self) -> Path:
        """The objects of S3, one file each."""
        return self.root / "objects"

    @property
    def scratch(self) -> Path:
        """Unpacked functions and their temporary files; emptied at each start."""
        return self.root / "scratch"

    @property
    def log(self) -> Path:
        """What the emulator says."""
        return self.root / "emulator.log"

    @property
    def connection(self) -> Path:
        """How to reach the Cairn that runs."""
        return self.root / "connection.json"

    @property
    def lock(self) -> Path:
        """Locked while a Cairn runs."""
        return self.root / "lock"

    def create(self) -> None:
        """Make the folders, readable by their owner alone: dumps hold people's memory."""
        for folder in (self.root, self.emulator, self.objects, self.scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def acquire(self, patience: float = 3.0) -> int:
        """Lock the state for one Cairn and return the descriptor that holds the lock.

        The lock goes with the descriptor: it is free once every process that inherited it has ended, however it ended.
        Raises ``LocalError`` (``already_running``) if another Cairn holds it for ``patience`` seconds.
        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise LocalError("already_running", self._who_runs())
            time.sleep(0.1)
        return descriptor

    def _who_runs(self) -> str:
        connection = self._read()
        where = f" at {connection.url} (pid {connection.pid})" if connection else ""
        return f"A Cairn already runs on the state in {self.root}{where}. Stop it, or choose another one with --state."

    def is_running(self) -> bool:
        """Whether some Cairn holds the lock."""
        if not self.lock.exists():
            return False
        descriptor = os.open(self.lock, os.O_RDONLY)
        try:
            return not _try_lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def write_connection(self, connection: Connection) -> None:
        """Publish how to reach this Cairn."""
        partial = self.connection.with_suffix(".part")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(asdict(connection), indent=2))
        partial.replace(self.connection)

    def _read(self) -> Connection | None:
        try:
            return Connection(**json.loads(self.connection.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def read_connection(self) -> Connection | None:
        """The Cairn that runs on this state, or ``None``."""
        return self._read() if self.is_running() else None


def aws_clients(connection: Connection) -> Clients:
    """Clients of the emulated AWS, whatever the user's own configuration says."""
    return Clients(connection.endpoint_url, aws_session(connection))


def aws_session(connection: Connection) -> botocore.session.Session:
    """A session for clients of the emulated AWS; they need its ``endpoint_url`` too."""
    session = botocore.session.Session(_NO_USER_SETTINGS)
    session.set_credentials(connection.access_key_id, connection.secret_access_key)
    session.set_config_variable("region", connection.region)
    session.set_default_client_config(Config(proxies={}))
    return session


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read_connection(state_dir: Path | None = None) -> Connection | None:
    """The local Cairn that runs on ``state_dir`` (the default place if not given), or ``None``."""
    return State.at(state_dir).read_connection()
