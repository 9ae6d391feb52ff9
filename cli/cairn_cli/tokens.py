"""`cairn tokens`: what build machines send debug files with, and debuggers ask for them."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cairn.store.errors import StoreError
from cairn.store.tokens import DEBUGGER, SCOPES, ApiToken, ApiTokens
from cairn_cli.errors import CliError
from cairn_cli.output import console, moment, print_json, print_table
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn tokens create --label 'build machine'",
    "export SENTRY_AUTH_TOKEN=$(cairn tokens create --quiet)",
    "cairn tokens create --scope symbols:read --label 'debuggers'",
    "cairn tokens list",
    "cairn tokens revoke 1f2e3d4c5b6a",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``create``, ``list`` and ``revoke``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    creation = actions.add_parser("create", help="a new token; it is shown this once")
    creation.add_argument("--label", default="", help="what the token is for")
    creation.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="what it allows; can be given more than once (default: org:ci, which is sending debug files). One with "
        "symbols:read alone is for debuggers, and stands in a URL",
    )
    creation.add_argument("--quiet", action="store_true", help="print the token and nothing else")
    listing = actions.add_parser("list", help="all tokens, by their last four characters")
    revocation = actions.add_parser("revoke", help="take a token no more")
    revocation.add_argument("id", help="the id that `cairn tokens list` shows")
    for action in (creation, listing, revocation):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Create, list or revoke; returns the exit code."""
    target = connect(arguments)
    tokens = ApiTokens(target.settings, target.clients)
    try:
        if arguments.action == "create":
            _create(target, tokens, arguments)
        elif arguments.action == "revoke":
            _show([_revoked(tokens, arguments.id)], arguments.json)
        else:
            _show(list(tokens.list()), arguments.json)
    except StoreError as error:
        raise CliError(str(error)) from error
    return 0


def _create(target: Target, tokens: ApiTokens, arguments: argparse.Namespace) -> None:
    text, token = tokens.create(target.url, arguments.label, arguments.scope or ["org:ci"])
    url = f"{target.url}/symbols/{text}" if token.scopes == (DEBUGGER,) else None
    if arguments.json:
        print_json({**asdict(token), "token": text, **({"symbol_server": url} if url else {})})
    elif arguments.quiet:
        print(text)
    else:
        print(text)
        console().print(f"\nIt allows {', '.join(token.scopes)}, and is not shown again.")
        for line in for_debuggers(url) if url else ("For sentry-cli: export SENTRY_AUTH_TOKEN=<the token>",):
            console().print(line)


def for_debuggers(url: str) -> tuple[str, ...]:
    """How debuggers are told of the symbol server at ``url``."""
    return (
        f"gdb:    export DEBUGINFOD_URLS={url}",
        f"lldb:   settings append plugin.symbol-locator.debuginfod.server-urls {url}",
        f"WinDbg: .sympath+ srv*C:\\symbols*{url}",
    )


def _revoked(tokens: ApiTokens, token_id: str) -> ApiToken:
    revoked = tokens.revoke(token_id)
    if revoked is None:
        raise CliError(f"there is no token {token_id}", "`cairn tokens list` shows all")
    return revoked


def _show(tokens: list[ApiToken], as_json: bool) -> None:
    if as_json:
        print_json([asdict(token) for token in tokens])
        return
    rows = [
        (t.id, f"…{t.ending}", "yes" if t.active else "no", ", ".join(t.scopes), moment(t.created), t.label)
        for t in tokens
    ]
    print_table(("ID", "TOKEN", "ACTIVE", "SCOPES", "CREATED (UTC)", "LABEL"), rows)
