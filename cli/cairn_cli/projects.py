"""`cairn projects`: the programs whose crashes are kept apart."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cairn.store.errors import StoreError
from cairn.store.projects import Project, Projects
from cairn_cli.errors import CliError
from cairn_cli.output import moment, print_json, print_table
from cairn_cli.project_option import HELP, chosen_project
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn projects list",
    "cairn projects create game --name 'The Game'",
    "cairn projects update game --spike-protection on",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``create`` and ``update``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all projects")
    creation = actions.add_parser("create", help="a new project")
    creation.add_argument("slug", help="short name: letters, digits and hyphens")
    creation.add_argument("--name", help="name for people (default: the slug)")
    update = actions.add_parser("update", help="change a project; functions heed it within a minute")
    update.add_argument("project", help=HELP)
    update.add_argument(
        "--spike-protection",
        choices=("on", "off"),
        required=True,
        help="whether to drop crashes beyond ten times what is usual in an hour",
    )
    for action in (listing, creation, update):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List, create or update; returns the exit code."""
    target = connect(arguments)
    projects = Projects(target.settings, target.clients)
    try:
        if arguments.action == "create":
            found = [projects.create(arguments.slug, arguments.name or arguments.slug)]
        elif arguments.action == "update":
            found = [_updated(target, projects, arguments)]
        else:
            found = list(projects.list())
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json([asdict(project) for project in found])
    else:
        rows = [(str(p.id), p.slug, p.name, moment(p.created), _rules(p)) for p in found]
        print_table(("ID", "SLUG", "NAME", "CREATED (UTC)", "RULES"), rows)
    return 0


def _updated(target: Target, projects: Projects, arguments: argparse.Namespace) -> Project:
    project = chosen_project(target, arguments.project)
    return projects.set_spike_protection(project.id, arguments.spike_protection == "on") or project


def _rules(project: Project) -> str:
    """What the project does not take, in a few words."""
    filters = f"{len(project.filters)} filter{'s' * (len(project.filters) > 1)}" if project.filters else ""
    return ", ".join(filter(None, (filters, "spike protection" if project.spike_protection else "")))
