"""One emulator for the session, with the bucket and the tables; tests keep apart by their own ids."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from tests.emulator import running_store

PROJECT_IDS = itertools.count(1000)


@dataclass(frozen=True, slots=True)
class Store:
    """What every part of the store is made from."""

    settings: Settings
    clients: Clients


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """The store on the emulator; AWS's environment variables point there as long."""
    with running_store() as (settings, clients):
        yield Store(settings, clients)


@pytest.fixture
def project_id() -> int:
    """The id of a project that no other test uses."""
    return next(PROJECT_IDS)
