"""Projects and their client keys (the public part of a DSN)."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from cairn.intake.limits import FILTERS, PATTERN
from cairn.intake.rules import Filter, FilterKind, Rate
from cairn.privacy.settings import DEFAULT, FIELD, FIELDS, Privacy, is_dump_policy
from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, TakenError
from cairn.store.settings import Settings
from cairn.store.table import Row, Table

OWNER_INDEX = "by_owner"
PROJECT = "project#"
KEY = "key#"
SLUG = "slug#"
ALL_PROJECTS = "projects"
"""Owner of all projects; the owner of a key is its project."""

NEW = "attribute_not_exists(pk)"


@dataclass(frozen=True, slots=True)
class Project:
    """A program whose crashes are kept together. ``id`` is the number in the DSN, ``created`` Unix seconds. ``filters``
    keep crashes out, ``spike_protection`` those that are far above what is usual. ``privacy`` says what is taken out of
    those that are kept."""

    id: int
    slug: str
    name: str
    created: float
    filters: tuple[Filter, ...] = ()
    spike_protection: bool = False
    privacy: Privacy = DEFAULT


@dataclass(frozen=True, slots=True)
class ClientKey:
    """What a client shows to send crashes. ``public_key`` is 32 lower-case hex digits, ``created`` Unix seconds. Of its
    crashes no more are kept than ``rate`` says, nor than ``daily`` in a day of UTC; ``None`` sets no limit."""

    public_key: str
    project_id: int
    label: str
    active: bool
    created: float
    rate: Rate | None = None
    daily: int | None = None


class Projects:
    """The Projects table.

    ===================  =========  ======================  ===================================
    pk                   sk         owner (``by_owner``)    what
    ===================  =========  ======================  ===================================
    ``project#<id>``     project    ``projects``            a project
    ``slug#<slug>``      slug       none                    holds the slug for its project
    ``key#<key>``        key        ``project#<id>``        a client key
    ``counter``          project    none                    ``last``: the id given last
    ===================  =========  ======================  ===================================

    Lists come from the index, which follows the table within a second or so; single look-ups are always current.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.projects_table)

    def create(self, slug: str, name: str) -> Project:
        """Make a project with the next id. Raises ``TakenError`` (``project_exists``) when the slug is in use."""
        if self._table.get(f"{SLUG}{slug}", "slug"):
            raise taken(slug)
        counter = self._table.update("counter", "project", "ADD #last :one", {":one": 1})
        project = Project((counter or {})["last"], slug, name, time.time())
        row = {
            "pk": f"{PROJECT}{project.id}",
            "sk": "project",
            "owner": ALL_PROJECTS,
            "id": project.id,
            "slug": slug,
            "name": name,
            "created": project.created,
        }
        claim = {"pk": f"{SLUG}{slug}", "sk": "slug", "project_id": project.id}
        if not self._table.put_all([row, claim], NEW):
            raise taken(slug)
        return project

    def get(self, project_id: int) -> Project | None:
        """The project with this id."""
        row = self._table.get(f"{PROJECT}{project_id}", "project")
        return project_of(row) if row else None

    def by_slug(self, slug: str) -> Project | None:
        """The project with this slug."""
        claim = self._table.get(f"{SLUG}{slug}", "slug")
        return self.get(claim["project_id"]) if claim else None

    def list(self) -> tuple[Project, ...]:
        """All projects by id."""
        rows = self._table.query("#owner = :owner", {":owner": ALL_PROJECTS}, OWNER_INDEX)
        return tuple(sorted((project_of(row) for row in rows), key=lambda project: project.id))

    def set_spike_protection(self, project_id: int, protected: bool) -> Project | None:
        """Switch the spike protection of a project. Answers the project as it is then, ``None`` when there is none."""
        return self._change(project_id, "SET #spike_protection = :protected", {":protected": protected})

    def add_filter(self, project_id: int, added: Filter) -> Project | None:
        """Keep out what a filter matches, if it does not yet. Answers as ``set_spike_protection``. Raises
        ``RefusedError`` (``bad_pattern``, ``too_many_filters``)."""
        if not 0 < len(added.pattern) <= PATTERN:
            raise RefusedError("bad_pattern", f"a pattern has 1 to {PATTERN} characters")
        project = self.get(project_id)
        if project is None or added in project.filters:
            return project
        if len(project.filters) >= FILTERS:
            raise RefusedError("too_many_filters", f"the project has {FILTERS} filters: remove some first")
        return self._change(project_id, "ADD #filters :added", {":added": {f"{added.kind}:{added.pattern}"}})

    def remove_filter(self, project_id: int, removed: Filter) -> Project | None:
        """Take a filter away, if it is there. Answers as ``set_spike_protection``."""
        gone = {f"{removed.kind}:{removed.pattern}"}
        return self._change(project_id, "DELETE #filters :gone", {":gone": gone})

    def set_privacy(self, project_id: int, privacy: Privacy) -> Project | None:
        """Change the privacy of a project's crashes. Answers as ``set_spike_protection``. Raises ``RefusedError``
        (``bad_dump_policy``, ``bad_fields``)."""
        if not is_dump_policy(privacy.dumps):
            raise RefusedError("bad_dump_policy", f"dumps is {privacy.dumps!r}; it can be all, none or newest=N")
        for fields in (privacy.safe_fields, privacy.sensitive_fields):
            if len(fields) > FIELDS or not all(0 < len(field) <= FIELD for field in fields):
                raise RefusedError("bad_fields", f"a project has up to {FIELDS} fields of 1 to {FIELD} characters")
        values = asdict(privacy) | {name: list(getattr(privacy, name)) for name in ("safe_fields", "sensitive_fields")}
        return self._change(project_id, "SET #privacy = :privacy", {":privacy": values})

    def create_key(self, project_id: int, label: str, rate: Rate | None = None, daily: int | None = None) -> ClientKey:
        """Make a key for a project. Raises ``RefusedError`` (``no_such_project``) when there is no such project."""
        if self.get(project_id) is None:
            raise RefusedError("no_such_project", f"there is no project {project_id}")
        key = ClientKey(secrets.token_hex(16), project_id, label, True, time.time(), rate, daily)
        row = {
            "pk": f"{KEY}{key.public_key}",
            "sk": "key",
            "owner": f"{PROJECT}{project_id}",
            "public_key": key.public_key,
            "project_id": project_id,
            "label": label,
            "active": True,
            "created": key.created,
            "rate": asdict(rate) if rate else None,
            "daily": daily,
        }
        self._table.put(row, NEW)
        return key

    def key(self, public_key: str) -> ClientKey | None:
        """The key, active or not."""
        row = self._table.get(f"{KEY}{public_key}", "key")
        return key_of(row) if row else None

    def keys(self, project_id: int) -> tuple[ClientKey, ...]:
        """All keys of a project, oldest first."""
        rows = self._table.query("#owner = :owner", {":owner": f"{PROJECT}{project_id}"}, OWNER_INDEX)
        return tuple(sorted((key_of(row) for row in rows), key=lambda key: key.created))

    def disable_key(self, public_key: str) -> ClientKey | None:
        """Take no more crashes with this key. Answers the key as it is then, ``None`` when there is no such key."""
        return self.change_key(public_key, active=False)

    def change_key(self, public_key: str, **values: Any) -> ClientKey | None:
        """Set fields of a key: ``label``, ``active``, ``rate``, ``daily``; ``None`` takes a limit away. Answers as
        ``disable_key``."""
        set_to = {name: asdict(value) if isinstance(value, Rate) else value for name, value in values.items()}
        kept = [f"#{name} = :{name}" for name, value in set_to.items() if value is not None]
        gone = [f"#{name}" for name, value in set_to.items() if value is None]
        change = [f"SET {', '.join(kept)}" if kept else "", f"REMOVE {', '.join(gone)}" if gone else ""]
        new = {f":{name}": value for name, value in set_to.items() if value is not None}
        row = self._table.update(f"{KEY}{public_key}", "key", " ".join(change).strip(), new, "attribute_exists(pk)")
        return key_of(row) if row else None

    def _change(self, project_id: int, change: str, values: Row) -> Project | None:
        row = self._table.update(f"{PROJECT}{project_id}", "project", change, values, "attribute_exists(pk)")
        return project_of(row) if row else None


