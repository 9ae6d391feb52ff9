"""Who may do what: bearer tokens and their scopes, the one organisation, projects by slug or id."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

from cairn.store.projects import Project
from cairn.store.tokens import DEBUGGER, ORGANIZATION, READER, ApiToken
from cairn.web.errors import ForbiddenError, NotFoundError, UnauthorizedError

UPLOAD = frozenset({"project:write", "project:releases", "org:ci"})
"""Scopes of which one allows to send debug files, as in Sentry."""

READ = frozenset({"project:read", "project:write", "project:releases"})
"""Scopes of which one allows to list and fetch. A token for uploads alone (``org:ci``) cannot."""

READ_EVENTS = frozenset({READER})
"""The scope that allows to fetch what came with a crash. No other does, not even ``project:write``."""

FETCH = READ | {DEBUGGER}
"""Scopes of which one allows to fetch debug files by their ids, as debuggers do."""

PROJECT_ID = re.compile(r"[0-9]{1,15}")
SLUG_LIMIT = 200
"""Characters of a slug above which no project is looked for: a key of DynamoDB holds 2,048 bytes."""


class Tokens(Protocol):
    """Where tokens are looked up."""

    def find(self, text: str) -> ApiToken | None: ...


class Projects(Protocol):
    """Where projects are looked up."""

    def get(self, project_id: int) -> Project | None: ...
    def by_slug(self, slug: str) -> Project | None: ...


def authenticate(tokens: Tokens, authorization: str | None) -> ApiToken:
    """The active token that an ``Authorization`` header carries. Raises ``UnauthorizedError``."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise UnauthorizedError("no token was sent: create one with `cairn tokens create`, and set SENTRY_AUTH_TOKEN")
    return find_token(tokens, text.strip())


def find_token(tokens: Tokens, text: str) -> ApiToken:
    """The active token that a text is. Raises ``UnauthorizedError``."""
    token = tokens.find(text)
    if token is None:
        raise UnauthorizedError("Invalid token: this Cairn knows no such token (`cairn tokens create` makes one)")
    if not token.active:
        raise UnauthorizedError(f"Invalid token: the token …{token.ending} was revoked")
    return token


def hide_token(path: str) -> str:
    """The path of a request as it may be logged: a debugger sends its token as the first part behind ``/symbols/``."""
    return re.sub(r"/symbols/[^/]*", "/symbols/…", path)


def require(token: ApiToken, scopes: Collection[str]) -> None:
    """Pass a token with one of ``scopes``. Raises ``ForbiddenError``."""
    if not set(token.scopes) & set(scopes):
        raise ForbiddenError(
            f"the token …{token.ending} has the scopes {', '.join(token.scopes)}, and this needs one of "
            f"{', '.join(sorted(scopes))}: create another one with `cairn tokens create --scope`"
        )


def check_organization(slug: str) -> None:
    """Pass the organisation's slug. Raises ``NotFoundError``."""
    if slug != ORGANIZATION:
        raise NotFoundError(f"there is no organization {slug[:60]}: a Cairn has one, and it is called {ORGANIZATION}")


def find_project(projects: Projects, slug_or_id: str) -> Project:
    """The project by its slug, or else its id. Raises ``NotFoundError``."""
    project = projects.by_slug(slug_or_id) if len(slug_or_id) <= SLUG_LIMIT else None
    if project is None and PROJECT_ID.fullmatch(slug_or_id):
        project = projects.get(int(slug_or_id))
    if project is None:
        raise NotFoundError(f"there is no project {slug_or_id[:60]}: `cairn projects list` shows all")
    return project
