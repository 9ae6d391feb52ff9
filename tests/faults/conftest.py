"""One emulator for all deployments that are made to fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cairn.store import parts
from cairn.store.aws import Clients
from cairn.store.crashes import tus_uploads
from tests.emulator import start_emulator
from tests.faults.clients import Kind
from tests.faults.deployment import Deployment
from tests.faults.scenarios import Deploy, Good, Scenario, check_faults, good_run

SMALL_PART = 16_000


@pytest.fixture(scope="module")
def deploy() -> Iterator[Deploy]:
    """Makes a new deployment."""
    with start_emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        clients = Clients()
        yield lambda: Deployment(clients)


@dataclass
class Runs:
    """Scenarios and how they end when nothing fails, which is tried once each."""

    deploy: Deploy
    good: dict[int, Good] = field(default_factory=dict)

    def check(self, scenario: Scenario, kind: Kind) -> None:
        if id(scenario) not in self.good:
            self.good[id(scenario)] = good_run(self.deploy(), scenario)
        check_faults(self.deploy, scenario, self.good[id(scenario)], kind)


@pytest.fixture(scope="module")
def runs(deploy: Deploy) -> Iterator[Runs]:
    """Runs scenarios. Files go up in parts, as large ones do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART", SMALL_PART)
        patch.setattr(tus_uploads, "PART", SMALL_PART)
        patch.setattr(tus_uploads, "SMALLEST_PART", SMALL_PART)
        yield Runs(deploy)
