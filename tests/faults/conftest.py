"""One emulator for all deployments that are made to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cairn.store.aws import Clients
from tests.emulator import start_emulator
from tests.faults.deployment import Deployment


@pytest.fixture(scope="module")
def deploy() -> Iterator[Callable[[], Deployment]]:
    """Makes a new deployment."""
    with start_emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        clients = Clients()
        yield lambda: Deployment(clients)
