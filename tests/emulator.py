"""A real MiniStack process for tests: S3, DynamoDB, SQS, Lambda and HTTP API on one loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from cairn.store.aws import Clients
from cairn.store.crashes.events import LISTED
from cairn.store.settings import Settings

LAUNCH = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from ministack.app import main
main()
"""
"""Ends by itself when its standard input is closed, hence also when the tests are killed."""

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. ``environment`` is what a process needs to talk to it."""

    endpoint: str
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it in the ordinary way: it saves its state if it has a folder for that."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_TIMEOUT)
        if self.process.stdin:
            self.process.stdin.close()


@contextmanager
def start_emulator(state_dir: Path | None = None) -> Iterator[Emulator]:
    """An emulator on a free port, ready to answer; stopped at the end. With ``state_dir`` it keeps its state there."""
    with tempfile.TemporaryDirectory(prefix="cairn-emulator-") as scratch:
        port = free_port()
        with Path(scratch, "log").open("w+b") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH],
                env=process_environment(port, Path(scratch), state_dir),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            emulator = Emulator(f"http://127.0.0.1:{port}", client_environment(port), process)
            try:
                wait_until_ready(emulator, log)
                yield emulator
            finally:
                emulator.stop()


def client_environment(port: int) -> dict[str, str]:
    """What points an AWS client at the emulator."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def process_environment(port: int, scratch: Path, state_dir: Path | None) -> dict[str, str]:
    """MiniStack's settings: loopback only, no other ports, its files in ``scratch``."""
    keep = {"PERSIST_STATE": "1", "S3_PERSIST": "1"} if state_dir else {"PERSIST_STATE": "0", "S3_PERSIST": "0"}
    return {
        **os.environ,
        **client_environment(port),
        **keep,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str((state_dir or scratch) / "state"),
        "S3_DATA_DIR": str((state_dir or scratch) / "s3"),
        "TMPDIR": str(scratch),
    }


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(emulator: Emulator, log: IO[bytes]) -> None:
    """Return when the emulator answers. Raises ``RuntimeError`` with the end of its log when it does not come up."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and emulator.process.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{emulator.endpoint}/_ministack/health", timeout=1).close()
            return
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"the emulator did not come up:\n{log.read()[-2000:].decode(errors='replace')}")


def make_store(clients: Clients, name: str = "cairn") -> Settings:
    """The bucket and the tables as the stack makes them; ``name`` is what theirs begin with."""
    settings = Settings(f"{name}-test", f"{name}-projects", f"{name}-symbols", f"{name}-events")
    clients.s3.create_bucket(Bucket=settings.bucket)
    make_table(clients, settings.projects_table, by_owner=("owner", "pk", {"ProjectionType": "ALL"}))
    make_table(clients, settings.symbols_table)
    listed = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(LISTED)}
    make_table(
        clients,
        settings.events_table,
        by_project=("listing", "listed_at", listed),
        by_issue=("issue_listing", "listed_at", listed),
    )
    clients.dynamodb.update_time_to_live(
        TableName=settings.events_table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    return settings


@contextmanager
def running_store() -> Iterator[tuple[Settings, Clients]]:
    """The store on an emulator of its own; AWS's environment variables point there as long."""
    with start_emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        clients = Clients()
        yield make_store(clients), clients


def make_table(clients: Clients, name: str, **indexes: tuple[str, str, Any]) -> None:
    """A table with keys ``pk`` and ``sk`` and the indexes given as (partition, sort, projection), all strings."""
    attributes = {"pk", "sk"} | {key for index in indexes.values() for key in index[:2]}
    more: Any = {}
    if indexes:
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": key_schema(partition, sort), "Projection": projection}
            for index, (partition, sort, projection) in indexes.items()
        ]
    clients.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in sorted(attributes)],
        KeySchema=key_schema("pk", "sk"),
        **more,
    )


def key_schema(partition: str, sort: str) -> Any:
    """A key schema in DynamoDB's form."""
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
