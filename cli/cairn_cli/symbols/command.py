"""`cairn symbols`: what crashes lack, and what there is."""

from __future__ import annotations

import argparse
from pathlib import Path

from cairn.store.errors import StoreError
from cairn_cli.errors import CliError
from cairn_cli.project_option import add_project_option
from cairn_cli.symbols.check import check
from cairn_cli.symbols.delete import delete
from cairn_cli.symbols.files import list_files, show_files
from cairn_cli.symbols.missing import show_missing
from cairn_cli.target import add_target_option, connect

EXAMPLES = [
    "cairn symbols missing",
    "cairn symbols check build/ ~/Downloads/game.pdb symbols.zip",
    "cairn symbols list --query game",
    "cairn symbols list --failed",
    "cairn symbols show 3249d99d-0c40-4931-8610-f4e4fb0b6936-1",
    "cairn symbols delete 3249d99d-0c40-4931-8610-f4e4fb0b6936-1",
]
ID_HELP = "a debug id, a code id (build id), or the SHA-1 that `cairn symbols list` shows"
ACTIONS = {
    "missing": show_missing,
    "check": check,
    "list": list_files,
    "show": show_files,
    "delete": delete,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``missing``, ``check``, ``list``, ``show`` and ``delete``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    missing = actions.add_parser("missing", help="modules without symbols in the last crashes, the most wanted first")
    add_project_option(missing)
    missing.add_argument(
        "--crashes", type=_positive, default=1000, help="how many waiting crashes count (default: 1000)"
    )
    checking = actions.add_parser("check", help="the ids of files on this machine, and which of them crashes wait for")
    checking.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="debug files, or folders or zips of them")
    listing = actions.add_parser("list", help="debug files, the newest first")
    listing.add_argument("--query", default="", help="only those with this text in their name, ids, system or format")
    listing.add_argument("--failed", action="store_true", help="those that were uploaded and cannot be used, and why")
    listing.add_argument("--limit", type=_positive, default=100, help="how many to show (default: 100)")
    showing = actions.add_parser("show", help="the debug files with an id, and what was made of them")
    showing.add_argument("id", metavar="ID", help=ID_HELP)
    deletion = actions.add_parser("delete", help="remove debug files with all that was made of them")
    deletion.add_argument("ids", nargs="+", metavar="ID", help=ID_HELP)
    deletion.add_argument("--yes", action="store_true", help="do not ask")
    for action in (missing, checking, listing, showing, deletion):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; returns the exit code."""
    try:
        return ACTIONS[arguments.action](connect(arguments), arguments)
    except StoreError as error:
        raise CliError(str(error)) from error


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it is a number from 1 on, not {text!r}")
    return int(text)
