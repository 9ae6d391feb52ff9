"""Credentials of private symbol servers, as the command line takes them: what kind by option, the secret never so.

A secret in an argument would be seen by everybody on the machine, and be kept in the history of the shell.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time

from cairn.symbols.sources.addresses import SourceError
from cairn.symbols.sources.credentials import checked_credentials, checked_secret
from cairn.symbols.sources.records import CredentialKind, Credentials
from cairn_cli.errors import CliError

VARIABLE = "CAIRN_SOURCE_SECRET"


def add_credential_options(parser: argparse.ArgumentParser, *, may_remove: bool) -> None:
    """Let an action be told how the server is shown who asks."""
    group = parser.add_argument_group("private servers", f"The secret is asked for, or read from ${VARIABLE} or stdin.")
    kinds = group.add_mutually_exclusive_group(required=may_remove)
    kinds.add_argument("--user", metavar="NAME", help="show this user and a password (basic authentication)")
    kinds.add_argument("--bearer", action="store_true", help="show a bearer token")
    kinds.add_argument("--header", metavar="NAME", help="show a header of this name, for instance X-JFrog-Art-Api")
    if may_remove:
        kinds.add_argument("--no-credentials", action="store_true", help="show nothing any more")


def given_credentials(arguments: argparse.Namespace, url: str) -> tuple[Credentials | None, str | None]:
    """The credentials that the arguments want for a source with this address, and their secret."""
    credentials = _credentials(arguments)
    if credentials is None:
        return None, None
    try:
        checked_credentials(credentials, url)
        return credentials, checked_secret(credentials.kind, _secret(credentials))
    except SourceError as error:
        raise CliError(str(error)) from error


def shown_credentials(credentials: Credentials | None) -> str:
    """Credentials in a cell of a table."""
    if credentials is None:
        return ""
    return {
        CredentialKind.BASIC: f"user {credentials.name}",
        CredentialKind.BEARER: "bearer token",
        CredentialKind.HEADER: f"header {credentials.name}",
    }[credentials.kind]


def _credentials(arguments: argparse.Namespace) -> Credentials | None:
    if arguments.user is not None:
        return Credentials(CredentialKind.BASIC, arguments.user, time.time())
    if arguments.header is not None:
        return Credentials(CredentialKind.HEADER, arguments.header, time.time())
    return Credentials(CredentialKind.BEARER, None, time.time()) if arguments.bearer else None


def _secret(credentials: Credentials) -> str:
    """The secret from the variable, else the first line of stdin, else what a person types, which is not shown."""
    if secret := os.environ.get(VARIABLE):
        return secret
    if sys.stdin.isatty():
        return getpass.getpass(f"secret for {shown_credentials(credentials)}: ")
    if secret := sys.stdin.readline().rstrip("\r\n"):
        return secret
    raise CliError("there is no secret", f"put it into ${VARIABLE}, or into stdin: cairn sources … < secret.txt")
