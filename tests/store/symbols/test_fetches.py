"""What symbol servers were asked for: once, and again when there is a reason."""

from __future__ import annotations

import secrets
import time

import pytest

from cairn.store.symbols.fetches import (
    DETAILS_LIMIT,
    MOST_ATTEMPTS,
    PER_HOUR,
    Attempt,
    Fetches,
    FetchRequest,
    fetch_key,
)
from cairn.symbols.sources.records import FetchStatus, FileType, ModuleFormat, Role, SourceModule
from tests.store.conftest import Store


@pytest.fixture
def fetches(store: Store) -> Fetches:
    return Fetches(store.settings, store.clients)


def request_for(project_id: int) -> FetchRequest:
    module = SourceModule(ModuleFormat.ELF, "game", None, secrets.token_hex(20), secrets.token_hex(16))
    key = fetch_key((module.debug_id, module.code_id))
    assert key is not None
    return FetchRequest(project_id, key, module, (Role.DEBUG, Role.CODE))


def attempt(status: FetchStatus = FetchStatus.MISSING, seconds: float = 100.5) -> Attempt:
    return Attempt("ours", "https://x.example/a", FileType.ELF_DEBUG, status, "no", time.time() + seconds)


def test_one_crash_of_many_asks(fetches: Fetches, project_id: int) -> None:
    request = request_for(project_id)
    assert fetches.ask(request, "mark", "first")
    assert not fetches.ask(request, "mark", "second")
    assert fetches.ask(request, "mark", "first"), "its message may be lost"
    known = fetches.get(project_id, request.key)
    assert known is not None
    assert (known.request, known.sources, known.attempts, known.tried) == (request, "mark", (), None)
    assert fetches.get(project_id + 100_000, request.key) is None


def test_what_was_tried_counts_for_its_time(fetches: Fetches, project_id: int) -> None:
    request, tried = request_for(project_id), attempt()
    fetches.ask(request, "mark", "first")
    fetches.finish(request, [tried], time.time() + 50)
    assert not fetches.ask(request, "mark", "first")
    known = fetches.get(project_id, request.key)
    assert known is not None
    assert known.attempts == (tried,)
    assert known.counts("mark")
    assert not known.counts("other")
    fetches.finish(request, [tried], time.time() - 1)
    assert fetches.ask(request, "mark", "second")
    again = fetches.get(project_id, request.key)
    assert again is not None
    assert (again.attempts, again.tried) == ((tried,), None), "what is known stays known"


def test_a_project_may_ask_for_so_many_in_an_hour(
    fetches: Fetches, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert fetches.count(project_id, PER_HOUR - 10)
    assert not fetches.count(project_id, 11)
    assert fetches.count(project_id, 10)
    assert not fetches.count(project_id, 1)
    assert fetches.count(project_id + 100_000, 1)
    now += 3600
    assert fetches.count(project_id, 1)


def test_other_servers_are_a_reason_to_ask(fetches: Fetches, project_id: int) -> None:
    request = request_for(project_id)
    fetches.ask(request, "mark", "first")
    fetches.finish(request, [attempt()], time.time() + 50)
    assert fetches.ask(request, "other", "second")


def test_modules_are_found_by_their_ids_in_any_spelling(fetches: Fetches, project_id: int) -> None:
    request = request_for(project_id)
    fetches.ask(request, "mark", "first")
    ids = (str(request.module.debug_id).upper() + "0", None)
    assert set(fetches.find(project_id, [ids, (None, None), (secrets.token_hex(16), None)])) == {ids}


def test_what_is_kept_is_bounded(fetches: Fetches, project_id: int) -> None:
    request = request_for(project_id)
    fetches.ask(request, "mark", "first")
    long = Attempt("ours", "https://x.example/" + "a" * 9000, FileType.PE, FetchStatus.FAILED, "d" * 9000, 5.5)
    fetches.finish(request, [long] * 500, time.time())
    known = fetches.get(project_id, request.key)
    assert known is not None
    assert len(known.attempts) == MOST_ATTEMPTS
    assert len(known.attempts[0].details or "") == DETAILS_LIMIT


def test_finishing_what_is_gone_makes_nothing(fetches: Fetches, project_id: int) -> None:
    request = request_for(project_id)
    fetches.finish(request, [attempt()], time.time())
    assert fetches.get(project_id, request.key) is None
