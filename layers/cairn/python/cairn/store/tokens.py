"""API tokens: what a build machine or a program shows to use the API."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError
from cairn.store.projects import NEW, OWNER_INDEX
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

ORGANIZATION = "cairn"
"""Slug of the one organisation that a deployment is, in URLs of Sentry's form and in tokens."""

DEBUGGER = "symbols:read"
"""The scope of Cairn's own: to fetch debug files by their ids. A token for that alone stands in a debugger's URL."""

READER = "event:read"
"""The scope to fetch dumps and attachments. It is apart from those of build machines: a dump is a program's memory."""

SCOPES = ("project:read", "project:write", "project:releases", "org:ci", READER, DEBUGGER)
"""What a token may allow: all but the last are Sentry's names."""

TOKEN = "token#"  # noqa: S105 - what keys begin with
OWNER = "tokens"
TOKEN_LIMIT = 4096
"""Characters of a text above which it is no token of ours."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is kept. ``id`` is the start of its SHA-256, ``ending`` its last four characters, ``created`` Unix
    seconds. The token itself is shown once, when it is made."""

    id: str
    label: str
    scopes: tuple[str, ...]
    ending: str
    active: bool
    created: float


class ApiTokens:
    """The tokens in the Projects table: ``pk`` is ``token#<SHA-256 of the token>``, ``sk`` is ``token``.

    A token holds 256 random bits, so its plain hash cannot be turned back.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.projects_table)

    def create(self, url: str, label: str, scopes: Sequence[str]) -> tuple[str, ApiToken]:
        """Make a token, and answer it with what is kept of it. ``url`` is the deployment's: it is part of the token, as
        sentry-cli takes it from there; not of one for debuggers alone. Raises ``RefusedError`` (``no_such_scope``)."""
        if unknown := set(scopes) - set(SCOPES):
            raise RefusedError("no_such_scope", f"{', '.join(sorted(unknown))}: a scope is one of {', '.join(SCOPES)}")
        text = debugger_token() if set(scopes) == {DEBUGGER} else org_auth_token(url)
        hashed = hash_of(text)
        token = ApiToken(hashed[:12], label, tuple(scopes), text[-4:], True, time.time())
        row = {
            "pk": f"{TOKEN}{hashed}",
            "sk": "token",
            "owner": OWNER,
            "label": label,
            "scopes": token.scopes,
            "ending": token.ending,
            "active": True,
            "created": token.created,
        }
        self._table.put(row, NEW)
        return text, token

    def find(self, text: str) -> ApiToken | None:
        """The token, active or not; ``None`` when there is no such token."""
        row = self._table.get(f"{TOKEN}{hash_of(text)}", "token") if len(text) <= TOKEN_LIMIT else None
        return token_of(row) if row else None

    def list(self) -> tuple[ApiToken, ...]:
        """All tokens, oldest first. Follows what was written within a second or so."""
        rows = self._table.query("#owner = :owner", {":owner": OWNER}, OWNER_INDEX)
        return tuple(sorted((token_of(row) for row in rows), key=lambda token: token.created))

    def revoke(self, token_id: str) -> ApiToken | None:
        """Take the token with this id no more, from now on. ``None`` when there is no such token."""
        rows = self._table.query("#owner = :owner", {":owner": OWNER}, OWNER_INDEX)
        pk = next((row["pk"] for row in rows if token_of(row).id == token_id), None)
        row = self._table.update(pk, "token", "SET #active = :no", {":no": False}) if pk else None
        return token_of(row) if row else None


def org_auth_token(url: str) -> str:
    """A new token in the form of Sentry's organisation tokens, whose second part tells sentry-cli where the deployment
    is and what its organisation is called (sentry: src/sentry/utils/security/orgauthtoken_token.py)."""
    payload = {"iat": time.time(), "url": url, "region_url": url, "org": ORGANIZATION}
    known = b64encode(json.dumps(payload).encode()).decode()
    return f"sntrys_{known}_{b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"


def debugger_token() -> str:
    """A new token that can stand in the path of a URL as it is."""
    return f"cairn_{secrets.token_urlsafe(32)}"


def hash_of(text: str) -> str:
    """What is kept in place of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def token_of(row: Row) -> ApiToken:
    """The token that a row holds."""
    hashed = row["pk"].removeprefix(TOKEN)
    return ApiToken(
        hashed[:12], row["label"], tuple(row["scopes"]), row["ending"], row["active"], float(row["created"])
    )
