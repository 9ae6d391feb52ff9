"""Messages that come twice, late, in any order or broken: the outcome is the same, and what no function can do is put
aside."""

from __future__ import annotations

import itertools
import json

import pytest

from cairn.store.notifications import object_keys, requeue_message
from tests.faults.clients import Fault, Kind
from tests.faults.deployment import TRIES, Deployment
from tests.faults.scenarios import (
    NAMED,
    Deploy,
    accepted,
    debug_file_arrived,
    differences,
    upload_debug_file,
)

CRASH, FILE = "crashes", "debug-files"


def arrived(deploy: Deploy) -> tuple[Deployment, dict[str, str]]:
    """A deployment in which a crash and its symbols have arrived, and the messages about them."""
    deployment = deploy()
    accepted(deployment)
    upload_debug_file(deployment)
    return deployment, {queue: deployment.bodies(queue)[0] for queue in (CRASH, FILE)}


ORDERS = sorted(set(itertools.permutations([CRASH, CRASH, FILE, FILE])))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_twice_and_in_any_order_is_as_once(deploy: Deploy, order: tuple[str, ...]) -> None:
    once, messages = arrived(deploy)
    for queue in (FILE, CRASH):
        once.send(queue, messages[queue])
        once.settle()
    other, messages = arrived(deploy)
    for queue in order:
        other.send(queue, messages[queue])
        assert other.deliver(queue)
    other.settle()
    (event,) = other.events()
    assert event["title"] == NAMED
    assert differences(once.state(), other.state()) == []


def test_two_functions_at_the_same_message_make_one_event(deploy: Deploy) -> None:
    """The queue hands a message out again while the first function is still at work: it dies after everything."""
    deployment, messages = arrived(deploy)
    deployment.send(CRASH, messages[CRASH])
    done = deployment.deliver(CRASH)
    assert done
    for at in range(len(done.calls)):
        deployment.send(CRASH, messages[CRASH])
        deployment.deliver(CRASH, Fault(at, Kind.DIES_AFTER))
        deployment.settle()
    assert len(deployment.events()) == 1


@pytest.mark.parametrize(
    "body",
    ["", "no JSON", "[]", "{}", json.dumps({"cairn": 99, "upload": "x"}), json.dumps({"cairn": 1, "upload": 7})],
    ids=["empty", "no JSON", "a list", "nothing", "too new", "no key"],
)
@pytest.mark.parametrize("queue", [CRASH, FILE])
def test_a_poisoned_message_ends_in_the_dead_letter_queue_and_nowhere_else(
    deploy: Deploy, queue: str, body: str
) -> None:
    deployment = deploy()
    before = deployment.state()
    deployment.send(queue, body or " ")
    assert handed_out(deployment, queue) == TRIES
    assert deployment.bodies(f"{queue}-dead") == [body or " "]
    assert deployment.dead_letters() == []
    assert differences(before, deployment.state()) == []


@pytest.mark.parametrize("queue", [CRASH, FILE])
def test_a_message_that_kills_its_function_is_put_aside_whole(deploy: Deploy, queue: str) -> None:
    deployment = deploy()
    debug_file_arrived(deployment)
    if queue == CRASH:
        deployment.bodies(FILE)
        deployment.send(CRASH, requeue_message(deployment.events()[0]["upload_key"]))
    before = deployment.state()
    assert handed_out(deployment, queue, Fault(0, Kind.DIES_BEFORE)) == TRIES
    (letter,) = deployment.bodies(f"{queue}-dead")
    assert differences(before, deployment.state()) == []
    assert len(object_keys(letter)) == 1

    deployment.send(queue, letter)
    deployment.settle()
    (event,) = deployment.events()
    assert event["title"] == (NAMED if queue == FILE else "lighthouse+0x1565")


def test_a_test_event_of_s3_is_no_work(deploy: Deploy) -> None:
    deployment = deploy()
    for queue in (CRASH, FILE):
        deployment.send(queue, json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}))
        assert handed_out(deployment, queue) == 1
    assert deployment.dead_letters() == []


def handed_out(deployment: Deployment, queue: str, fault: Fault | None = None) -> int:
    """How often the messages of a queue were handed out until there were none."""
    return sum(1 for _ in iter(lambda: deployment.deliver(queue, fault), None))
