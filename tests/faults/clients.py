"""AWS clients that fail at one call: the harness injects a fault before it or after it took effect."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ConnectionClosedError, ResponseStreamingError

from cairn.store.aws import Clients

REFUSALS = {
    "s3": ("SlowDown", 503),
    "dynamodb": ("ThrottlingException", 400),
    "sqs": ("RequestThrottled", 403),
}
"""How each service says that it is asked too often."""


class Kind(Enum):
    """What happens at a call."""

    REFUSED = "refused"  # the service throttles: nothing was done
    UNANSWERED = "unanswered"  # it was done, and the answer is lost
    DIES_BEFORE = "dies before"  # the process ends first: nothing was done
    DIES_AFTER = "dies"  # it was done, and then the process ends
    REPEATED = "repeated"  # it was done, the answer is lost, and botocore asks a second time
    TORN = "torn"  # the body of an object breaks off while it is read


@dataclass(frozen=True)
class Fault:
    """What happens at the call with this number, from 0."""

    at: int
    kind: Kind


class Died(BaseException):
    """The process has ended. No handler of ours may catch it."""


class FaultyClients(Clients):
    """The clients of one process: ``calls`` are the operations it asked for (``s3.PutObject``), in order.

    Most faults hit above botocore's own retries, so they stand for those that outlast them. Once the process has died,
    no thread of it reaches a service any more.
    """

    def __init__(self, clients: Clients, fault: Fault | None = None) -> None:
        super().__init__(session=clients._session)
        self.calls: list[str] = []
        self._real = clients
        self._fault = fault
        self._dead = False
        self._counting = threading.Lock()

    def _client(self, service: str) -> Any:
        """A copy of the real client that shares its connections. All that a client can do goes through this one
        method of botocore's, its paginators included."""
        real = self._real._client(service)
        client = object.__new__(type(real))
        client.__dict__.update(real.__dict__)
        client._make_api_call = Watched(self, service, client._make_api_call)
        return client

    def impatient(self) -> Clients:
        """Clients that give up sooner are of the same process."""
        return self

    def call(self, service: str, operation: str, really: Callable[[], Any]) -> Any:
        """One call, or what becomes of it."""
        with self._counting:
            if self._dead:
                raise Died
            number = len(self.calls)
            self.calls.append(f"{service}.{operation}")
            kind = self._fault.kind if self._fault and self._fault.at == number else None
            self._dead = kind is Kind.DIES_BEFORE
        if kind is None:
            return really()
        return self._failing(kind, service, operation, really)

    def _failing(self, kind: Kind, service: str, operation: str, really: Callable[[], Any]) -> Any:
        if kind is Kind.DIES_BEFORE:
            raise Died
        if kind is Kind.REFUSED:
            raise refusal(service, operation)
        if kind is Kind.REPEATED:
            return repeated(self._real._client(service), really)
        answer = really()
        if "Body" in answer:
            answer["Body"].read()  # else its socket would be left open
        if kind is Kind.DIES_AFTER:
            self._dead = True
            raise Died
        if kind is Kind.TORN and "Body" in answer:
            return {**answer, "Body": TornBody()}
        if kind is Kind.UNANSWERED:
            raise ConnectionClosedError(endpoint_url=f"https://{service}.example")
        return answer


def repeated(client: Any, really: Callable[[], Any]) -> Any:
    """A call whose first answer is lost below botocore's retries."""
    lost: list[bool] = []

    def lose(request: Any, **_: Any) -> None:
        if not lost:
            lost.append(True)
            client._endpoint.http_session.send(request)
            raise ConnectionClosedError(endpoint_url=request.url)

    client.meta.events.register_first("before-send", lose, unique_id="lose")
    try:
        with mock.patch("botocore.endpoint.time.sleep"):  # botocore would wait before it asks again
            return really()
    finally:
        client.meta.events.unregister("before-send", lose, unique_id="lose")
        assert lost


@dataclass(frozen=True)
class Watched:
    """A client's way to its service, through the faults."""

    clients: FaultyClients
    service: str
    make: Callable[[str, Any], Any]

    def __call__(self, operation: str, parameters: Any) -> Any:
        return self.clients.call(self.service, operation, lambda: self.make(operation, parameters))


class TornBody:
    """The body of an object whose connection breaks."""

    def read(self, *_: int) -> bytes:
        raise ResponseStreamingError(error="the connection was reset")

    def iter_chunks(self, *_: int) -> Any:
        return iter(self.read, b"")

    def close(self) -> None:
        pass


def refusal(service: str, operation: str) -> ClientError:
    """The error with which a service asks for patience."""
    code, status = REFUSALS[service]
    details: Any = {"Error": {"Code": code, "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(details, operation)
