"""`cairn keys`: what clients send crashes with."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cairn.store.errors import StoreError
from cairn.store.projects import ClientKey, Projects
from cairn_cli.dsn import dsn, minidump_url
from cairn_cli.errors import CliError
from cairn_cli.output import print_json, print_table
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn keys list",
    "cairn keys create --project 1 --label 'nightly builds'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` and ``create``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all keys of a project, with what clients need")
    creation = actions.add_parser("create", help="a new key")
    creation.add_argument("--label", default="", help="what the key is for")
    for action in (listing, creation):
        action.add_argument("--project", type=int, default=1, help="the project's number (default: 1)")
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List or create; returns the exit code."""
    target = connect(arguments)
    projects = Projects(target.settings, target.clients)
    if projects.get(arguments.project) is None:
        raise CliError(f"there is no project {arguments.project}", "`cairn projects list` shows all")
    try:
        keys = _keys(projects, arguments)
    except StoreError as error:
        raise CliError(str(error)) from error
    _show(target, keys, arguments.json)
    return 0


def _keys(projects: Projects, arguments: argparse.Namespace) -> tuple[ClientKey, ...]:
    if arguments.action == "create":
        return (projects.create_key(arguments.project, arguments.label),)
    return tuple(projects.keys(arguments.project))


def _show(target: Target, keys: tuple[ClientKey, ...], as_json: bool) -> None:
    if as_json:
        print_json(
            [{**asdict(k), "dsn": dsn(target.url, k), "minidump_url": minidump_url(target.url, k)} for k in keys]
        )
        return
    rows = [(k.public_key, "yes" if k.active else "no", k.label, minidump_url(target.url, k)) for k in keys]
    print_table(("KEY", "ACTIVE", "LABEL", "URL FOR CLIENTS"), rows)
