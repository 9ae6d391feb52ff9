"""More crashes wait than one run wakes: whatever fails at any call, each is woken, and nobody waits for ever."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import pytest

from cairn.pipeline.debug_files.wake_waiting import Queues, Waking
from cairn.store.errors import StoreError
from cairn.store.notifications import object_keys, waking_in
from cairn.store.queues import Queue
from cairn.store.symbols.waiting import WaitingCrash, WaitingCrashes, WantedModule
from tests.faults.clients import Died, Fault, FaultyClients, Kind
from tests.faults.deployment import Deployment

CROWD, PER_RUN = 5, 2
IDS = (secrets.token_hex(16), secrets.token_hex(20))


def crowd(deployment: Deployment) -> list[str]:
    """The uploads of crashes that wait for one module."""
    module = WantedModule("game", *IDS, "missing")
    keys = [f"crashes/1/day/{number:032x}/upload.json" for number in range(CROWD)]
    for key in keys:
        crash = WaitingCrash(1, key.split("/")[-2], time.time(), key, (module,))
        WaitingCrashes(deployment.settings, deployment.clients).put(crash)
    return keys


def wake(deployment: Deployment, before: float, fault: Fault | None = None) -> list[str] | None:
    """One run; answers its calls, ``None`` when it has to be done again."""
    clients = FaultyClients(deployment.clients, fault)
    queues = Queues(*(Queue(clients, deployment.queues[name]) for name in ("crashes", "debug-files")))
    try:
        Waking(deployment.settings, clients, queues, PER_RUN).run(IDS, before)
    except (StoreError, Died):
        return None
    return clients.calls


def wake_all(deployment: Deployment) -> None:
    """Run as long as a message asks for it."""
    while bodies := deployment.bodies("debug-files"):
        for body in bodies:
            more = waking_in(body)
            assert more and more[0] == IDS
            wake(deployment, more[1])


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.UNANSWERED, Kind.DIES_AFTER], ids=lambda kind: kind.value)
def test_a_fault_at_any_call_of_a_run(deploy: Callable[[], Deployment], kind: Kind) -> None:
    good = deploy()
    crowd(good)
    calls = wake(good, time.time())
    assert calls and calls[-1] == "sqs.SendMessage", "it asks to go on"
    for at in range(len(calls)):
        broken = deploy()
        keys, before = crowd(broken), time.time()
        if wake(broken, before, Fault(at, kind)) is None:
            wake(broken, before)
        wake_all(broken)
        woken = [key for body in broken.bodies("crashes") for key in object_keys(body)]
        assert set(woken) == set(keys), calls[at]
        waiting = WaitingCrashes(broken.settings, broken.clients)
        assert waiting.waiting_for(IDS, time.time() + 1, CROWD) == ()
