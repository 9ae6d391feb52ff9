"""The `cairn` command: finds the command that is asked for, runs it, and turns failures into one readable line.

Commands are imported only when asked for, so that `cairn stackwalk` starts fast. Each is a module with ``EXAMPLES``,
``add_arguments(parser)`` and ``run(arguments) -> exit code``.

Exit codes: 0 done, 1 could not be done, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from cairn_cli.errors import CliError

COMMANDS = {
    "stackwalk": ("cairn_cli.stackwalk", "read a minidump offline: reason, stacks, modules"),
    "events": ("cairn_cli.events", "list crashes, show one, or fetch its dump"),
    "submit": ("cairn_cli.submit.command", "send minidumps of up to 5 GB, with nothing but a DSN"),
    "upload-debug-files": ("cairn_cli.debug_files", "send the symbols of a build"),
    "symbols": (
        "cairn_cli.symbols.command",
        "what symbols crashes lack, and list, show, check or delete those there are",
    ),
    "projects": ("cairn_cli.projects", "list, create or change projects"),
    "keys": ("cairn_cli.keys", "list, create or change the keys that clients send crashes with"),
    "filters": ("cairn_cli.filters", "list, add or remove filters: crashes that a project does not want"),
    "privacy": ("cairn_cli.privacy", "show or set what is taken out of a project's crashes, and which dumps are kept"),
    "stats": ("cairn_cli.stats", "count crashes by day: accepted, dropped and rejected, with the reasons"),
    "tokens": ("cairn_cli.tokens", "list, create or revoke the tokens of build machines and debuggers"),
    "sources": ("cairn_cli.sources", "list, add or remove the symbol servers that a project asks"),
    "redrive": ("cairn_cli.redrive", "put messages back that failed again and again"),
    "reprocess": ("cairn_cli.reprocess", "symbolicate crashes again: some, or all of a time"),
    "local": ("cairn_cli.local.command", "run Cairn on this machine"),
    "demo": ("cairn_cli.demo.command", "see a crash go all the way"),
}
"""Command to its module and what it does."""


def program() -> int:
    """The `cairn` program: ``main``, in a process that ends with it.

    What a command imports stays to the end. Not to look for garbage there, again and again and once more at the end,
    makes a short command a tenth shorter.
    """
    gc.disable()
    if wanted := _command(sys.argv[1:]):
        importlib.import_module(COMMANDS[wanted][0])
    gc.freeze()
    gc.enable()
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except CliError as error:
        print(f"cairn: {error}", file=sys.stderr)
        if error.hint:
            print(f"       {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `cairn events list | head`: nobody reads any more. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(given: list[str]) -> int:
    parsed = _parser(_command(given)).parse_args(given)
    module = importlib.import_module(COMMANDS[parsed.command][0])
    code: int = module.run(parsed)
    return code


def _command(given: list[str]) -> str | None:
    return given[0] if given and given[0] in COMMANDS else None


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """The command line with the command that is ``wanted``, or with a line on each: making them all takes 3 ms."""
    parser = argparse.ArgumentParser(
        prog="cairn",
        description="Crashes of native programs, symbolicated and readable, in your own AWS account.",
        epilog="`cairn COMMAND --help` shows a command's options and examples.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in (wanted,) if wanted else COMMANDS:
        module, summary = COMMANDS[name]
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == wanted:
            implementation = importlib.import_module(module)
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            command.epilog = "examples:\n" + "".join(f"  {line}\n" for line in implementation.EXAMPLES)
            implementation.add_arguments(command)
    return parser


class _Version(argparse.Action):
    """``--version``. Only then is the package asked, which takes as long as the rest of a start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"cairn {version('cairn-crash')}")
        parser.exit()
