"""Projects and client keys."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.intake.limits import FILTERS, PATTERN
from cairn.intake.rules import Filter, FilterKind, Rate
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


def test_a_key_has_limits_that_can_be_changed_and_taken_away(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    free, limited = projects.create_key(project.id, "a"), projects.create_key(project.id, "b", Rate(100, 60), 5000)
    assert (free.rate, free.daily) == (None, None)
    assert projects.key(limited.public_key) == limited
    assert (limited.rate, limited.daily) == (Rate(100, 60), 5000)

    changed = projects.change_key(free.public_key, rate=Rate(1, 3600), label="c", active=False)
    assert changed is not None
    assert (changed.rate, changed.daily, changed.label, changed.active) == (Rate(1, 3600), None, "c", False)
    assert projects.change_key(free.public_key, rate=None, daily=7, active=True) == projects.key(free.public_key)
    again = projects.key(free.public_key)
    assert again is not None and (again.rate, again.daily, again.active) == (None, 7, True)
    assert projects.change_key("0" * 32, daily=None) is None


def test_filters_are_added_and_removed(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    old, dark = Filter(FilterKind.RELEASE, "game@0.*"), Filter(FilterKind.MESSAGE, "*: dark#[1]")
    assert project.filters == ()
    projects.add_filter(project.id, old)
    for _ in range(2):
        changed = projects.add_filter(project.id, dark)
        assert changed is not None and changed.filters == (dark, old)
    assert projects.get(project.id) == changed
    assert projects.by_slug(project.slug) == changed
    assert changed in projects.list()
    for left in ((dark,), (dark,), ()):
        changed = projects.remove_filter(project.id, dark if left == () else old)
        assert changed is not None and changed.filters == left
    assert projects.remove_filter(project.id, old) == changed
    assert projects.add_filter(10**9, old) is None
    assert projects.remove_filter(10**9, old) is None


def test_many_filters_at_once_are_all_kept(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    filters = [Filter(FilterKind.RELEASE, f"game@{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: projects.add_filter(project.id, one), filters))
    changed = projects.get(project.id)
    assert changed is not None and set(changed.filters) == set(filters)


@pytest.mark.parametrize("pattern", ["", "x" * (PATTERN + 1)], ids=["empty", "long"])
def test_a_pattern_of_no_use_is_refused(projects: Projects, pattern: str) -> None:
    with pytest.raises(RefusedError, match="a pattern has 1 to 200 characters"):
        projects.add_filter(1, Filter(FilterKind.RELEASE, pattern))


def test_a_project_has_so_many_filters(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    for number in range(FILTERS):
        projects.add_filter(project.id, Filter(FilterKind.RELEASE, f"game@{number}"))
    with pytest.raises(RefusedError, match="remove some first"):
        projects.add_filter(project.id, Filter(FilterKind.RELEASE, "one more"))
    assert projects.add_filter(project.id, Filter(FilterKind.RELEASE, "game@7")) is not None


def test_spike_protection_is_off_until_it_is_switched_on(projects: Projects) -> None:
    project = projects.create(slug(), "x")
    assert project.spike_protection is False
    for wanted in (True, False):
        changed = projects.set_spike_protection(project.id, wanted)
        assert changed is not None and changed.spike_protection is wanted
        assert projects.get(project.id) == changed
    assert projects.set_spike_protection(10**9, True) is None
