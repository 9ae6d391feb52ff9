"""Who may call what, and the one shape of refusals."""

from __future__ import annotations

import pytest

from cairn.store.tokens import ApiTokens
from tests.web.conftest import HOST, Answer, Client

ORGANIZATION = "/api/0/organizations/cairn"


def refused(answer: Answer, status: int, words: str) -> None:
    assert answer.status == status, answer
    assert answer.body.keys() == {"detail"}
    assert words in answer.body["detail"]


def with_scopes(client: Client, *scopes: str) -> Client:
    client.token, _ = ApiTokens(client.store.settings, client.store.clients).create(f"https://{HOST}", "", scopes)
    return client


def test_info_shows_the_scopes_and_no_user(client: Client) -> None:
    answer = client.get("/api/0/")
    assert (answer.status, answer.body) == (
        200,
        {"version": "0", "user": None, "auth": {"scopes": ["project:write"]}},
    )


def test_a_path_may_come_without_its_last_slash(client: Client) -> None:
    assert client.get("/api/0").body["version"] == "0"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Sentry sentry_key=1"])
def test_without_a_token(client: Client, header: str) -> None:
    refused(client.call("GET", "/api/0/", headers={"authorization": header}), 401, "no token was sent")
    client.token = None
    refused(client.get("/api/0/"), 401, "cairn tokens create")


def test_with_an_unknown_token(client: Client) -> None:
    client.token = "sntrys_" + "x" * 90
    refused(client.get("/api/0/"), 401, "Invalid token: this Cairn knows no such token")


def test_with_a_revoked_token(client: Client) -> None:
    tokens = ApiTokens(client.store.settings, client.store.clients)
    client.token, token = tokens.create(f"https://{HOST}", "", ["project:write"])
    assert client.get("/api/0/").status == 200
    tokens.revoke(token.id)
    refused(client.get("/api/0/"), 401, f"the token …{token.ending} was revoked")


@pytest.mark.parametrize(
    ("scope", "uploads", "lists"),
    [
        ("org:ci", 200, 403),
        ("project:releases", 200, 200),
        ("project:write", 200, 200),
        ("project:read", 403, 200),
    ],
)
def test_what_each_scope_allows(client: Client, scope: str, uploads: int, lists: int) -> None:
    with_scopes(client, scope)
    project = f"/api/0/projects/cairn/{client.project.slug}"
    assert client.get(f"{ORGANIZATION}/chunk-upload/").status == uploads
    assert client.assemble({}).status == uploads
    assert client.post(f"{project}/reprocessing/", b"", "application/json").status == uploads
    assert client.get(f"{project}/files/dsyms/").status == lists
    assert client.get("/api/0/").status == 200


def test_a_refusal_names_what_would_do(client: Client) -> None:
    with_scopes(client, "project:read")
    refused(client.get(f"{ORGANIZATION}/chunk-upload/"), 403, "needs one of org:ci, project:releases, project:write")


def test_chunks_need_a_token_too(client: Client) -> None:
    client.token = None
    refused(client.send_chunks(b"chunk"), 401, "no token was sent")


def test_there_is_one_organization(client: Client) -> None:
    answer = client.get("/api/0/organizations/")
    assert [organization["slug"] for organization in answer.body] == ["cairn"]
    refused(client.get("/api/0/organizations/acme/chunk-upload/"), 404, "it is called cairn")
    refused(client.get("/api/0/organizations/acme/projects/"), 404, "there is no organization acme")


def test_projects_are_listed(client: Client) -> None:
    projects = client.get(f"{ORGANIZATION}/projects/").body
    assert (str(client.project.id), client.project.slug) in [(project["id"], project["slug"]) for project in projects]


def test_a_project_goes_by_slug_or_number(client: Client) -> None:
    for name in (client.project.slug, str(client.project.id)):
        assert client.get(f"/api/0/projects/cairn/{name}/files/dsyms/").status == 200
    for name in ("nobody", "999999999", "9" * 40, "x" * 3000, "٣"):
        refused(client.get(f"/api/0/projects/cairn/{name}/files/dsyms/"), 404, "there is no project")


def test_an_address_that_there_is_not(client: Client) -> None:
    refused(client.get("/api/0/teams/"), 404, "no such address")
    refused(client.call("DELETE", "/api/0/"), 404, "no such address")


def test_what_breaks_here_is_a_500_that_says_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(ApiTokens, "find", fail)
    answer = client.get("/api/0/")
    refused(answer, 500, "internal server error")
    assert "secret" not in str(answer)
