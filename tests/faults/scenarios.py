"""What is made to fail: a step of a path, what comes before and after it, and who does it again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cairn.store.symbols.debug_files import DebugFiles
from tests.crash.symbol_files import SAMPLE
from tests.faults.clients import Fault, Kind
from tests.faults.deployment import Deployment, Invocation
from tests.intake.clients import dump_part, field_part, file_part, form, form_headers

EVENT_ID = "6f0b2c1e5d0f4a539b0b1f8e3a2c7d44"
DUMP = (SAMPLE / "lighthouse.dmp").read_bytes()
SYMBOLS = b"""MODULE Linux x86_64 B72467FD1AF452EDA50D2A52857710770 lighthouse
FILE 0 lighthouse.cpp
FUNC 1540 60 0 Lamp::dim_to
1540 60 11 0
"""
NAMED = "Lamp::dim_to"
UNNAMED = "lighthouse+0x1565"

READS = ("Get", "BatchGet", "Query", "Head", "List")
AFTER_WRITES = (Kind.UNANSWERED, Kind.DIES_AFTER, Kind.REPEATED)
KINDS = [kind for kind in Kind if kind is not Kind.DIES_BEFORE]

Deploy = Callable[[], Deployment]


def nothing(*_: object) -> None:
    """It begins here, or ends."""


@dataclass(frozen=True)
class Scenario:
    """What came before, and the step at which something fails. What fails is done again by whoever asked for it: a
    client that sends again, or the queue. Once it is done, ``finish`` is what the client does with the answer.

    In the end there are events with ``titles``, each counted once as accepted."""

    prepare: Callable[[Deployment], object]
    step: Callable[[Deployment, Fault | None], Invocation | None]
    titles: tuple[str, ...] = (UNNAMED,)
    finish: Callable[[Deployment, Invocation], object] = nothing
    accepted: int = 1


@dataclass(frozen=True)
class Good:
    """A run in which nothing fails: its calls, and the state in the end."""

    calls: list[str]
    state: dict[str, Any]


def good_run(deployment: Deployment, scenario: Scenario) -> Good:
    """Run a scenario in which nothing fails, and see that it does what it is there for."""
    scenario.prepare(deployment)
    done = scenario.step(deployment, None)
    assert done and is_good(done), done
    scenario.finish(deployment, done)
    deployment.settle()
    assert tuple(sorted(event["title"] for event in deployment.events())) == scenario.titles
    assert deployment.accepted() == scenario.accepted
    assert deployment.dead_letters() == []
    return Good(done.calls, deployment.state())


def check_faults(deploy: Deploy, scenario: Scenario, wanted: Good, kind: Kind) -> None:
    """Run a scenario once for each call at which a fault of this kind makes a difference: all ends as if nothing had
    failed."""
    for fault in every_fault(kind, wanted.calls):
        where = f"{kind.value} at {fault.at}: {wanted.calls[fault.at]}"
        broken = deploy()
        scenario.prepare(broken)
        hit = scenario.step(broken, fault)
        assert hit and len(hit.calls) > fault.at, where
        if not is_good(hit):
            broken.settle()
            assert len(broken.events()) <= max(1, len(scenario.titles)), where
            hit = scenario.step(broken, None) or hit
        scenario.finish(broken, hit)
        broken.settle()
        assert differences(wanted.state, broken.state()) == [], where
        assert broken.dead_letters() == [], where
        assert broken.accepted() <= max(1, scenario.accepted) + (kind is Kind.REPEATED), where


def is_good(done: Invocation | None) -> bool:
    """Whether whoever asked takes it for done."""
    if done is None or done.died:
        return False
    if "statusCode" in done.answer:
        return bool(done.answer["statusCode"] < 300)
    return not done.answer.get("batchItemFailures")


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


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Where the two differ, for a person."""
    if wanted == found:
        return []
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [line for key in keys for line in differences(wanted.get(key), found.get(key), f"{where}/{key}")]
    return [f"{where}: {str(wanted)[:300]} became {str(found)[:300]}"]


def post_form(deployment: Deployment, fault: Fault | None = None, event_id: str = EVENT_ID) -> Invocation:
    fields = field_part("sentry[event_id]", event_id), field_part("sentry[release]", "keeper@3")
    body = form(*fields, file_part("log", b"line\n"), dump_part(DUMP))
    return deployment.post("/api/1/minidump/", body, form_headers(), fault)


def accepted(deployment: Deployment) -> None:
    assert is_good(post_form(deployment))


def waiting(deployment: Deployment) -> None:
    """A crash has its event, and waits for symbols."""
    accepted(deployment)
    deployment.settle()


def upload_debug_file(deployment: Deployment) -> None:
    store = DebugFiles(deployment.settings, deployment.clients)
    assert store.put_stream(sha1(SYMBOLS), "lighthouse.sym", BytesIO(SYMBOLS), len(SYMBOLS))


def debug_file_arrived(deployment: Deployment) -> None:
    waiting(deployment)
    upload_debug_file(deployment)


def with_symbols(deployment: Deployment) -> None:
    """Symbols are there, and then a crash comes."""
    upload_debug_file(deployment)
    deployment.settle()
    accepted(deployment)


def crash_message(deployment: Deployment, fault: Fault | None = None) -> Invocation | None:
    return deployment.deliver("crashes", fault)


def debug_file_message(deployment: Deployment, fault: Fault | None = None) -> Invocation | None:
    return deployment.deliver("debug-files", fault)


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
