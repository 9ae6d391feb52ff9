"""A deployment on the emulator whose functions run here, one message or request at a time, and may die at any call."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import itertools
import json
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import quote_plus

import zstandard

from cairn.intake.outcomes import Outcome
from cairn.pipeline.accepting import front
from cairn.store import aws
from cairn.store.aws import Clients
from cairn.store.outcomes import Outcomes, total
from cairn.store.projects import Projects
from cairn.store.queues import CRASH_QUEUE_VARIABLE, DEBUG_FILE_QUEUE_VARIABLE
from cairn.store.settings import VARIABLES, Settings
from cairn.store.table import from_item
from cairn.store.tokens import SCOPES, ApiTokens
from tests.emulator import make_store
from tests.faults.clients import Died, Fault, FaultyClients

ROOT = Path(__file__).parents[2]
TRIES = 5
"""How often the queues of the stack hand out a message (``infra.work_queue``)."""

WORKERS = {"crashes": "symbolicate", "debug-files": "compile_symbols"}
"""Queue to the function that works on it."""

NOTIFIED = {
    "crashes": ("crashes/", "upload.json"),
    "debug-files": ("debug-files/", ""),
}
"""Queue to how the keys of the objects begin and end of which it is told (``infra.storage``)."""

ESTIMATES = ("outcome#", "hour#")
"""What the keys of rows begin with that count roughly: a function that fails may leave a count out, or count again."""

MEMORY = ("used", "tries")
"""Attributes that tell when symbols were last of use, which the next crash notes too, and how often a symbol server was
asked."""

PASSING = ("uploads/", "chunks/", "hot/")
"""Objects that go away by themselves, whatever became of them."""

RANDOM = ("token#",)
"""What the partitions begin with that differ from one deployment to the next."""

YEAR = 365 * 86400
SENT_ID = re.compile(rb"sent-[0-9a-f]{32}-")

numbers = itertools.count()


@dataclass(frozen=True)
class Invocation:
    """What a function did: its ``answer``, ``None`` when it died, and the calls that it made."""

    answer: Any
    calls: list[str]

    @property
    def died(self) -> bool:
        return self.answer is None


@dataclass
class Deployment:
    """Bucket, tables, queues and dead-letter queues of their own, with a project and its key."""

    clients: Clients
    name: str = field(init=False)
    settings: Settings = field(init=False)
    queues: dict[str, str] = field(init=False)
    key: str = field(init=False)
    token: str = field(init=False)
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = f"cairn-{next(numbers)}"
        self.settings = make_store(self.clients, self.name)
        self.queues = {}
        for queue in WORKERS:
            self._make_queue(queue)
        projects = Projects(self.settings, self.clients)
        self.key = projects.create_key(projects.create("demo", "Demo").id, "").public_key
        self.token, _ = ApiTokens(self.settings, self.clients).create("http://127.0.0.1", "tests", SCOPES)

    def call(
        self, function: str, event: Any, fault: Fault | None = None, raises: tuple[type[Exception], ...] = ()
    ) -> Invocation:
        """Call a function in a process of its own that knows nothing yet. It may end with one of ``raises``."""
        clients = FaultyClients(self.clients, fault)
        with self._surroundings(clients):
            handler = fresh(function)
            try:
                return Invocation(handler.handler(event, context()), clients.calls)
            except Died:
                return Invocation(None, clients.calls)
            except Exception as error:
                if not isinstance(error, raises):
                    raise
                return Invocation(None, clients.calls)

    def post(self, path: str, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> Invocation:
        """Send a request to the ingest function."""
        return self.ask("POST", path, body, headers, fault)

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str], fault: Fault | None = None
    ) -> Invocation:
        """Send a request by any method to the ingest function."""
        return self.call("ingest", request_event(method, path, body, headers, f"sentry_key={self.key}"), fault)

    def post_files(self, path: str, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> Invocation:
        """Send a request to the API of debug files, as a build machine does."""
        known = {"host": "crashes.example.com", "authorization": f"Bearer {self.token}", **headers}
        return self.call("debug_files", request_event("POST", path, body, known), fault)

    def deliver(self, queue: str, fault: Fault | None = None) -> Invocation | None:
        """Hand the next message of a queue to its function, as Lambda does: it stays unless the function is done with
        it. ``None`` when there is no message."""
        self._notify()
        where: Any = {"QueueUrl": self.queues[queue]}
        got = self.clients.sqs.receive_message(**where, AttributeNames=["All"], MessageAttributeNames=["All"])
        if "Messages" not in got:
            return None
        (message,) = got["Messages"]
        done = self.call(WORKERS[queue], {"Records": [record_of(message)]}, fault)
        if not done.died and not done.answer["batchItemFailures"]:
            self.clients.sqs.delete_message(**where, ReceiptHandle=message["ReceiptHandle"])
        return done

    def settle(self) -> None:
        """Let the functions work until nothing is left to do."""
        while any([self.deliver(queue) for queue in WORKERS]):
            pass

    def send(self, queue: str, body: str) -> None:
        """Put a message on a queue."""
        self.clients.sqs.send_message(QueueUrl=self.queues[queue], MessageBody=body)

    def bodies(self, queue: str) -> list[str]:
        """Take all messages off a queue."""
        self._notify()
        found = []
        where: Any = {"QueueUrl": self.queues[queue]}
        while messages := self.clients.sqs.receive_message(**where).get("Messages"):
            found.append(messages[0]["Body"])
            self.clients.sqs.delete_message(**where, ReceiptHandle=messages[0]["ReceiptHandle"])
        return found

    def dead_letters(self) -> list[str]:
        """Take all dead letters."""
        return self.bodies("crashes-dead") + self.bodies("debug-files-dead")

    def objects(self) -> dict[str, str]:
        """The objects of the bucket that stay: key to hash."""
        found = {}
        for entry in self.clients.s3.list_objects_v2(Bucket=self.settings.bucket).get("Contents", []):
            if not entry["Key"].startswith(PASSING):
                body = self.clients.s3.get_object(Bucket=self.settings.bucket, Key=entry["Key"])["Body"].read()
                name = comparable(entry["Key"].encode()).decode()
                assert name not in found, "two objects of one kind"
                same = comparable(body.replace(self.key.encode(), b"<key>"))
                found[name] = hashlib.sha256(same).hexdigest()
        return found

    def state(self) -> dict[str, Any]:
        """All that a person could ever see of this deployment, without the times and without what is only a memory of
        earlier look-ups: two deployments in which the same has happened have the same state."""
        tables = (self.settings.projects_table, self.settings.symbols_table, self.settings.events_table)
        rows = {table.removeprefix(self.name): dict(map(self._row, self._items(table))) for table in tables}
        return rows | {"objects": self.objects()}

    def events(self) -> list[dict[str, Any]]:
        """The rows of all events."""
        rows = [from_item(item) for item in self._items(self.settings.events_table)]
        return [row for row in rows if row["sk"].startswith("project#")]

    def accepted(self) -> int:
        """How many crashes are counted as accepted."""
        today = datetime.now(UTC).date()
        counts = Outcomes(self.settings, self.clients).between(1, today - timedelta(days=1), today)
        return total(counts, Outcome.ACCEPTED)

    def _items(self, table: str) -> Iterator[Any]:
        for page in self.clients.dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                if not any(item[name]["S"].startswith(ESTIMATES + RANDOM) for name in ("pk", "sk")):
                    yield item

    def _row(self, item: Any) -> tuple[str, Any]:
        row = from_item(item)
        for name in MEMORY:
            row.pop(name, None)
        if isinstance(row.get("body"), bytes):
            row["body"] = json.loads(zstandard.decompress(row["body"]))
        text = json.dumps(row, sort_keys=True, default=repr).replace(self.key, "<key>")
        same = json.loads(comparable(text.encode()))
        return f"{same['pk']} {same['sk']}", same

    def _make_queue(self, queue: str) -> None:
        sqs = self.clients.sqs
        dead = sqs.create_queue(QueueName=f"{self.name}-{queue}-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": TRIES}
        self.queues[f"{queue}-dead"] = dead
        self.queues[queue] = sqs.create_queue(
            QueueName=f"{self.name}-{queue}",
            Attributes={
                "VisibilityTimeout": "0",
                "RedrivePolicy": json.dumps(redrive),
            },
        )["QueueUrl"]

    def _notify(self) -> None:
        """Tell the queues of the objects that are new, as S3 does. The emulator would do it at some later moment."""
        for entry in self.clients.s3.list_objects_v2(Bucket=self.settings.bucket).get("Contents", []):
            key = entry["Key"]
            for queue, (prefix, suffix) in NOTIFIED.items():
                if key not in self.told and key.startswith(prefix) and key.endswith(suffix):
                    self.told.add(key)
                    self.send(queue, notification(key))

    @contextmanager
    def _surroundings(self, clients: Clients) -> Iterator[None]:
        """What a function finds: its variables and its clients."""
        variables = {variable: getattr(self.settings, name) for name, variable in VARIABLES.items()}
        variables |= {
            CRASH_QUEUE_VARIABLE: self.queues["crashes"],
            DEBUG_FILE_QUEUE_VARIABLE: self.queues["debug-files"],
        }
        patches = mock.patch.dict(os.environ, variables), mock.patch.object(aws, "shared", lambda: clients)
        with patches[0], patches[1], warnings.catch_warnings():
            # A call that dies or fails has nothing to publish.
            warnings.filterwarnings("ignore", "No application metrics to publish")
            yield


def fresh(function: str) -> ModuleType:
    """The handler of a function as a process imports it that has just started."""
    front.stores.cache_clear()
    spec = importlib.util.spec_from_file_location(f"cold_{function}", ROOT / "functions" / function / "handler.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def context() -> Any:
    """What Lambda tells a function about its call."""
    return SimpleNamespace(
        function_name="test",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:test",
        aws_request_id="id",
        get_remaining_time_in_millis=lambda: 100_000,
    )


def request_event(method: str, path: str, body: bytes, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    """A request as API Gateway gives it to a function."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {"http": http, "requestId": "id", "stage": "$default"},
        "isBase64Encoded": True,
        "body": base64.b64encode(body).decode(),
    }


def notification(key: str) -> str:
    """S3's message about a new object."""
    record = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key, safe="/")}}}
    return json.dumps({"Records": [record]})


def record_of(message: Any) -> dict[str, Any]:
    """A message as Lambda gives it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue",
        "awsRegion": "us-east-1",
    }


def comparable(content: bytes) -> bytes:
    """A text in which all is the same that is another each time: the ids of uploads in steps, and every time from this
    year and until the end of all retention, be it in seconds or in ISO 8601."""
    content = SENT_ID.sub(b"sent-<id>-", content)
    year = time.gmtime().tm_year
    dates = re.sub(rb"\b(%d|%d)-\d\d-\d\d(T[\d:.]+Z?)?" % (year - 1, year), b"<time>", content)
    return re.sub(rb"\b\d{10}(\.\d+)?\b", lambda found: b'"<time>"' if is_near(found[0]) else found[0], dates)


def is_near(seconds: bytes) -> bool:
    """Whether a number may be a time that has to do with now."""
    return abs(float(seconds) - time.time()) < YEAR
