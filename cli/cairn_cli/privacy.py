"""`cairn privacy`: what is taken out of a project's crashes, and which dumps are kept."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict, replace

from cairn.privacy.settings import Privacy, is_dump_policy
from cairn.store.errors import StoreError
from cairn.store.projects import Projects
from cairn_cli.errors import CliError
from cairn_cli.output import print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.target import add_target_option, connect

EXAMPLES = [
    "cairn privacy show --project game",
    "cairn privacy set --dumps newest=3",
    "cairn privacy set --sensitive-field player_name --safe-field session_id",
    "cairn privacy set --forget-field session_id",
    "cairn privacy set --scrub off --scrub-dumps off --dumps all",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``show`` and ``set``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    showing = actions.add_parser("show", help="the settings of a project")
    setting = actions.add_parser("set", help="change them; crashes that come a minute later heed it")
    setting.add_argument("--scrub", choices=("on", "off"), help="take secrets out of events (default: on)")
    setting.add_argument("--scrub-dumps", choices=("on", "off"), help="and out of stored dumps (default: on)")
    setting.add_argument("--dumps", type=_dumps, metavar="all|none|newest=N", help="which to keep, N of each issue")
    for option, meaning in {
        "--safe-field": "a field that is left as it is",
        "--sensitive-field": "a field that is taken out whole",
        "--forget-field": "a field that is neither any more",
    }.items():
        setting.add_argument(option, action="append", default=[], metavar="NAME", help=f"{meaning}; repeat for more")
    for action in (showing, setting):
        add_project_option(action)
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Show or set; returns the exit code."""
    target = connect(arguments)
    try:
        project = chosen_project(target, arguments.project)
        if arguments.action == "set":
            privacy, projects = changed(project.privacy, arguments), Projects(target.settings, target.clients)
            project = projects.set_privacy(project.id, privacy) or project
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json(asdict(project.privacy))
    else:
        print_table(("SETTING", "VALUE"), list(_rows(project.privacy)))
    return 0


def changed(privacy: Privacy, arguments: argparse.Namespace) -> Privacy:
    """The settings with what the arguments ask for."""
    safe, sensitive, gone = arguments.safe_field, arguments.sensitive_field, arguments.forget_field
    return replace(
        privacy,
        scrub=arguments.scrub == "on" if arguments.scrub else privacy.scrub,
        scrub_dumps=arguments.scrub_dumps == "on" if arguments.scrub_dumps else privacy.scrub_dumps,
        dumps=arguments.dumps or privacy.dumps,
        safe_fields=_fields(privacy.safe_fields, safe, [*sensitive, *gone]),
        sensitive_fields=_fields(privacy.sensitive_fields, sensitive, [*safe, *gone]),
    )


def _fields(known: Iterable[str], added: Iterable[str], gone: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*known, *added} - set(gone)))


def _dumps(text: str) -> str:
    if not is_dump_policy(text):
        raise argparse.ArgumentTypeError(f"{text} is neither all nor none nor newest=N")
    return text


def _rows(privacy: Privacy) -> Iterable[tuple[str, str]]:
    yield "scrub", "on" if privacy.scrub else "off"
    yield "scrub dumps", "on" if privacy.scrub_dumps else "off"
    yield "dumps", privacy.dumps
    yield "safe fields", ", ".join(privacy.safe_fields)
    yield "sensitive fields", ", ".join(privacy.sensitive_fields)
