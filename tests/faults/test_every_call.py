"""A fault at every call of every step, one after another: what was accepted is one event in the end, and the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import pytest

from cairn.intake.rules import Filter, FilterKind
from cairn.store import objects
from cairn.store.assemblies import Assemblies, Plan
from cairn.store.chunks import Chunks
from cairn.store.debug_files import DebugFiles
from cairn.store.notifications import assemble_message
from cairn.store.projects import Projects
from tests.crash.symbol_files import SAMPLE
from tests.faults.clients import Fault, Kind
from tests.faults.deployment import Deployment, Invocation
from tests.intake.clients import dump_part, field_part, file_part, form, form_headers
from tests.intake.envelopes import dump_item, envelope, item

EVENT_ID = "6f0b2c1e5d0f4a539b0b1f8e3a2c7d44"
DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
SYMBOLS = b"""MODULE Linux x86_64 B72467FD1AF452EDA50D2A52857710770 lighthouse
FILE 0 lighthouse.cpp
FUNC 1540 60 0 Lamp::dim_to
1540 60 11 0
"""
NAMED = "Lamp::dim_to"
CHUNK = 70
SMALL_PART = 16_000

READS = ("Get", "BatchGet", "Query", "Head", "List")
AFTER_WRITES = (Kind.UNANSWERED, Kind.DIES_AFTER, Kind.REPEATED)

Deploy = Callable[[], Deployment]


@dataclass(frozen=True)
class Scenario:
    """What came before, and the step at which something fails. What fails is done again by whoever asked for it: a
    client that sends again, or the queue."""

    prepare: Callable[[Deployment], object]
    step: Callable[[Deployment, Fault | None], Invocation | None]
    title: str | None = "lighthouse+0x1565"


def post_form(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    fields = field_part("sentry[event_id]", EVENT_ID), field_part("sentry[release]", "keeper@3")
    body = form(*fields, file_part("log", b"line\n"), dump_part(DUMP))
    return deployment.post("/api/1/minidump/", body, form_headers(), fault)


def post_envelope(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    said = {"event_id": EVENT_ID, "comments": "it broke", "name": "K", "email": "k@example.com"}
    items = item("event", {"release": "keeper@3"}), dump_item(DUMP), item("user_report", said)
    body = envelope(*items, event_id=EVENT_ID)
    return deployment.post("/api/1/envelope/", body, {"content-type": "application/x-sentry-envelope"}, fault)


def post_attachment(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    body = form(file_part("log", b"line\n"))
    return deployment.post(f"/api/1/events/{EVENT_ID}/attachments/", body, form_headers(), fault)


def accepted(deployment: Deployment) -> None:
    assert is_good(post_form(deployment))


def waiting(deployment: Deployment) -> None:
    """A crash has its event, and waits for symbols."""
    accepted(deployment)
    deployment.settle()


def with_symbols(deployment: Deployment) -> None:
    """Symbols are there, and then a crash comes."""
    upload_debug_file(deployment)
    deployment.settle()
    accepted(deployment)


def unwanted(deployment: Deployment) -> None:
    """A crash is in, and a filter drops it once it has a message."""
    accepted(deployment)
    projects = Projects(deployment.settings, deployment.clients)
    assert projects.add_filter(1, Filter(FilterKind.MESSAGE, "SIGSEGV*"))


def upload_debug_file(deployment: Deployment) -> None:
    store = DebugFiles(deployment.settings, deployment.clients)
    assert store.put_stream(sha1(SYMBOLS), "lighthouse.sym", BytesIO(SYMBOLS), len(SYMBOLS))


def debug_file_arrived(deployment: Deployment) -> None:
    waiting(deployment)
    upload_debug_file(deployment)


def chunks_arrived(deployment: Deployment) -> None:
    waiting(deployment)
    pieces = [SYMBOLS[start : start + CHUNK] for start in range(0, len(SYMBOLS), CHUNK)]
    named = {sha1(piece): piece for piece in pieces}
    Chunks(deployment.settings, deployment.clients).put(named)
    plan = Plan(sha1(SYMBOLS), "lighthouse.sym", tuple(map(sha1, pieces)), len(SYMBOLS))
    assert Assemblies(deployment.settings, deployment.clients).start(plan)
    deployment.send("debug-files", assemble_message(plan.sha1, plan.id))


def chunks_of_a_known_file_arrived(deployment: Deployment) -> None:
    """The file is there, but nobody told that it is to be compiled."""
    upload_debug_file(deployment)
    deployment.bodies("debug-files")
    chunks_arrived(deployment)


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def crash_message(deployment: Deployment, fault: Fault | None = None) -> Invocation | None:
    return deployment.deliver("crashes", fault)


def debug_file_message(deployment: Deployment, fault: Fault | None = None) -> Invocation | None:
    return deployment.deliver("debug-files", fault)


def nothing(_: Deployment) -> None:
    """It begins here."""


SCENARIOS = {
    "a form": Scenario(nothing, post_form),
    "an envelope": Scenario(nothing, post_envelope),
    "a late attachment": Scenario(waiting, post_attachment),
    "a crash without symbols": Scenario(accepted, crash_message),
    "a crash that a filter drops": Scenario(unwanted, crash_message, None),
    "a crash with symbols": Scenario(with_symbols, crash_message, NAMED),
    "a debug file somebody waits for": Scenario(debug_file_arrived, debug_file_message, NAMED),
    "a debug file in chunks": Scenario(chunks_arrived, debug_file_message, NAMED),
    "chunks of a known debug file": Scenario(chunks_of_a_known_file_arrived, debug_file_message, NAMED),
}


def is_good(done: Invocation | None) -> bool:
    """Whether whoever asked takes it for done."""
    if done is None or done.died:
        return False
    if "statusCode" in done.answer:
        return bool(done.answer["statusCode"] < 300)
    return not done.answer["batchItemFailures"]


def every_fault(kind: Kind, calls: list[str]) -> Iterator[Fault]:
    """A fault of this kind at every call where it makes a difference. Only writes change what others see: so an answer
    that is lost is a refusal where something was read, and a process dies after a write, or has done nothing yet."""
    for at, call in enumerate(calls):
        reads = call.partition(".")[2].startswith(READS)
        if (
            kind is Kind.REFUSED
            or (kind is Kind.TORN and call == "s3.GetObject")
            or (kind in AFTER_WRITES and not reads)
        ):
            yield Fault(at, kind)


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Dumps go up in parts, as large ones do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "PART", SMALL_PART)
        yield


@dataclass(frozen=True)
class Good:
    """A run in which nothing fails: its calls, and the state in the end."""

    calls: list[str]
    state: dict[str, Any]


@pytest.fixture(scope="module")
def good(deploy: Deploy) -> Callable[[str], Good]:
    """Runs a scenario once."""

    @cache
    def run(name: str) -> Good:
        scenario, deployment = SCENARIOS[name], deploy()
        scenario.prepare(deployment)
        done = scenario.step(deployment, None)
        assert done and is_good(done)
        deployment.settle()
        assert [event["title"] for event in deployment.events()] == ([scenario.title] if scenario.title else [])
        assert deployment.accepted() == 1
        return Good(done.calls, deployment.state())

    return run


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DIES_BEFORE], ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_call_changes_nothing_in_the_end(
    deploy: Deploy, good: Callable[[str], Good], name: str, kind: Kind
) -> None:
    scenario, wanted = SCENARIOS[name], good(name)
    for fault in every_fault(kind, wanted.calls):
        where = f"{kind.value} at {fault.at}: {wanted.calls[fault.at]}"
        broken = deploy()
        scenario.prepare(broken)
        hit = scenario.step(broken, fault)
        assert hit and len(hit.calls) > fault.at, where
        broken.settle()
        assert len(broken.events()) <= 1, where
        if not is_good(hit):
            scenario.step(broken, None)
            broken.settle()
        assert differences(wanted.state, broken.state()) == [], where
        assert broken.dead_letters() == [], where
        assert broken.accepted() <= (2 if kind is Kind.REPEATED else 1), where


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Where the two differ, for a person."""
    if wanted == found:
        return []
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [line for key in keys for line in differences(wanted.get(key), found.get(key), f"{where}/{key}")]
    return [f"{where}: {str(wanted)[:300]} became {str(found)[:300]}"]
