"""A deletion of a debug file that fails at any call is finished by the next one, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cairn.pipeline.debug_files.delete_debug_file import Deletion
from cairn.store.errors import StoreError
from tests.faults.clients import Died, Fault, FaultyClients, Kind
from tests.faults.deployment import Deployment
from tests.faults.scenarios import SYMBOLS, differences, every_fault, sha1, upload_debug_file


def compiled(deployment: Deployment) -> None:
    """A debug file that is compiled and indexed."""
    upload_debug_file(deployment)
    deployment.settle()


def delete(deployment: Deployment, fault: Fault | None = None) -> list[str]:
    """Delete it; answers the calls."""
    clients = FaultyClients(deployment.clients, fault)
    try:
        Deletion(deployment.settings, clients).run(sha1(SYMBOLS))
    except (StoreError, Died):
        assert fault, "nothing was to fail"
    return clients.calls


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.UNANSWERED, Kind.DIES_AFTER], ids=lambda kind: kind.value)
def test_a_fault_at_any_call(deploy: Callable[[], Deployment], kind: Kind) -> None:
    good = deploy()
    compiled(good)
    calls = delete(good)
    wanted = good.state()
    assert wanted["objects"] == {}
    for fault in every_fault(kind, calls):
        broken = deploy()
        compiled(broken)
        delete(broken, fault)
        delete(broken)
        assert differences(wanted, broken.state()) == [], f"{kind.value} at {fault.at}: {calls[fault.at]}"
