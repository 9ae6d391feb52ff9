"""The organisation, its projects, and who is asking, in the form that sentry-cli reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cairn.store.projects import Project
from cairn.store.tokens import ORGANIZATION, ApiToken


def who_is_asking(token: ApiToken) -> dict[str, Any]:
    """What `sentry-cli info` shows. There are no users: a token stands for itself."""
    return {"version": "0", "user": None, "auth": {"scopes": list(token.scopes)}}


def organization() -> dict[str, Any]:
    """The one organisation of this deployment."""
    return {
        "id": "1",
        "slug": ORGANIZATION,
        "name": "Cairn",
        "dateCreated": moment(0),
        "isEarlyAdopter": False,
        "require2FA": False,
        "requireEmailVerification": False,
        "features": [],
        "status": {"id": "active", "name": "active"},
    }


def projects_of(projects: Iterable[Project]) -> list[dict[str, Any]]:
    """The projects of the organisation."""
    return [
        {
            "id": str(project.id),
            "slug": project.slug,
            "name": project.name,
            "dateCreated": moment(project.created),
            "platform": "native",
            "team": None,
            "teams": [],
            "status": "active",
        }
        for project in projects
    ]


def moment(seconds: float) -> str:
    """Unix seconds in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
