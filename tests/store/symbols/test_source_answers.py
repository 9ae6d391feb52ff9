"""What symbol servers said of the modules that are missing, in one answer for each server."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest

from cairn.store.sources import ProjectSources
from cairn.store.symbols.fetches import Attempt, Fetches, FetchRequest, fetch_key
from cairn.store.symbols.source_answers import NotAsked, SourceAnswer, SourceAnswers
from cairn.store.symbols.waiting import WantedModule
from cairn.symbols.sources.records import FetchStatus, FileType, Layout, ModuleFormat, Role, Source, SourceModule
from tests.store.conftest import Store

FIRST = Source("first", "https://first.example", Layout.DEBUGINFOD)
SECOND = Source("second", "https://second.example", Layout.DEBUGINFOD)
WINDOWS = Source("windows", "https://windows.example", Layout.SYMSTORE, (FileType.PDB, FileType.PE))
SOON, LATER = time.time() // 1 + 100, time.time() // 1 + 5000


@pytest.fixture
def game() -> WantedModule:
    lacks = ("names", "lines", "unwinding")
    return WantedModule("game", secrets.token_hex(16), secrets.token_hex(20), "missing", type="elf", lacks=lacks)


def add(store: Store, project_id: int, *sources: Source) -> str:
    """Let a project ask sources; returns their mark."""
    for source in sources:
        ProjectSources(store.settings, store.clients).add(project_id, source)
    return ProjectSources(store.settings, store.clients).of(project_id).mark


def ask(store: Store, project_id: int, game: WantedModule, mark: str, *attempts: Attempt) -> None:
    """Ask for a module, and note what came of it if anything did."""
    module = SourceModule(ModuleFormat.ELF, game.name, None, game.code_id, game.debug_id)
    request = FetchRequest(project_id, fetch_key((game.debug_id, game.code_id)) or "", module, tuple(Role))
    fetches = Fetches(store.settings, store.clients)
    assert fetches.ask(request, mark, "test")
    if attempts:
        fetches.finish(request, attempts, LATER)


def attempt(source: str, status: FetchStatus, again: float, details: str | None = None) -> Attempt:
    return Attempt(source, f"https://{source}.example/{status}", FileType.ELF_DEBUG, status, details, again)


def answers(store: Store, project_id: int, game: WantedModule) -> tuple[SourceAnswer, ...]:
    return SourceAnswers(store.settings, store.clients).of(project_id, [game])[game]


def test_the_most_telling_answer_of_each_server_in_their_order(
    store: Store, project_id: int, game: WantedModule
) -> None:
    mark = add(store, project_id, SECOND, FIRST)
    tried = (
        attempt("second", FetchStatus.MISSING, LATER),
        attempt("second", FetchStatus.FORBIDDEN, SOON, "the server says 403"),
        attempt("first", FetchStatus.TIMED_OUT, SOON, "no answer for 45 s"),
    )
    ask(store, project_id, game, mark, *tried)
    places = tuple(one.location for one in tried)
    assert answers(store, project_id, game) == (
        SourceAnswer("second", FetchStatus.FORBIDDEN, "the server says 403", places[:2], SOON),
        SourceAnswer("first", FetchStatus.TIMED_OUT, "no answer for 45 s", places[2:], SOON),
    )


def test_what_a_server_has_is_not_asked_for_again(store: Store, project_id: int, game: WantedModule) -> None:
    mark = add(store, project_id, FIRST, SECOND)
    ask(store, project_id, game, mark, attempt("first", FetchStatus.FOUND, SOON))
    first, second = answers(store, project_id, game)
    assert (first.status, first.asked_again) == (FetchStatus.FOUND, None)
    assert (second.status, second.details) == (NotAsked.NOT_ASKED, "a source before it has the file")


def test_a_server_that_is_being_asked_has_no_answer_yet(store: Store, project_id: int, game: WantedModule) -> None:
    ask(store, project_id, game, add(store, project_id, FIRST))
    assert [one.status for one in answers(store, project_id, game)] == [NotAsked.PENDING]


def test_a_server_that_was_added_since_was_not_asked(store: Store, project_id: int, game: WantedModule) -> None:
    ask(store, project_id, game, add(store, project_id, FIRST), attempt("first", FetchStatus.MISSING, SOON))
    add(store, project_id, SECOND)
    first, second = answers(store, project_id, game)
    assert (first.status, second.status) == (FetchStatus.MISSING, NotAsked.NOT_ASKED)
    assert "another crash" in str(second.details)


def test_a_server_without_such_files_is_not_asked(store: Store, project_id: int, game: WantedModule) -> None:
    mark = add(store, project_id, WINDOWS, FIRST)
    ask(store, project_id, game, mark, attempt("first", FetchStatus.MISSING, SOON))
    assert [one.status for one in answers(store, project_id, game)] == [NotAsked.DISABLED, FetchStatus.MISSING]
    unknown = replace(game, type="unknown")
    assert NotAsked.DISABLED in [one.status for one in answers(store, project_id, unknown)]


def test_a_project_without_servers_has_no_answers(store: Store, project_id: int, game: WantedModule) -> None:
    assert answers(store, project_id, game) == ()
    assert SourceAnswers(store.settings, store.clients).of(project_id, []) == {}


def test_other_projects_answers_are_none_of_ones_own(store: Store, project_id: int, game: WantedModule) -> None:
    mark = add(store, project_id, FIRST)
    add(store, project_id + 1_000_000, FIRST)
    ask(store, project_id, game, mark, attempt("first", FetchStatus.MISSING, SOON))
    assert [one.status for one in answers(store, project_id + 1_000_000, game)] == [NotAsked.NOT_ASKED]
