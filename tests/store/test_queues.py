"""Messages sent, received and deleted ten at a time."""

from __future__ import annotations

import secrets

import pytest

from cairn.store.queues import Queue
from tests.store.conftest import Store


@pytest.fixture
def queue(store: Store) -> Queue:
    url = store.clients.sqs.create_queue(QueueName=f"q-{secrets.token_hex(4)}")["QueueUrl"]
    return Queue(store.clients, url)


def test_many_messages_go_in_batches_and_come_once(queue: Queue) -> None:
    sent = [f"message {number}" for number in range(25)]
    queue.send_all(sent)
    assert queue.depth().waiting == 25
    got: list[str] = []
    while messages := queue.receive(0):
        got += [message.body for message in messages]
        queue.delete(messages)
    assert sorted(got) == sorted(sent)
    assert queue.depth().total == 0


def test_none_to_send_is_no_request(queue: Queue) -> None:
    queue.send_all([])
    assert queue.receive(0) == ()
