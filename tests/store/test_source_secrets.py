"""Secrets of private symbol servers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cairn.store.errors import UnavailableError
from cairn.store.source_secrets import SECRET, SourceSecrets
from cairn.store.sources import ProjectSources
from cairn.store.table import Table
from cairn.symbols.sources.records import CredentialKind, Credentials, Layout, Source
from tests.store.conftest import Store

FIRST = Credentials(CredentialKind.BASIC, "ci", 1_800_000_000.25)
LATER = Credentials(CredentialKind.BEARER, None, 1_800_000_001.0)
OURS = Source("ours", "https://symbols.example", Layout.SSQP, credentials=FIRST)


@pytest.fixture
def sources(store: Store) -> ProjectSources:
    return ProjectSources(store.settings, store.clients)


@pytest.fixture
def secrets(store: Store) -> SourceSecrets:
    return SourceSecrets(store.settings, store.clients)


def test_a_source_has_its_credentials_and_its_secret_apart(
    store: Store, sources: ProjectSources, secrets: SourceSecrets, project_id: int
) -> None:
    assert sources.add(project_id, OURS, "sesame").sources == (OURS,)
    assert secrets.get(project_id, OURS) == "sesame"
    table = Table(store.clients, store.settings.projects_table)
    assert "sesame" not in str(table.get(f"project#{project_id}", "sources"))
    assert table.get(f"{SECRET}{project_id}", "ours") is not None


def test_other_credentials_are_another_list(sources: ProjectSources, secrets: SourceSecrets, project_id: int) -> None:
    mark = sources.add(project_id, OURS, "sesame").mark
    changed = sources.change_credentials(project_id, "ours", LATER, "token")
    assert changed == replace(OURS, credentials=LATER)
    assert sources.of(project_id).sources == (changed,)
    assert sources.of(project_id).mark != mark
    assert (secrets.get(project_id, changed), secrets.get(project_id, OURS)) == ("token", None)


def test_a_secret_goes_with_its_source_or_its_credentials(
    sources: ProjectSources, secrets: SourceSecrets, project_id: int
) -> None:
    sources.add(project_id, OURS, "sesame")
    assert sources.change_credentials(project_id, "ours", None) == replace(OURS, credentials=None)
    assert secrets.get(project_id, OURS) is None
    assert secrets.get(project_id, replace(OURS, credentials=None)) is None
    sources.change_credentials(project_id, "ours", FIRST, "sesame")
    sources.remove(project_id, "ours")
    assert secrets.get(project_id, OURS) is None


def test_a_secret_is_for_the_server_it_was_kept_for(
    sources: ProjectSources, secrets: SourceSecrets, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people add a server of the same name at once: the one who is late has written a secret by then."""
    theirs = replace(OURS, url="https://theirs.example", credentials=LATER)
    put, others = Table.put, [theirs]

    def late(table: Table, row: Any, *arguments: Any) -> bool:
        if row["sk"] == "sources" and others:
            sources.add(project_id, others.pop(), "theirs")
            secrets.put(project_id, OURS, "ours")
        return put(table, row, *arguments)

    monkeypatch.setattr(Table, "put", late)
    with pytest.raises(Exception, match="already"):
        sources.add(project_id, OURS, "ours")
    assert sources.of(project_id).sources == (theirs,)
    assert secrets.get(project_id, theirs) is None, "and not the secret of the other server"


def test_nobody_has_no_credentials(sources: ProjectSources, project_id: int) -> None:
    assert sources.change_credentials(project_id, "ours", FIRST, "sesame") is None


def test_who_is_always_late_with_credentials_is_told(
    sources: ProjectSources, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.add(project_id, OURS, "sesame")
    monkeypatch.setattr(Table, "put", lambda *_: False)
    with pytest.raises(UnavailableError, match="try again"):
        sources.change_credentials(project_id, "ours", LATER, "token")
