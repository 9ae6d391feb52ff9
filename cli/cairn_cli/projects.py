"""`cairn projects`: the programs whose crashes are kept apart."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cairn.store.errors import StoreError
from cairn.store.projects import Projects
from cairn_cli.errors import CliError
from cairn_cli.output import moment, print_json, print_table
from cairn_cli.target import add_target_option, connect

EXAMPLES = [
    "cairn projects list",
    "cairn projects create game --name 'The Game'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` and ``create``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all projects")
    creation = actions.add_parser("create", help="a new project")
    creation.add_argument("slug", help="short name: letters, digits and hyphens")
    creation.add_argument("--name", help="name for people (default: the slug)")
    for action in (listing, creation):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List or create; returns the exit code."""
    target = connect(arguments)
    projects = Projects(target.settings, target.clients)
    try:
        if arguments.action == "create":
            found = [projects.create(arguments.slug, arguments.name or arguments.slug)]
        else:
            found = list(projects.list())
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json([asdict(project) for project in found])
    else:
        rows = [(str(p.id), p.slug, p.name, moment(p.created)) for p in found]
        print_table(("ID", "SLUG", "NAME", "CREATED (UTC)"), rows)
    return 0
