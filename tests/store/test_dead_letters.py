"""Dead letters go back to their queue: all of them, none lost by an interruption, and none for ever in circles."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from cairn.store import dead_letters
from cairn.store.dead_letters import DeadLetter, DeadLetters
from cairn.store.errors import UnavailableError
from cairn.store.queues import Queue
from tests.store.conftest import Store


@dataclass(frozen=True)
class Pair:
    """A queue and its dead letters."""

    store: Store
    dead: Queue
    alive: Queue

    @property
    def letters(self) -> DeadLetters:
        return DeadLetters(self.store.clients, self.dead.url, self.alive.url)

    def bodies(self, queue: Queue) -> list[str]:
        found: list[str] = []
        while got := queue.receive(0):
            found += [message.body for message in got]
            queue.delete(got)
        return sorted(found)


@pytest.fixture
def pair(store: Store) -> Pair:
    name = secrets.token_hex(4)
    urls = [store.clients.sqs.create_queue(QueueName=f"{part}-{name}")["QueueUrl"] for part in ("dead", "alive")]
    return Pair(store, *(Queue(store.clients, url) for url in urls))


@pytest.fixture(autouse=True)
def no_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty queues answer at once."""
    receive = store.clients.sqs.receive_message

    def at_once(**wanted: Any) -> Any:
        return receive(**{**wanted, "WaitTimeSeconds": 0})

    monkeypatch.setattr(store.clients.sqs, "receive_message", at_once)


def anything(_: DeadLetter) -> bool:
    return True


def test_all_go_back(pair: Pair) -> None:
    sent = sorted(f"letter {number}" for number in range(25))
    pair.dead.send_all(sent)
    assert pair.letters.count() == 25
    done = list(pair.letters.redrive(anything))
    assert sorted(letter.body for letter, _ in done) == sent
    assert all(went for _, went in done)
    assert all(letter.sent > 1_700_000_000 and letter.id for letter, _ in done)
    assert pair.bodies(pair.alive) == sent
    assert pair.letters.count() == 0


def test_an_empty_queue_has_nothing_to_do(pair: Pair) -> None:
    assert list(pair.letters.redrive(anything)) == []


def test_what_may_not_go_stays_and_is_there_at_once(pair: Pair) -> None:
    pair.dead.send_all(["good", "bad", "good"])
    done = list(pair.letters.redrive(lambda letter: letter.body == "good"))
    assert sorted((letter.body, went) for letter, went in done) == [("bad", False), ("good", True), ("good", True)]
    assert pair.bodies(pair.alive) == ["good", "good"]
    assert pair.bodies(pair.dead) == ["bad"]


def test_what_fails_again_meanwhile_is_not_taken_twice(pair: Pair) -> None:
    """A function that is as broken as before would else keep the command busy without end."""
    pair.dead.send_all([f"letter {number}" for number in range(15)])
    taken = 0
    for _letter, went in pair.letters.redrive(anything):
        taken += went
        got = pair.store.clients.sqs.receive_message(QueueUrl=pair.alive.url, MessageAttributeNames=["All"])
        for message in got.get("Messages", []):
            attributes: Any = message["MessageAttributes"]
            pair.store.clients.sqs.send_message(
                QueueUrl=pair.dead.url, MessageBody=message["Body"], MessageAttributes=attributes
            )
    assert taken == 15
    assert pair.letters.count() == 15
    assert sum(went for _, went in pair.letters.redrive(anything)) == 15


@pytest.mark.parametrize("step", ["_send", "_delete"])
def test_an_interruption_loses_nothing(pair: Pair, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [f"letter {number}" for number in range(5)]
    pair.dead.send_all(sent)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dead_letters, "PATIENCE", 0)
    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(pair.letters.redrive(anything))
    list(pair.letters.redrive(anything))
    assert sorted(set(pair.bodies(pair.alive))) == sent
    assert pair.letters.count() == 0


def test_what_the_queue_does_not_take_stays(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.dead.send_all(["one", "two"])
    send = pair.store.clients.sqs.send_message_batch

    def half(**wanted: Any) -> Any:
        answer = send(**{**wanted, "Entries": wanted["Entries"][:1]})
        return {**answer, "Failed": [{"Id": "1", "SenderFault": False, "Code": "InternalError"}]}

    with monkeypatch.context() as patch:
        patch.setattr(pair.store.clients.sqs, "send_message_batch", half)
        assert sorted(went for _, went in pair.letters.redrive(anything)) == [False, True]
    assert len(pair.bodies(pair.alive)) == len(pair.bodies(pair.dead)) == 1


def test_a_throttled_queue_is_an_error_and_all_is_there(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.dead.send("letter")

    def throttled(**_: object) -> None:
        raise UnavailableError("store_throttled", "slow down")

    monkeypatch.setattr(dead_letters, "PATIENCE", 0)
    with monkeypatch.context() as patch:
        patch.setattr(pair.store.clients.sqs, "send_message_batch", throttled)
        with pytest.raises(UnavailableError):
            list(pair.letters.redrive(anything))
    assert pair.bodies(pair.dead) == ["letter"]
