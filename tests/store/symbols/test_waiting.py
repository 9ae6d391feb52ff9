"""Crashes that wait for symbols: by id, by project, and no longer than they must."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest

from cairn.store.symbols.waiting import MOST_MODULES, WaitingCrash, WaitingCrashes, WantedModule
from tests.store.conftest import Store

RECEIVED = time.time() // 1 - 500.5


@pytest.fixture
def waiting(store: Store) -> WaitingCrashes:
    return WaitingCrashes(store.settings, store.clients)


def module(name: str = "game") -> WantedModule:
    debug_id, code_id = secrets.token_hex(16), secrets.token_hex(20)
    return WantedModule(name, debug_id, code_id, "missing", "no debug file with this id was uploaded")


def crash(project_id: int, *modules: WantedModule, received: float = RECEIVED) -> WaitingCrash:
    event_id = secrets.token_hex(16)
    return WaitingCrash(project_id, event_id, received, f"crashes/{project_id}/day/{event_id}/upload.json", modules)


def names(waiting: WaitingCrashes, debug_id: str | None, code_id: str | None, limit: int = 100) -> list[str]:
    return [waiter.name for waiter in waiting.waiting_for((debug_id, code_id), time.time() + 1, limit)]


def test_a_crash_is_found_by_either_id_in_any_spelling(waiting: WaitingCrashes, project_id: int) -> None:
    game = module()
    one = crash(project_id, game, module("engine"))
    waiting.put(one)
    name = [f"{project_id}#{one.event_id}"]
    assert names(waiting, game.debug_id, game.code_id) == name
    assert names(waiting, str(game.debug_id).upper() + "0", None) == name
    assert names(waiting, None, game.code_id) == name
    assert names(waiting, secrets.token_hex(16), None) == []
    assert waiting.waiting_for((game.debug_id, None), time.time() + 1, 1)[0].upload_key == one.upload_key


def test_waiting_twice_is_waiting_once(waiting: WaitingCrashes, project_id: int) -> None:
    game = module()
    one = crash(project_id, game)
    waiting.put(one)
    waiting.put(one)
    assert len(names(waiting, game.debug_id, game.code_id)) == 1
    assert waiting.wanted(project_id, 10) == (one,)


def test_a_crash_waits_only_for_what_it_still_lacks(waiting: WaitingCrashes, project_id: int) -> None:
    game, engine = module(), module("engine")
    one = crash(project_id, game, engine)
    waiting.put(one)
    waiting.put(replace(one, modules=(engine,)))
    assert names(waiting, game.debug_id, game.code_id) == []
    assert len(names(waiting, engine.debug_id, engine.code_id)) == 1
    waiting.put(replace(one, modules=()))
    assert names(waiting, engine.debug_id, engine.code_id) == []
    assert waiting.wanted(project_id, 10) == ()


def test_removing_leaves_the_other_ids_and_those_that_wait_again(waiting: WaitingCrashes, project_id: int) -> None:
    game, engine = module(), module("engine")
    one, two = crash(project_id, game, engine), crash(project_id, game)
    waiting.put(one)
    waiting.put(two)
    seen = waiting.waiting_for((game.debug_id, game.code_id), time.time() + 1, 10)
    waiting.put(two)
    waiting.remove((game.debug_id, game.code_id), seen)
    assert names(waiting, game.debug_id, None) == [f"{project_id}#{two.event_id}"]
    assert names(waiting, None, game.code_id) == [f"{project_id}#{two.event_id}"]
    assert len(names(waiting, engine.debug_id, None)) == 1


def test_only_those_are_given_that_waited_before(waiting: WaitingCrashes, project_id: int) -> None:
    game, before = module(), time.time()
    waiting.put(crash(project_id, game))
    assert waiting.waiting_for((game.debug_id, game.code_id), before, 10) == ()


def test_no_more_are_given_than_asked_for(waiting: WaitingCrashes, project_id: int) -> None:
    game = module()
    for _ in range(5):
        waiting.put(crash(project_id, game))
    assert len(names(waiting, game.debug_id, game.code_id, limit=3)) == 3


def test_the_last_crashes_of_a_project_come_first(waiting: WaitingCrashes, project_id: int) -> None:
    crashes = [crash(project_id, module(), received=RECEIVED + number) for number in range(5)]
    for one in crashes:
        waiting.put(one)
    waiting.put(crash(project_id + 100_000, module()))
    assert waiting.wanted(project_id, 10) == tuple(reversed(crashes))
    assert waiting.wanted(project_id, 2) == (crashes[4], crashes[3])


def test_what_one_crash_waits_for_is_bounded(waiting: WaitingCrashes, project_id: int) -> None:
    wanted = [replace(module("n" * 5000), reason="r" * 5000) for _ in range(MOST_MODULES + 5)]
    waiting.put(crash(project_id, *wanted))
    (kept,) = waiting.wanted(project_id, 1)
    assert len(kept.modules) == MOST_MODULES
    assert max(len(one.name) + len(one.reason or "") for one in kept.modules) <= 500
    assert names(waiting, wanted[MOST_MODULES].debug_id, None) == []


def test_what_is_past_its_retention_is_not_listed(waiting: WaitingCrashes, project_id: int) -> None:
    waiting.put(crash(project_id, module(), received=time.time() - 31 * 86400))
    assert waiting.wanted(project_id, 1) == ()
