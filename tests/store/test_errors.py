"""botocore's errors become the store's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, StoreError, UnavailableError, store_errors
from cairn.store.objects import Objects
from cairn.store.projects import Projects
from cairn.store.queues import Queue
from tests.emulator import free_port
from tests.store.conftest import Store


def answer(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetItem")


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (answer("ProvisionedThroughputExceededException", 400), UnavailableError, "store_throttled"),
        (answer("SlowDown", 503), UnavailableError, "store_throttled"),
        (answer("RequestThrottled", 403), UnavailableError, "store_throttled"),
        (answer("RequestTimeout", 400), UnavailableError, "store_throttled"),
        (answer("TransactionConflictException", 400), UnavailableError, "store_throttled"),
        (answer("ConditionalRequestConflict", 409), UnavailableError, "store_throttled"),
        (answer("InternalServerError", 500), UnavailableError, "store_failed"),
        (answer("AccessDeniedException", 400), RefusedError, "store_denied"),
        (answer("403", 403), RefusedError, "store_denied"),
        (answer("ResourceNotFoundException", 400), RefusedError, "store_not_deployed"),
        (answer("ValidationException", 400), RefusedError, "store_invalid"),
        (EndpointConnectionError(endpoint_url="x"), UnavailableError, "store_unreachable"),
        (ConnectionClosedError(endpoint_url="x"), UnavailableError, "store_unreachable"),
        (ReadTimeoutError(endpoint_url="x"), UnavailableError, "store_unreachable"),
        (NoCredentialsError(), RefusedError, "store_invalid"),
    ],
)
def test_every_error_has_a_kind_and_a_code(raised: Exception, kind: type[StoreError], code: str) -> None:
    with pytest.raises(StoreError, match="reading the stars: ") as caught, store_errors("reading the stars"):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.__cause__ is raised
    assert str(caught.value) == caught.value.message


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), store_errors("x"):
        raise KeyError("a")


def test_a_table_a_bucket_or_a_queue_that_is_missing_is_named(store: Store) -> None:
    nowhere = replace(store.settings, bucket="no-such-bucket", projects_table="no-such-table")
    for call in (
        lambda: Projects(nowhere, store.clients).get(1),
        lambda: Projects(nowhere, store.clients).list(),
        lambda: Objects(store.clients, nowhere.bucket).put("k", b""),
        lambda: Objects(store.clients, nowhere.bucket).read("k", 1),
        lambda: Queue(store.clients, f"{store.clients.sqs.meta.endpoint_url}/000000000000/no-such-queue").depth(),
    ):
        with pytest.raises(RefusedError, match="no-such-") as caught:
            call()
        assert caught.value.code == "store_not_deployed"


def test_nobody_at_the_endpoint(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    clients = Clients(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UnavailableError) as caught:
        Projects(store.settings, clients).get(1)
    assert caught.value.code == "store_unreachable"


def fail(store: Store, operation: str, times: int) -> list[int]:
    """Make the next calls of an operation be throttled."""
    calls: list[int] = []

    def throttle(**_: Any) -> Any:
        calls.append(1)
        if len(calls) > times:
            return None
        body = b'{"__type": "ThrottlingException", "message": "slow down"}'
        raw: Any = type("Raw", (), {"stream": lambda self: iter([body]), "read": lambda self: body})()
        return AWSResponse("x", 400, HTTPHeaders(), raw)

    store.clients.dynamodb.meta.events.register_first(f"before-send.dynamodb.{operation}", throttle, unique_id="fail")
    return calls


@pytest.mark.parametrize(("times", "survives"), [(2, True), (99, False)])
def test_throttling_is_retried_and_then_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, times: int, survives: bool
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    projects = Projects(store.settings, store.clients)
    calls = fail(store, "GetItem", times)
    try:
        if survives:
            assert projects.get(10**9) is None
            assert len(calls) == times + 1
        else:
            with pytest.raises(UnavailableError, match="slow down") as caught:
                projects.get(10**9)
            assert caught.value.code == "store_throttled"
            assert len(calls) == 5
    finally:
        store.clients.dynamodb.meta.events.unregister("before-send.dynamodb.GetItem", unique_id="fail")
