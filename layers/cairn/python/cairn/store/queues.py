"""SQS queues by URL."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.errors import UnavailableError, store_errors

CRASH_QUEUE_VARIABLE = "CAIRN_CRASH_QUEUE"
DEBUG_FILE_QUEUE_VARIABLE = "CAIRN_DEBUG_FILE_QUEUE"
"""Environment variables that name the two queues of a deployment, by their URLs."""

BATCH = 10
"""Messages that SQS takes, gives and deletes at once."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages in a queue, as SQS estimates them: to be taken, taken and not finished, and not to be taken yet."""

    waiting: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight + self.delayed


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken from a queue and comes back to it unless it is deleted by its ``receipt``."""

    body: str
    receipt: str


class Queue:
    """One queue."""

    def __init__(self, clients: Clients, url: str) -> None:
        self._clients = clients
        self.url = url

    def send(self, body: str, delay: int = 0) -> None:
        """Put a message on the queue, from where it is given out after ``delay`` seconds (up to 900)."""
        with store_errors(f"send to {self.url}"):
            self._clients.sqs.send_message(QueueUrl=self.url, MessageBody=body, DelaySeconds=delay)

    def send_all(self, bodies: Sequence[str]) -> None:
        """Put messages on the queue, ten a request. Raises ``UnavailableError`` (``store_throttled``) when some of them
        were not taken; those before are sent then."""
        for start in range(0, len(bodies), BATCH):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + BATCH])]
            with store_errors(f"send to {self.url}"):
                answer = self._clients.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]
            if failed := answer.get("Failed"):
                raise UnavailableError("store_throttled", f"send to {self.url}: {failed[0].get('Message', 'refused')}")

    def receive(self, wait_seconds: int = 1) -> tuple[Message, ...]:
        """Up to ten messages; none when none came for so long."""
        with store_errors(f"receive from {self.url}"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=wait_seconds
            )
        return tuple(Message(one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages", []))

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete up to ten messages that were received."""
        entries = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages)]
        with store_errors(f"remove from {self.url}"):
            self._clients.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]

    def make_visible(self, messages: Sequence[Message]) -> None:
        """Let up to ten messages that were received be received again at once."""
        entries = [
            {"Id": str(n), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
            for n, message in enumerate(messages)
        ]
        with store_errors(f"give back to {self.url}"):
            self._clients.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]

    def depth(self) -> Depth:
        """How many messages there are."""
        with store_errors(f"depth of {self.url}"):
            attributes = self._clients.sqs.get_queue_attributes(
                QueueUrl=self.url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )["Attributes"]
        return Depth(
            waiting=int(attributes["ApproximateNumberOfMessages"]),
            in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(attributes.get("ApproximateNumberOfMessagesDelayed", 0)),
        )


def debug_file_queue(clients: Clients, environment: Mapping[str, str] = os.environ) -> Queue:
    """The queue of debug files of the running function. Raises ``KeyError`` naming the variable that is missing."""
    return Queue(clients, environment[DEBUG_FILE_QUEUE_VARIABLE])
