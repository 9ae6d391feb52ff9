"""The symbol servers of a project."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cairn.store.errors import RefusedError, TakenError, UnavailableError
from cairn.store.sources import MOST, ProjectSources
from cairn.store.table import Table
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.records import FileType, Layout, Source
from tests.store.conftest import Store

OURS = Source("ours", "https://symbols.example", Layout.SSQP, (FileType.PDB,))


@pytest.fixture
def sources(store: Store) -> ProjectSources:
    return ProjectSources(store.settings, store.clients)


def test_a_project_has_none_at_first(sources: ProjectSources, project_id: int) -> None:
    assert sources.of(project_id).sources == ()


def test_sources_come_back_as_they_were_and_in_order(sources: ProjectSources, project_id: int) -> None:
    wanted = (OURS, BUILT_IN["microsoft"], replace(OURS, name="bucket", url="s3://bucket/x"))
    for source in wanted:
        sources.add(project_id, source)
    assert sources.of(project_id).sources == wanted
    assert sources.of(project_id + 100_000).sources == ()


def test_a_name_is_used_once_and_free_again(sources: ProjectSources, project_id: int) -> None:
    sources.add(project_id, OURS)
    with pytest.raises(TakenError, match="already"):
        sources.add(project_id, replace(OURS, url="https://other.example"))
    assert sources.remove(project_id, "ours") == OURS
    assert sources.remove(project_id, "ours") is None
    assert sources.add(project_id, OURS).sources == (OURS,)


def test_the_mark_tells_one_list_from_another(sources: ProjectSources, project_id: int) -> None:
    marks = [sources.of(project_id).mark, sources.add(project_id, OURS).mark]
    marks.append(sources.add(project_id, BUILT_IN["amd"]).mark)
    assert len(set(marks)) == 3
    sources.remove(project_id, "amd")
    assert sources.of(project_id).mark == marks[1], "the same servers are the same list"


def test_a_project_has_so_many_at_most(sources: ProjectSources, project_id: int) -> None:
    for number in range(MOST):
        sources.add(project_id, replace(OURS, name=f"s{number}"))
    with pytest.raises(RefusedError, match=str(MOST)):
        sources.add(project_id, OURS)


def test_two_who_add_at_once_both_have_it(
    sources: ProjectSources, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, others = Table.put, [BUILT_IN["intel"], BUILT_IN["amd"]]

    def late(table: Table, *arguments: Any) -> bool:
        if others:
            sources.add(project_id, others.pop())
        return put(table, *arguments)

    monkeypatch.setattr(Table, "put", late)
    sources.add(project_id, OURS)
    assert {source.name for source in sources.of(project_id).sources} == {"ours", "intel", "amd"}


def test_who_is_always_late_is_told(sources: ProjectSources, project_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "put", lambda *_: False)
    with pytest.raises(UnavailableError, match="try again"):
        sources.add(project_id, OURS)


def test_a_built_in_server_has_the_address_of_this_cairn(
    sources: ProjectSources, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.add(project_id, BUILT_IN["unity"])
    sources.add(project_id, BUILT_IN["amd"])
    moved = replace(BUILT_IN["unity"], url="https://moved.example")
    monkeypatch.setitem(BUILT_IN, "unity", moved)
    monkeypatch.delitem(BUILT_IN, "amd")
    assert sources.of(project_id).sources == (moved,)
