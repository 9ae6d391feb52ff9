"""`cairn sources`: the symbol servers that are asked for what a project's crashes lack."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from cairn.store.errors import StoreError
from cairn.store.sources import ProjectSources
from cairn.symbols.sources.addresses import SourceError, checked_name, checked_url
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.records import FileType, Layout, Source
from cairn_cli.errors import CliError
from cairn_cli.output import print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.source_credentials import add_credential_options, given_credentials, shown_credentials
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn sources builtin",
    "cairn sources add microsoft",
    "cairn sources add ours https://symbols.example.com --layout symstore --project game",
    "cairn sources add builds s3://our-symbols/linux --layout unified",
    "cairn sources add ours https://symbols.example.com --layout ssqp --user ci  # and type the password",
    "cairn sources update ours --bearer < token.txt",
    "cairn sources list",
    "cairn sources remove ours",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``add``, ``update``, ``remove`` and ``builtin``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the servers of a project, in the order in which they are asked")
    addition = actions.add_parser("add", help="ask one more server, after the others")
    addition.add_argument("name", help="a name of Cairn's own list (`cairn sources builtin`), or a new one with a URL")
    addition.add_argument("url", nargs="?", help="https://HOST/PATH, http://HOST/PATH or s3://BUCKET/PREFIX")
    layouts = [layout.value for layout in Layout]
    addition.add_argument("--layout", choices=layouts, help="how the server names its files; with a URL")
    addition.add_argument(
        "--type",
        action="append",
        choices=[kind.value for kind in FileType],
        metavar="TYPE",
        help=f"what the server has; can be given more than once (default: all of {', '.join(FileType)})",
    )
    add_credential_options(addition, may_remove=False)
    update = actions.add_parser("update", help="show other credentials to a private server")
    update.add_argument("name", help="the name that `cairn sources list` shows")
    add_credential_options(update, may_remove=True)
    removal = actions.add_parser("remove", help="ask a server no more")
    removal.add_argument("name", help="the name that `cairn sources list` shows")
    known = actions.add_parser("builtin", help="the public servers that can be added by their names")
    for action in (listing, addition, update, removal, known):
        action.add_argument("--json", action="store_true", help="print JSON")
    for action in (listing, addition, update, removal):
        add_project_option(action)
        add_target_option(action)


def run(arguments: argparse.Namespace) -> int:
    """List, add, update or remove; returns the exit code."""
    if arguments.action == "builtin":
        _show(BUILT_IN.values(), arguments.json)
        return 0
    target = connect(arguments)
    try:
        _show(_sources(target, arguments), arguments.json)
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.action in ("add", "update") and not arguments.json:
        since = f"cairn reprocess --project {arguments.project} --since 30d"
        print(f"\nThe next crash asks for what it lacks. To ask for crashes that there are: {since}")
    return 0


def _sources(target: Target, arguments: argparse.Namespace) -> Iterable[Source]:
    """What is to be shown: all sources, or the one that was changed or removed."""
    project, sources = chosen_project(target, arguments.project).id, ProjectSources(target.settings, target.clients)
    if arguments.action == "add":
        source, secret = _given(arguments)
        return sources.add(project, source, secret).sources
    if arguments.action == "update":
        return (_updated(sources, project, arguments),)
    if arguments.action == "remove":
        gone = sources.remove(project, arguments.name)
        if gone is None:
            raise _unknown(arguments)
        return (gone,)
    return sources.of(project).sources


def _updated(sources: ProjectSources, project: int, arguments: argparse.Namespace) -> Source:
    """The source with the credentials that the arguments want."""
    known = next((one for one in sources.of(project).sources if one.name == arguments.name), None)
    if known is None:
        raise _unknown(arguments)
    if known.built_in:
        raise CliError(f"{known.name} is open to all, and takes no credentials")
    changed = sources.change_credentials(project, known.name, *given_credentials(arguments, known.url))
    if changed is None:
        raise _unknown(arguments)
    return changed


def _unknown(arguments: argparse.Namespace) -> CliError:
    return CliError(f"project {arguments.project} has no source {arguments.name}", "`cairn sources list` shows all")


def _given(arguments: argparse.Namespace) -> tuple[Source, str | None]:
    """The source that the arguments describe, and its secret if it is private."""
    if arguments.url is None:
        if arguments.name not in BUILT_IN:
            hint = "`cairn sources builtin` shows those there are; any other server needs its URL and --layout"
            raise CliError(f"{arguments.name} is no built-in source", hint)
        if arguments.user or arguments.bearer or arguments.header:
            raise CliError(f"{arguments.name} is open to all, and takes no credentials")
        return BUILT_IN[arguments.name], None
    if arguments.name in BUILT_IN:
        raise CliError(f"{arguments.name} is the name of a built-in source", "give your server another name")
    if arguments.layout is None:
        raise CliError(f"how does {arguments.url} name its files?", f"say so with --layout: {', '.join(Layout)}")
    layout = Layout(arguments.layout)
    try:
        name, url = checked_name(arguments.name), checked_url(arguments.url, layout)
    except SourceError as error:
        raise CliError(str(error)) from error
    credentials, secret = given_credentials(arguments, url)
    kinds = tuple(map(FileType, arguments.type or FileType))
    return Source(name, url, layout, kinds, credentials=credentials), secret


def _show(sources: Iterable[Source], as_json: bool) -> None:
    if as_json:
        print_json([asdict(source) for source in sources])
        return
    rows = [(s.name, s.layout.value, _types(s), shown_credentials(s.credentials), s.url) for s in sources]
    print_table(("NAME", "LAYOUT", "HAS", "CREDENTIALS", "URL"), rows)


def _types(source: Source) -> str:
    return "all" if set(source.file_types) == set(FileType) else ", ".join(source.file_types)
