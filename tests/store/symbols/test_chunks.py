"""Chunks, and the plans to make files of them."""

from __future__ import annotations

import hashlib
import secrets
import time

import pytest

from cairn.store.symbols import assemblies as assemblies_module
from cairn.store.symbols.assemblies import Assemblies, Plan
from cairn.store.symbols.chunks import KEPT_SECONDS, Chunks
from tests.store.conftest import Store


@pytest.fixture
def chunks(store: Store) -> Chunks:
    return Chunks(store.settings, store.clients)


@pytest.fixture
def assemblies(store: Store) -> Assemblies:
    return Assemblies(store.settings, store.clients)


def new_chunk() -> tuple[str, bytes]:
    content = secrets.token_bytes(100)
    return hashlib.sha1(content).hexdigest(), content


def new_plan() -> Plan:
    return Plan(secrets.token_hex(20), "app.debug", (secrets.token_hex(20), secrets.token_hex(20)), 200)


def test_chunks_are_known_once_stored(chunks: Chunks) -> None:
    many = dict(new_chunk() for _ in range(20))
    missing, _ = new_chunk()
    assert chunks.known([*many, missing]) == {}
    chunks.put(many)
    assert chunks.known([*many, missing, missing]) == dict.fromkeys(many, 100)
    assert {sha1: chunks.read(sha1) for sha1 in many} == many
    assert chunks.read(missing) is None


def test_a_chunk_is_no_longer_known_before_its_object_goes(chunks: Chunks, monkeypatch: pytest.MonkeyPatch) -> None:
    sha1, content = new_chunk()
    chunks.put({sha1: content})
    assert KEPT_SECONDS < 24 * 3600
    later = time.time() + KEPT_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert chunks.known([sha1]) == {}


def test_a_forgotten_chunk_is_not_known(chunks: Chunks) -> None:
    sha1, content = new_chunk()
    chunks.put({sha1: content})
    chunks.forget(sha1)
    assert chunks.known([sha1]) == {}


def test_a_plan_is_started_once(assemblies: Assemblies) -> None:
    plan = new_plan()
    assert assemblies.find([(plan.sha1, plan.id)]) == {}
    assert assemblies.start(plan)
    assert not assemblies.start(plan)
    found = assemblies.find([(plan.sha1, plan.id)])[plan.sha1, plan.id]
    assert (found.plan, found.reason) == (plan, None)


def test_a_failure_is_told_for_some_time_and_then_tried_again(
    assemblies: Assemblies, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan()
    assemblies.start(plan)
    assemblies.fail(plan, "it is wrong")
    assert assemblies.find([(plan.sha1, plan.id)])[plan.sha1, plan.id].reason == "it is wrong"
    assert not assemblies.start(plan)
    later = time.time() + assemblies_module.FAILED_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert assemblies.find([(plan.sha1, plan.id)]) == {}
    assert assemblies.start(plan)
    assert assemblies.find([(plan.sha1, plan.id)])[plan.sha1, plan.id].reason is None


def test_what_is_under_way_for_too_long_is_started_again(
    assemblies: Assemblies, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan()
    assemblies.start(plan)
    assemblies.pend(plan)
    later = time.time() + assemblies_module.SENDING_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not assemblies.start(plan)
    later += assemblies_module.PENDING_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    assert assemblies.find([(plan.sha1, plan.id)]) == {}
    assert assemblies.plan(plan.sha1, plan.id) == plan, "a late message must find its plan"
    assert assemblies.start(plan)


def test_a_failed_plan_is_not_carried_out(assemblies: Assemblies) -> None:
    plan = new_plan()
    assert assemblies.plan(plan.sha1, plan.id) is None
    assemblies.start(plan)
    assemblies.fail(plan, "it is wrong")
    assert assemblies.plan(plan.sha1, plan.id) is None


def test_a_cancelled_plan_can_be_started(assemblies: Assemblies) -> None:
    plan = new_plan()
    assemblies.start(plan)
    assemblies.cancel(plan)
    assert assemblies.find([(plan.sha1, plan.id)]) == {}
    assert assemblies.start(plan)


def test_what_nobody_was_told_of_is_soon_started_again(assemblies: Assemblies, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = new_plan()
    assemblies.start(plan)
    assert not assemblies.start(plan)
    later = time.time() + assemblies_module.SENDING_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert assemblies.find([(plan.sha1, plan.id)]) == {}
    assert assemblies.start(plan)


def test_a_plan_that_failed_at_once_does_not_count_as_under_way(
    assemblies: Assemblies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message was sent, and carried out before it was noted that it was sent."""
    plan = new_plan()
    assemblies.start(plan)
    assemblies.fail(plan, "it is wrong")
    assemblies.pend(plan)
    later = time.time() + assemblies_module.FAILED_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert assemblies.start(plan)


def test_other_chunks_for_the_same_file_are_another_plan(assemblies: Assemblies) -> None:
    plan = new_plan()
    assemblies.start(plan)
    assemblies.fail(plan, "wrong chunks")
    right = Plan(plan.sha1, plan.name, plan.chunks[:1], 100)
    assert assemblies.find([(right.sha1, right.id)]) == {}
    assert assemblies.start(right)
