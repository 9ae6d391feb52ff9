"""A whole Cairn for the tests that go all the way: the synthesized template and the built bundles on the emulator."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cairn.crash.event import Event
from cairn.store.crashes.events import EventRecord, Events
from cairn.store.projects import Projects
from cairn.store.queues import Depth, Queue
from cairn.store.tokens import ApiTokens
from cairn_cli.debug_file_sending import upload
from cairn_cli.debug_files import wait
from cairn_cli.local.run import LocalCairn
from cairn_cli.target import Target, local_target


@dataclass(frozen=True)
class Running:
    """A running Cairn, and what tests ask of it."""

    cairn: LocalCairn
    target: Target

    @property
    def minidump_url(self) -> str:
        return self.cairn.minidump_url

    @property
    def events(self) -> Events:
        return Events(self.target.settings, self.target.clients)

    @property
    def projects(self) -> Projects:
        return Projects(self.target.settings, self.target.clients)

    @property
    def environment(self) -> dict[str, str]:
        """What makes the `cairn` command find this Cairn."""
        return {**os.environ, "XDG_DATA_HOME": str(self.cairn.state.root.parent)}

    def symbols(self, *paths: Path) -> None:
        """Upload debug files and wait until they can be used."""
        for done in wait(self.target, upload(self.target, list(paths)).keys):
            assert done.reason is None, done.reason

    def token(self, *scopes: str, url: str | None = None) -> str:
        """A new API token; ``url`` when it is to lead somewhere else."""
        tokens = ApiTokens(self.target.settings, self.target.clients)
        return tokens.create(url or self.cairn.url, "test", scopes or ["org:ci"])[0]

    def record(self, event_id: str, patience: float = 30) -> EventRecord:
        """The stored event, once it is there."""
        deadline = time.monotonic() + patience
        while (found := self.events.find(event_id)) is None:
            assert time.monotonic() < deadline, (
                f"no event {event_id} after {patience} s\n{self.cairn.emulator.log_tail()}"
            )
            time.sleep(0.05)
        return found

    def until(self, holds: Callable[[], bool], patience: float = 30) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < deadline, f"not after {patience} s\n{self.cairn.emulator.log_tail()}"
            time.sleep(0.05)

    def event(self, event_id: str) -> Event:
        """The event, once it is there."""
        return Event.from_json(self.record(event_id).body)

    def queue(self, output: str) -> Depth:
        """How many messages a queue holds, by the name of its output."""
        return Queue(self.target.clients, self.cairn.connection.outputs[output]).depth()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with LocalCairn(tmp_path_factory.mktemp("data") / "cairn", port=0, large_uploads=0) as cairn:
        yield Running(cairn, local_target(cairn.connection))
