"""A small stack behind the real emulator and the real front door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cairn_cli.local.state import State
from tests.local.small_stack import Small, bundles, start_small


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """A small stack for tests that leave it running."""
    folder = tmp_path_factory.mktemp("small")
    stack = start_small(State(folder / "state"), bundles(folder))
    yield stack
    stack.emulator.stop()
