"""Messages of the queues, those of S3 as it sends them."""

from __future__ import annotations

import json
import secrets
import time

import pytest

from cairn.store.errors import UnreadableError
from cairn.store.notifications import (
    assembly_in,
    fetch_in,
    fetch_message,
    object_keys,
    requeue_message,
    scrub_in,
    scrub_message,
    waking_in,
)
from cairn.store.objects import Objects
from cairn.store.queues import Depth, Queue
from tests.store.conftest import Store


def notification(*keys: str, event: str = "ObjectCreated:Put") -> str:
    return json.dumps({"Records": [{"eventName": event, "s3": {"object": {"key": key}}} for key in keys]})


def test_keys_come_in_order_and_unquoted() -> None:
    body = notification("crashes/1/2026-01-01/e/upload.json", "debug-files/a+b%2Bc/%C3%BC%20.so")
    assert object_keys(body) == ("crashes/1/2026-01-01/e/upload.json", "debug-files/a b+c/ü .so")


def test_test_events_and_deletions_name_no_object() -> None:
    assert object_keys('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}') == ()
    assert object_keys(notification("a", event="ObjectRemoved:Delete")) == ()
    assert object_keys('{"Records": []}') == ()


def test_our_own_message_names_its_upload_as_it_is() -> None:
    message = requeue_message("crashes/1/a+b/upload.json")
    assert json.loads(message) == {"cairn": 1, "upload": "crashes/1/a+b/upload.json"}
    assert object_keys(message) == ("crashes/1/a+b/upload.json",)


def test_a_scrubbing_is_told_from_all_else() -> None:
    assert scrub_in(scrub_message("crashes/1/2026-11-24/ab/upload.json")) == "crashes/1/2026-11-24/ab/upload.json"
    for other in (requeue_message("a"), "[]", "no json", "null"):
        assert scrub_in(other) is None


def test_a_fetch_is_told_from_all_else() -> None:
    message = fetch_message(7, "debug_id#ab")
    assert fetch_in(message) == (7, "debug_id#ab")
    assert (assembly_in(message), waking_in(message)) == (None, None)
    for other in (requeue_message("x"), "", "[]", '{"fetch": 5}', '{"fetch": {"project": "x", "key": 1}}'):
        assert fetch_in(other) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "5",
        "{}",
        '{"Records": [{}]}',
        '{"Records": 5}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": []}]}',
        '{"cairn": 1}',
        '{"cairn": 1, "upload": 5}',
        '{"cairn": "x", "upload": ""}',
    ],
)
def test_other_messages_are_named(body: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        object_keys(body)
    assert caught.value.code == "message_malformed"


def test_a_message_of_a_newer_cairn_is_named() -> None:
    with pytest.raises(UnreadableError) as caught:
        object_keys('{"cairn": 2, "uploads": []}')
    assert caught.value.code == "message_too_new"


def receive(store: Store, queue: Queue) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = store.clients.sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=1)
        if "Messages" in answer:
            (message,) = answer["Messages"]
            store.clients.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
            return message["Body"]
    raise AssertionError("no message came")


def test_what_the_bucket_sends_is_understood(store: Store) -> None:
    name = f"notified-{secrets.token_hex(4)}"
    queue = Queue(store.clients, store.clients.sqs.create_queue(QueueName=name)["QueueUrl"])
    store.clients.s3.create_bucket(Bucket=name)
    store.clients.s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": f"arn:aws:sqs:us-east-1:000000000000:{name}", "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    assert object_keys(receive(store, queue)) == ()
    Objects(store.clients, name).put("debug-files/ab/ü b+c.so", b"x")
    assert object_keys(receive(store, queue)) == ("debug-files/ab/ü b+c.so",)


def test_the_depth_of_a_queue(store: Store) -> None:
    url = store.clients.sqs.create_queue(QueueName=f"depth-{secrets.token_hex(4)}")["QueueUrl"]
    queue = Queue(store.clients, url)
    assert queue.depth() == Depth(waiting=0, in_flight=0, delayed=0)
    queue.send(requeue_message("crashes/1/upload.json"))
    queue.send(requeue_message("crashes/2/upload.json"))
    (message,) = store.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert object_keys(message["Body"])[0].endswith("upload.json")
    assert queue.depth() == Depth(waiting=1, in_flight=1, delayed=0)
    assert queue.depth().total == 2
