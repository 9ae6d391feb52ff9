"""Projects and client keys."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.store.errors import RefusedError, TakenError
from cairn.store.projects import Projects
from tests.store.conftest import Store


@pytest.fixture
def projects(store: Store) -> Projects:
    return Projects(store.settings, store.clients)


def slug() -> str:
    return "p" + secrets.token_hex(4)


def test_a_project_is_found_by_id_and_slug_and_listed(projects: Projects) -> None:
    name = slug()
    project = projects.create(name, "Paint Shop")
    assert (project.slug, project.name) == (name, "Paint Shop")
    assert projects.get(project.id) == project
    assert projects.by_slug(name) == project
    assert project in projects.list()


def test_what_was_never_made_is_none(projects: Projects) -> None:
    assert projects.get(10**9) is None
    assert projects.by_slug("nobody") is None
    assert projects.key("0" * 32) is None
    assert projects.disable_key("0" * 32) is None
    assert projects.keys(10**9) == ()


def test_ids_increase_and_the_list_has_their_order(projects: Projects) -> None:
    made = [projects.create(slug(), "x").id for _ in range(12)]
    assert made == sorted(set(made))
    listed = [project.id for project in projects.list()]
    assert listed == sorted(listed)
    assert set(made) <= set(listed)


def test_many_at_once_get_ids_of_their_own(projects: Projects) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: projects.create(slug(), "x"), range(24)))
    assert len({project.id for project in made}) == 24


def test_a_slug_has_one_project_however_many_ask_at_once(projects: Projects) -> None:
    name = slug()

    def create(_: int) -> int | None:
        try:
            return projects.create(name, "x").id
        except TakenError as error:
            assert error.code == "project_exists"
            assert name in error.message
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [made for made in pool.map(create, range(8)) if made]
    assert len(made) == 1
    assert [project.id for project in projects.list() if project.slug == name] == made


def test_a_key_leads_to_its_project_and_can_be_disabled(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    first, second = projects.create_key(project.id, "default"), projects.create_key(project.id, "beta")
    assert len(first.public_key) == 32
    assert int(first.public_key, 16) >= 0
    assert (first.project_id, first.label, first.active) == (project.id, "default", True)
    assert projects.key(first.public_key) == first
    assert projects.keys(project.id) == (first, second)

    disabled = projects.disable_key(first.public_key)
    assert disabled is not None
    assert not disabled.active
    assert projects.key(first.public_key) == disabled
    assert projects.keys(project.id) == (disabled, second)
    assert projects.disable_key(first.public_key) == disabled


def test_no_key_without_a_project(projects: Projects) -> None:
    with pytest.raises(RefusedError, match="there is no project 1000000000") as caught:
        projects.create_key(10**9, "default")
    assert caught.value.code == "no_such_project"