def taken(slug: str) -> TakenError:
    """The error for a slug in use."""
    return TakenError("project_exists", f"there is a project called {slug} already: choose another name")


def project_of(row: Row) -> Project:
    """The project that a row holds."""
    filters = tuple(map(filter_of, sorted(row.get("filters", ()))))
    return Project(
        row["id"],
        row["slug"],
        row["name"],
        row["created"],
        filters,
        bool(row.get("spike_protection", False)),
        privacy_of(row.get("privacy", {})),
    )


def privacy_of(values: Row) -> Privacy:
    """The privacy that a row has; what it does not say is the default."""
    given: dict[str, Any] = {name: values[name] for name in Privacy.__dataclass_fields__ if name in values}
    for name in ("safe_fields", "sensitive_fields"):
        given[name] = tuple(given.get(name, ()))
    return Privacy(**given)


def filter_of(text: str) -> Filter:
    """The filter that a row has as ``<kind>:<pattern>``."""
    kind, _, pattern = text.partition(":")
    return Filter(FilterKind(kind), pattern)


def key_of(row: Row) -> ClientKey:
    """The client key that a row holds."""
    rate = Rate(row["rate"]["events"], row["rate"]["seconds"]) if "rate" in row else None
    return ClientKey(
        row["public_key"], row["project_id"], row["label"], row["active"], row["created"], rate, row.get("daily")
    )
