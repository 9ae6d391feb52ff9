"""API tokens."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import pytest

from cairn.store.errors import RefusedError
from cairn.store.tokens import ApiTokens
from tests.store.conftest import Store

URL = "https://crashes.example.com"


@pytest.fixture
def tokens(store: Store) -> ApiTokens:
    return ApiTokens(store.settings, store.clients)


def test_a_token_is_found_and_listed(tokens: ApiTokens) -> None:
    text, token = tokens.create(URL, "nightly build", ["org:ci"])
    assert tokens.find(text) == token
    assert token in tokens.list()
    assert (token.label, token.scopes, token.active) == ("nightly build", ("org:ci",), True)
    assert text.endswith(token.ending) and len(token.ending) == 4


def test_a_debuggers_token_can_stand_in_a_url(tokens: ApiTokens) -> None:
    text, token = tokens.create(URL, "gdb", ["symbols:read"])
    assert re.fullmatch(r"cairn_[\w-]{43}", text)
    assert tokens.find(text) == token
    assert tokens.create(URL, "both", ["symbols:read", "org:ci"])[0].startswith("sntrys_")


def test_a_token_tells_sentry_cli_where_to_go(tokens: ApiTokens) -> None:
    text, _ = tokens.create(URL, "", ["org:ci"])
    prefix, payload, secret = text.split("_")
    known = json.loads(b64decode(payload, validate=True))
    assert prefix == "sntrys"
    assert (known["url"], known["region_url"], known["org"]) == (URL, URL, "cairn")
    assert isinstance(known["iat"], float)
    assert len(b64decode(secret + "=", validate=True)) == 32


def test_two_tokens_differ(tokens: ApiTokens) -> None:
    assert tokens.create(URL, "a", ["org:ci"])[0] != tokens.create(URL, "a", ["org:ci"])[0]


def test_the_token_itself_is_not_kept(tokens: ApiTokens, store: Store) -> None:
    text, _ = tokens.create(URL, "secret", ["org:ci"])
    rows = store.clients.dynamodb.scan(TableName=store.settings.projects_table)["Items"]
    assert "secret" in str(rows)
    assert text not in str(rows)
    assert text.rpartition("_")[2] not in str(rows)


def test_a_revoked_token_is_not_active(tokens: ApiTokens) -> None:
    text, token = tokens.create(URL, "", ["project:read"])
    revoked = tokens.revoke(token.id)
    assert revoked is not None and not revoked.active
    assert tokens.find(text) == revoked


@pytest.mark.parametrize("text", ["", "sntrys_nothing", "x" * 100_000, "\ud800".encode("utf-8", "replace").decode()])
def test_what_is_no_token_is_not_found(tokens: ApiTokens, text: str) -> None:
    assert tokens.find(text) is None


def test_what_is_not_there_cannot_be_revoked(tokens: ApiTokens) -> None:
    assert tokens.revoke("0" * 12) is None


def test_a_scope_that_does_not_exist_is_refused(tokens: ApiTokens) -> None:
    with pytest.raises(RefusedError, match="org:admin: a scope is one of") as caught:
        tokens.create(URL, "", ["org:ci", "org:admin"])
    assert caught.value.code == "no_such_scope"
