"""The API over a store on the emulator, called with the events that API Gateway makes of requests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlencode

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cairn.pipeline.debug_files.assemble_debug_file import AssemblyStep
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.store.notifications import assembly_in
from cairn.store.projects import Project, Projects
from cairn.store.tokens import ApiTokens
from cairn.web.api import Api
from cairn.web.services import Services
from tests.store.conftest import Store, store

__all__ = ["store"]

HOST = "crashes.example.com"


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Client:
    """Calls the API as sentry-cli does; ``token`` may be changed."""

    store: Store
    api: Api
    queue_url: str
    project: Project
    token: str | None = field(repr=False)

    def get(self, path: str, **query: str) -> Answer:
        return self.call("GET", path, query=urlencode(query))

    def post(self, path: str, body: bytes, content_type: str, **headers: str) -> Answer:
        return self.call("POST", path, body, {"content-type": content_type, **headers})

    def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, query: str = ""
    ) -> Answer:
        known = {"host": HOST, "x-forwarded-proto": "https", **(headers or {})}
        if self.token is not None:
            known.setdefault("authorization", f"Bearer {self.token}")
        reply = self.api.answer(event(method, path, body, known, query), cast(LambdaContext, None))
        flat = {name.lower(): value for name, value in reply["headers"].items()}
        assert flat["content-type"] == "application/json"
        return Answer(reply["statusCode"], flat, json.loads(reply["body"]))

    def send_chunks(self, *chunks: bytes, compressed: bool = True) -> Answer:
        field_name = "file_gzip" if compressed else "file"
        parts = [(field_name, sha1(chunk), gzip.compress(chunk, 1) if compressed else chunk) for chunk in chunks]
        return self.post("/api/0/organizations/cairn/chunk-upload/", form(*parts), FORM)

    def assemble(self, request: Any) -> Answer:
        path = f"/api/0/projects/cairn/{self.project.slug}/files/difs/assemble/"
        return self.post(path, json.dumps(request).encode(), "application/json")

    def state(self, content: bytes, chunks: list[bytes], name: str = "program") -> dict[str, Any]:
        """The answer for one file."""
        answer = self.assemble({sha1(content): {"name": name, "chunks": [sha1(chunk) for chunk in chunks]}})
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.body[sha1(content)]
        assert isinstance(found["missingChunks"], list)
        return found

    def messages(self) -> list[tuple[str, str]]:
        """What the queue was asked to put together since the last time."""
        found = []
        sqs = self.store.clients.sqs
        while batch := sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                wanted = assembly_in(message["Body"])
                assert wanted
                found.append(wanted)
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def work(self) -> int:
        """Do what the queue asks for, and compile what comes of it; answers how many messages there were."""
        messages = self.messages()
        step = AssemblyStep(self.store.settings, self.store.clients)
        for wanted in messages:
            if key := step.run(*wanted).key:
                compilation = Compilation(self.store.settings, self.store.clients)
                for member in compilation.run(key).members:
                    compilation.run(member)
        return len(messages)


FORM = "multipart/form-data; boundary=B"


def form(*parts: tuple[str, str, bytes]) -> bytes:
    """A form of files: field, file name, content."""
    body = b""
    for name, filename, content in parts:
        head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + b"--B--\r\n"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def event(method: str, path: str, body: bytes, headers: dict[str, str], query: str) -> dict[str, Any]:
    """A request as an HTTP API hands it on (payload 2.0)."""
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    if query:
        made["queryStringParameters"] = {
            name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()
        }
    return made


@pytest.fixture
def client(store: Store) -> Client:
    queue_url = store.clients.sqs.create_queue(QueueName=f"files-{secrets.token_hex(4)}")["QueueUrl"]
    project = Projects(store.settings, store.clients).create(f"p{secrets.token_hex(4)}", "Game")
    token, _ = ApiTokens(store.settings, store.clients).create(f"https://{HOST}", "", ["project:write"])
    return Client(store, Api(Services.of(store.settings, store.clients, queue_url)), queue_url, project, token)
