"""`cairn filters`: crashes that a project does not want."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cairn.intake.rules import Filter, FilterKind
from cairn.store.errors import StoreError
from cairn.store.projects import Project, Projects
from cairn_cli.errors import CliError
from cairn_cli.output import print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn filters list --project game",
    "cairn filters add release 'game@0.*'",
    "cairn filters add message '*out of memory*'",
    "cairn filters remove release 'game@0.*'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``add`` and ``remove``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all filters of a project")
    adding = actions.add_parser("add", help="drop crashes that match; functions heed it within a minute")
    removal = actions.add_parser("remove", help="take such crashes again")
    for action in (adding, removal):
        action.add_argument(
            "kind", choices=[kind.value for kind in FilterKind], help="what to look at: release, or title and message"
        )
        action.add_argument("pattern", help="the whole text; * stands for any characters and ? for one")
    for action in (listing, adding, removal):
        add_project_option(action)
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List, add or remove; returns the exit code."""
    target = connect(arguments)
    try:
        project = _project(target, arguments)
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json([asdict(one) for one in project.filters])
    else:
        print_table(("KIND", "PATTERN"), [(one.kind.value, one.pattern) for one in project.filters])
    return 0


def _project(target: Target, arguments: argparse.Namespace) -> Project:
    """The project as it is afterwards."""
    project, projects = chosen_project(target, arguments.project), Projects(target.settings, target.clients)
    if arguments.action == "list":
        return project
    wanted = Filter(FilterKind(arguments.kind), arguments.pattern)
    if arguments.action == "add":
        return projects.add_filter(project.id, wanted) or project
    return projects.remove_filter(project.id, wanted) or project
