"""A crash full of canaries through the functions themselves: what they log holds none."""

from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from cairn.crash.event import Event
from cairn.pipeline.accepting import front
from cairn.store import aws
from cairn.store.aws import Clients
from cairn.store.crashes.events import Events
from cairn.store.notifications import requeue_message
from cairn.store.projects import Projects
from cairn.store.queues import DEBUG_FILE_QUEUE_VARIABLE
from cairn.store.settings import VARIABLES, Settings
from functions.ingest import handler as ingest
from functions.symbolicate import handler as symbolicate
from tests.contract.crashpad import catching, compile_program
from tests.emulator import make_store, start_emulator
from tests.functions.test_ingest import gateway_event
from tests.intake.clients import field_part, file_part, form, form_headers

CANARY = "canary4711"
SOURCE = """
#include <pthread.h>
__attribute__((noinline)) int canary4711_look(const int* at) { return *at; }
int main(int count, char**) {
    pthread_setname_np(pthread_self(), "canary4711");
    return canary4711_look(count > 9 ? new int : nullptr) + 1;
}
"""


@dataclass(frozen=True)
class Place:
    """The store that the functions find by their environment, and all that they have logged."""

    settings: Settings
    clients: Clients
    project: int
    key: str
    printed: io.StringIO

    def call(self, function: ModuleType, event: dict[str, Any]) -> dict[str, Any]:
        logger = front.logger if function is ingest else function.logger
        handler = cast("logging.StreamHandler[io.StringIO]", logger.registered_handler)
        before = handler.setStream(self.printed)
        try:
            with redirect_stdout(self.printed), redirect_stderr(self.printed):
                answer: dict[str, Any] = function.handler(event, Context())
                return answer
        finally:
            handler.setStream(before or self.printed)

    def post(self, body: bytes, headers: dict[str, str], endpoint: str = "minidump") -> dict[str, Any]:
        path, query = f"/api/{self.project}/{endpoint}/", f"sentry_key={self.key}&note={CANARY}"
        return self.call(ingest, gateway_event(body, headers, query, path=path))

    def symbolicate(self, key: str) -> dict[str, Any]:
        record = {"messageId": "1", "body": requeue_message(key), "eventSource": "aws:sqs", "attributes": {}}
        return self.call(symbolicate, {"Records": [record]})

    def uploads(self) -> list[str]:
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.settings.bucket, Prefix="crashes/"
        )
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return [key for key in keys if key.endswith("upload.json")]


class Context:
    """What a function is told of itself."""

    function_name, memory_limit_in_mb, aws_request_id = "f", 128, "id"
    invoked_function_arn = "arn:aws:lambda:us-east-1:1:function:f"


@pytest.fixture
def place() -> Iterator[Place]:
    with start_emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        clients = Clients()
        settings = make_store(clients)
        for field, variable in VARIABLES.items():
            patch.setenv(variable, getattr(settings, field))
        queue = clients.sqs.create_queue(QueueName="debug-files")
        patch.setenv(DEBUG_FILE_QUEUE_VARIABLE, queue["QueueUrl"])
        caches = (front.stores, symbolicate.symbolication, aws.shared)
        for cached in caches:
            cached.cache_clear()
        projects = Projects(settings, clients)
        project = projects.create("game", "Game").id
        yield Place(settings, clients, project, projects.create_key(project, "test").public_key, io.StringIO())
        for cached in caches:
            cached.cache_clear()


def dump_of(folder: Path) -> bytes:
    program = compile_program(SOURCE, folder, "-O1", name=f"program-{CANARY}")
    secret = {"DB_PASSWORD": CANARY, "GREETING": f"{CANARY}@example.com"}
    subprocess.run([program, CANARY], env={**catching(folder), **secret}, check=False, timeout=60, capture_output=True)
    (dump,) = (folder / "crashpad").rglob("*.dmp")
    return dump.read_bytes()


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_no_function_logs_what_came_from_a_client(place: Place, tmp_path: Path) -> None:
    dump = dump_of(tmp_path)
    assert CANARY.encode() in dump
    event = json.dumps({"release": CANARY, "tags": {CANARY: CANARY}, "user": {"email": CANARY}, "level": CANARY})
    fields = [field_part("sentry", event), field_part(CANARY, CANARY)]
    for content in (dump, b"MDMP" + CANARY.encode()):
        part = file_part("upload_file_minidump", content, filename=f"{CANARY}.dmp")
        more = file_part(CANARY, CANARY.encode(), filename=f"{CANARY}.txt")
        assert place.post(form(*fields, part, more), form_headers(user_agent=CANARY))["statusCode"] == 200
    bad = [
        place.post(f"--x\r\n{CANARY}".encode(), {"content-type": "multipart/form-data; boundary=x"}),
        place.post(f'{{"{CANARY}": \n{CANARY}'.encode(), {"content-type": CANARY}, "envelope"),
        place.post(CANARY.encode(), {"content-encoding": CANARY}),
    ]
    assert all(400 <= answer["statusCode"] < 500 for answer in bad)
    torn = f"crashes/{place.project}/2026-01-01/{'0' * 32}/upload.json"
    place.clients.s3.put_object(Bucket=place.settings.bucket, Key=torn, Body=f'{{"{CANARY}": {CANARY}'.encode())

    keys = place.uploads()
    assert len(keys) == 3
    for key in keys:
        failed = place.symbolicate(key)["batchItemFailures"]
        assert bool(failed) == (key == torn)
    events = Events(place.settings, place.clients)
    bodies = [record.body for record in (events.find(key.split("/")[-2]) for key in keys) if record]
    assert len(bodies) == 2 and all(Event.from_json(body).release == CANARY for body in bodies)

    log = place.printed.getvalue()
    assert log.count('"level"') > 5 and "the message failed" in log
    assert CANARY not in log
