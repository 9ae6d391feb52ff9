"""A fault at every call of every step of a crash, one after another: what was accepted is one event in the end, and the
same."""

from __future__ import annotations

import pytest

from cairn.intake.rules import Filter, FilterKind
from cairn.privacy.settings import Privacy
from cairn.store.projects import Projects
from tests.faults.clients import Fault, Kind
from tests.faults.conftest import Runs
from tests.faults.deployment import Deployment, Invocation
from tests.faults.scenarios import (
    DUMP,
    EVENT_ID,
    KINDS,
    NAMED,
    UNNAMED,
    Scenario,
    accepted,
    crash_message,
    is_good,
    nothing,
    post_form,
    waiting,
    with_symbols,
)
from tests.intake.clients import file_part, form, form_headers
from tests.intake.envelopes import dump_item, envelope, item

EARLIER = "1" * 32
ENVELOPE = {"content-type": "application/x-sentry-envelope"}
SAID = {"event_id": EVENT_ID, "comments": "it broke", "name": "K", "email": "k@example.com"}
LOG = item("attachment", b"line\n", filename="log")


def send(deployment: Deployment, fault: Fault | None, *items: bytes) -> Invocation:
    return deployment.post("/api/1/envelope/", envelope(*items, event_id=EVENT_ID), ENVELOPE, fault)


def post_envelope(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    return send(deployment, fault, item("event", {"release": "keeper@3"}), dump_item(DUMP), item("user_report", SAID))


def post_event(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """An event without a dump, with a file and with feedback."""
    said = {"message": "it broke", "contact_email": "k@example.com", "associated_event_id": EVENT_ID}
    feedback = item("feedback", {"contexts": {"feedback": said}})
    return send(deployment, fault, item("event", {"message": "no dump"}), LOG, feedback)


def post_notes(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    """A file and feedback for an event that came before."""
    return send(deployment, fault, LOG, item("user_report", SAID))


def post_attachment(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    body = form(file_part("log", b"line\n"))
    return deployment.post(f"/api/1/events/{EVENT_ID}/attachments/", body, form_headers(), fault)


def unwanted(deployment: Deployment) -> None:
    """A crash is in, and a filter drops it once it has a message."""
    accepted(deployment)
    projects = Projects(deployment.settings, deployment.clients)
    assert projects.add_filter(1, Filter(FilterKind.MESSAGE, "SIGSEGV*"))


def keeping_none(deployment: Deployment) -> None:
    """A crash is in, whose project keeps no dumps."""
    accepted(deployment)
    Projects(deployment.settings, deployment.clients).set_privacy(1, Privacy(dumps="none"))


def keeping_newest(deployment: Deployment) -> None:
    """A second crash of an issue is in, and the project keeps one dump of it."""
    Projects(deployment.settings, deployment.clients).set_privacy(1, Privacy(dumps="newest=1"))
    assert is_good(post_form(deployment, event_id=EARLIER))
    deployment.settle()
    accepted(deployment)


SCENARIOS = {
    "a form": Scenario(nothing, post_form),
    "an envelope": Scenario(nothing, post_envelope),
    "an envelope without a dump": Scenario(nothing, post_event, ("no dump",)),
    "late notes in an envelope": Scenario(waiting, post_notes),
    "early notes in an envelope": Scenario(nothing, post_notes, finish=lambda deployment, _: accepted(deployment)),
    "a late attachment": Scenario(waiting, post_attachment),
    "a crash without symbols": Scenario(accepted, crash_message),
    "a crash that a filter drops": Scenario(unwanted, crash_message, (), accepted=0),
    "a crash with symbols": Scenario(with_symbols, crash_message, (NAMED,)),
    "a crash whose dump is not kept": Scenario(keeping_none, crash_message),
    "a crash that ends an older dump's keeping": Scenario(
        keeping_newest, crash_message, (UNNAMED, UNNAMED), accepted=2
    ),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_call_changes_nothing_in_the_end(runs: Runs, name: str, kind: Kind) -> None:
    runs.check(SCENARIOS[name], kind)
