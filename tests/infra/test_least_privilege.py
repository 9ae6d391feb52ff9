"""Whether the roles allow what the functions do: the emulator enforces them, and a crash goes all the way."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import pytest

from cairn.store.aws import Clients
from cairn.store.debug_files import DebugFiles
from cairn.store.events import EventRecord, Events
from cairn.store.projects import Projects
from cairn.store.settings import Settings
from cairn.store.symbol_index import SymbolIndex
from cairn_cli.local.deploy import deploy
from infra.bundling import ROOT, Target, build
from infra.template import TEMPLATE
from tests.emulator import start_emulator

SAMPLE = ROOT / "cli/cairn_cli/demo/sample"
PATIENCE = 45.0
T = TypeVar("T")


@dataclass(frozen=True)
class Deployed:
    """The stack on an emulator that enforces roles, and what tests ask of it."""

    endpoint: str
    clients: Clients
    outputs: dict[str, str]

    def calls(self, function: str) -> int:
        """How many calls of the function with this word in its log group's name are over."""
        logs: Any = boto3.client("logs", endpoint_url=self.endpoint)
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        named = [name for name in groups if function in name]
        pages = [logs.filter_log_events(logGroupName=name)["events"] for name in named]
        return sum(event["message"].startswith("REPORT") for page in pages for event in page)

    @property
    def settings(self) -> Settings:
        return Settings.from_outputs(self.outputs)

    def new_key(self) -> tuple[int, str]:
        projects = Projects(self.settings, self.clients)
        project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
        return project.id, projects.create_key(project.id, "test").public_key

    def post(self, body: bytes) -> str:
        """Send a minidump, and give the event id."""
        project, key = self.new_key()
        host = self.outputs["Endpoint"].partition("//")[2].partition(":")[0]
        part = b'--x\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\n'
        request = urllib.request.Request(
            f"{self.endpoint}/api/{project}/minidump/?sentry_key={key}",
            part + body + b"\r\n--x--\r\n",
            {"Host": host, "Content-Type": "multipart/form-data; boundary=x"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode()).strip()

    def event(self, event_id: str) -> EventRecord:
        return soon(lambda: Events(self.settings, self.clients).find(event_id))


def soon(look: Callable[[], T | None]) -> T:
    """What ``look`` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {PATIENCE} s"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH", "true")
        with start_emulator() as emulator:
            for name, value in emulator.environment.items():
                patch.setenv(name, value)
            clients = Clients(emulator.endpoint)
            zips = build(Target.local(), report=lambda _: None).values()
            yield Deployed(emulator.endpoint, clients, deploy(clients, TEMPLATE.read_text(), list(zips), print).outputs)


def test_a_crash_goes_all_the_way(deployed: Deployed) -> None:
    DebugFiles(deployed.settings, deployed.clients).put(SAMPLE / "lighthouse", "lighthouse")
    soon(SymbolIndex(deployed.settings, deployed.clients).list)
    record = deployed.event(deployed.post((SAMPLE / "lighthouse.dmp").read_bytes()))
    assert record.status == "symbolicated"
    assert record.title == "Lamp::dim_to"


def test_what_a_role_does_not_allow_is_refused(deployed: Deployed) -> None:
    """Holds that the test above would notice a missing grant."""
    template = json.loads(TEMPLATE.read_text())
    (policy,) = (r for name, r in template["Resources"].items() if "SymbolicateRoleDefaultPolicy" in name)
    document = policy["Properties"]["PolicyDocument"]
    document["Statement"] = [rule for rule in document["Statement"] if "dynamodb:PutItem" not in rule["Action"]]
    deploy(deployed.clients, json.dumps(template), list(build(Target.local(), report=lambda _: None).values()), print)
    calls = deployed.calls("Symbolicate")
    event_id = deployed.post((SAMPLE / "lighthouse.dmp").read_bytes())
    soon(lambda: deployed.calls("Symbolicate") > calls)
    assert Events(deployed.settings, deployed.clients).find(event_id) is None
