"""`cairn keys`: what clients send crashes with, and how many each may send."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from cairn.intake.rules import Rate
from cairn.store.errors import StoreError
from cairn.store.projects import ClientKey, Projects
from cairn_cli.dsn import dsn, minidump_url
from cairn_cli.errors import CliError
from cairn_cli.output import print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn keys list",
    "cairn keys create --project game --label 'nightly builds' --daily 1000",
    "cairn keys update KEY --rate 100/60s",
    "cairn keys update KEY --rate none --daily none",
    "cairn keys update KEY --disable",
]

RATE = re.compile(r"([1-9][0-9]{0,8})/([0-9]*)(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 86400
"""Seconds of a rate's window: clients cut a longer time to wait to a day anyway."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``create`` and ``update``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all keys of a project, with what clients need")
    creation = actions.add_parser("create", help="a new key")
    for action in (listing, creation):
        add_project_option(action)
    creation.add_argument("--label", default="", help="what the key is for")
    update = actions.add_parser("update", help="change a key; functions heed it within a minute")
    update.add_argument("key", help="the key, as `cairn keys list` shows it")
    update.add_argument("--label", default=argparse.SUPPRESS, help="what the key is for")
    switch = update.add_mutually_exclusive_group()
    switch.add_argument(
        "--disable",
        dest="active",
        action="store_const",
        const=False,
        default=argparse.SUPPRESS,
        help="take no more crashes with it",
    )
    switch.add_argument(
        "--enable",
        dest="active",
        action="store_const",
        const=True,
        default=argparse.SUPPRESS,
        help="take crashes with it again",
    )
    for action, default in ((creation, None), (update, argparse.SUPPRESS)):
        action.add_argument(
            "--rate",
            type=or_none(rate),
            default=default,
            help="crashes in a time, as 100/60s or 5000/1h; none: no limit",
        )
        action.add_argument(
            "--daily",
            type=or_none(number),
            default=default,
            help="crashes a day, which begins at 0:00 UTC; none: no limit",
        )
    for action in (listing, creation, update):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List, create or update; returns the exit code."""
    target = connect(arguments)
    try:
        keys = _keys(target, arguments)
    except StoreError as error:
        raise CliError(str(error)) from error
    _show(target, keys, arguments.json)
    return 0


def rate(text: str) -> Rate:
    """The rate in ``100/60s``, ``100/m``, ``5000/1h``."""
    match = RATE.fullmatch(text.strip())
    seconds = int(match[2] or 1) * SECONDS[match[3]] if match else 0
    if match is None or not 0 < seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: give crashes and a time of up to a day, as 100/60s")
    return Rate(int(match[1]), seconds)


def number(text: str) -> int:
    """A number above zero."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**12):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of crashes above 0")
    return int(text)


def or_none(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """What ``read`` makes of a text, and ``None`` of the word ``none``."""
    return lambda text: None if text == "none" else read(text)


def _keys(target: Target, arguments: argparse.Namespace) -> tuple[ClientKey, ...]:
    projects = Projects(target.settings, target.clients)
    if arguments.action == "update":
        return (_updated(projects, arguments),)
    project = chosen_project(target, arguments.project).id
    if arguments.action == "create":
        return (projects.create_key(project, arguments.label, arguments.rate, arguments.daily),)
    return tuple(projects.keys(project))


def _updated(projects: Projects, arguments: argparse.Namespace) -> ClientKey:
    given = vars(arguments)
    changes = {name: given[name] for name in ("label", "active", "rate", "daily") if name in given}
    if not changes:
        raise CliError("nothing is to be changed", "give --rate, --daily, --disable, --enable or --label")
    key = projects.change_key(arguments.key, **changes)
    if key is None:
        raise CliError(f"there is no key {arguments.key}", "`cairn keys list --project SLUG` shows those of a project")
    return key


def _show(target: Target, keys: tuple[ClientKey, ...], as_json: bool) -> None:
    if as_json:
        print_json(
            [{**asdict(k), "dsn": dsn(target.url, k), "minidump_url": minidump_url(target.url, k)} for k in keys]
        )
        return
    rows = [(k.public_key, *_state(k), k.label, minidump_url(target.url, k)) for k in keys]
    print_table(("KEY", "ACTIVE", "RATE", "DAILY", "LABEL", "URL FOR CLIENTS"), rows)


def _state(key: ClientKey) -> tuple[str, str, str]:
    """Whether a key is active, and its limits."""
    limit = f"{key.rate.events}/{key.rate.seconds}s" if key.rate else "-"
    return "yes" if key.active else "no", limit, str(key.daily or "-")
