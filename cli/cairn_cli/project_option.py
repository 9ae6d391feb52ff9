"""Which project a command is about: by its slug, as with `sentry-cli`, or its number."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cairn.store.projects import Project, Projects
from cairn.web.access import find_project
from cairn.web.errors import NotFoundError
from cairn_cli.errors import CliError
from cairn_cli.target import Target

HELP = "the project's slug or number"
SHOWN = 10
"""Projects that an error names."""


def add_project_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told its project: ``project`` is for ``chosen_project``."""
    parser.add_argument("--project", default="1", help=f"{HELP} (default: 1)")


def chosen_project(target: Target, slug_or_number: str) -> Project:
    """The project that is meant, as the API finds it. Raises ``CliError``, which names those there are, and
    ``StoreError``."""
    projects = Projects(target.settings, target.clients)
    try:
        return find_project(projects, slug_or_number)
    except NotFoundError as error:
        raise CliError(f"there is no project {slug_or_number[:60]}", named(projects.list())) from error


def named(projects: Sequence[Project]) -> str:
    """The projects that there are, the first ones by their slugs and numbers."""
    if not projects:
        return "there is none yet: `cairn projects create SLUG` makes one"
    first = ", ".join(f"{project.slug} ({project.id})" for project in projects[:SHOWN])
    left = len(projects) - SHOWN
    return f"there are: {first}" + (f", and {left} more: `cairn projects list` shows all" if left > 0 else "")
