"""SQS queues by URL."""

from __future__ import annotations

from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.errors import store_errors


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


class Queue:
    """One queue."""

    def __init__(self, clients: Clients, url: str) -> None:
        self._clients = clients
        self.url = url

    def send(self, body: str) -> None:
        """Put a message on the queue."""
        with store_errors(f"send to {self.url}"):
            self._clients.sqs.send_message(QueueUrl=self.url, MessageBody=body)

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
