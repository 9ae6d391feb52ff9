"""How an error names the projects that there are."""

from __future__ import annotations

from cairn.store.projects import Project
from cairn_cli.project_option import SHOWN, named


def projects(number: int) -> list[Project]:
    return [Project(n, f"game-{n}", "Game", 0.0) for n in range(1, number + 1)]


def test_all_are_named_while_they_are_few() -> None:
    assert named(projects(2)) == "there are: game-1 (1), game-2 (2)"


def test_of_many_the_first_are_named() -> None:
    told = named(projects(SHOWN + 3))
    assert told.endswith("game-10 (10), and 3 more: `cairn projects list` shows all")


def test_without_any_the_next_step_is_told() -> None:
    assert named([]) == "there is none yet: `cairn projects create SLUG` makes one"
