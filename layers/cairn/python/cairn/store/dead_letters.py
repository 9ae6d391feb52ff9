"""Dead letters: messages that failed so often that their queue put them aside."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cairn.store.aws import Clients
from cairn.store.errors import store_errors
from cairn.store.queues import BATCH, Message, Queue

RUN = "CairnRedrive"
"""Message attribute that names the run of ``DeadLetters.redrive`` which put a message back: what fails again meanwhile
is not taken once more."""

PATIENCE = 120
"""Seconds that a run has from taking ten letters to deleting them. What it was interrupted at is there again then."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside. ``id`` is the one that the function logged when it failed; ``sent`` is when it was
    put on its queue, in Unix seconds."""

    id: str
    body: str
    sent: float
    receipt: str
    run: str | None = None


class DeadLetters:
    """The dead letters of one queue."""

    def __init__(self, clients: Clients, dead_letters_url: str, queue_url: str) -> None:
        self._clients = clients
        self._dead = Queue(clients, dead_letters_url)
        self._queue_url = queue_url

    def count(self) -> int:
        """How many there are, as SQS estimates it."""
        return self._dead.depth().total

    def redrive(self, may_go: Callable[[DeadLetter], bool]) -> Iterator[tuple[DeadLetter, bool]]:
        """Put the letters back for which ``may_go`` holds, ten at a time; tells each, and whether it went.

        A letter is deleted once its copy is on the queue: interrupted at any point this loses nothing, and may send
        some twice, which does no harm. Raises ``StoreError`` where SQS fails.
        """
        run = secrets.token_hex(8)
        stayed: dict[str, DeadLetter] = {}
        try:
            while new := [letter for letter in self._receive() if letter.id not in stayed]:
                going = [letter for letter in new if letter.run != run and may_go(letter)]
                went = self._send(going, run)
                self._delete(went)
                stayed |= {letter.id: letter for letter in new if letter not in went}
                yield from ((letter, letter in went) for letter in new)
        finally:
            self._give_back(list(stayed.values()))

    def _receive(self) -> list[DeadLetter]:
        with store_errors(f"receive from {self._dead.url}"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._dead.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=1,
                VisibilityTimeout=PATIENCE,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=[RUN],
            )
        return [letter_of(message) for message in answer.get("Messages", [])]

    def _send(self, letters: Sequence[DeadLetter], run: str) -> list[DeadLetter]:
        """Put letters on the queue; answers those that it took."""
        if not letters:
            return []
        attributes = {RUN: {"DataType": "String", "StringValue": run}}
        entries: Any = [
            {"Id": str(n), "MessageBody": letter.body, "MessageAttributes": attributes}
            for n, letter in enumerate(letters)
        ]
        with store_errors(f"send to {self._queue_url}"):
            answer = self._clients.sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return [letters[int(taken["Id"])] for taken in answer.get("Successful", [])]

    def _delete(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._dead.delete([Message(letter.body, letter.receipt) for letter in letters])

    def _give_back(self, letters: Sequence[DeadLetter]) -> None:
        for start in range(0, len(letters), BATCH):
            few = letters[start : start + BATCH]
            self._dead.make_visible([Message(letter.body, letter.receipt) for letter in few])


def letter_of(message: Any) -> DeadLetter:
    """The letter that SQS gave."""
    run = message.get("MessageAttributes", {}).get(RUN, {}).get("StringValue")
    sent = int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    return DeadLetter(message["MessageId"], message["Body"], sent, message["ReceiptHandle"], run)
