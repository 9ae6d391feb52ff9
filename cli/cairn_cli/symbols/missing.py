"""`cairn symbols missing`: the to-do list of symbols."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rich.text import Text

from cairn.store.missing_modules import MissingModule, missing_modules
from cairn.store.projects import Projects
from cairn.store.waiting import WaitingCrashes
from cairn.web.missing import command, module_json
from cairn_cli.errors import CliError
from cairn_cli.output import console, moment, print_json, print_table
from cairn_cli.symbols.files import failed_files
from cairn_cli.target import Target


def show_missing(target: Target, arguments: argparse.Namespace) -> int:
    """Print what crashes of a project wait for; returns the exit code."""
    if Projects(target.settings, target.clients).get(arguments.project) is None:
        raise CliError(f"there is no project {arguments.project}", "`cairn projects list` shows all")
    crashes = WaitingCrashes(target.settings, target.clients).wanted(arguments.project, arguments.crashes)
    found = missing_modules(crashes)
    if arguments.json:
        print_json([module_json(missing) for missing in found])
    elif found:
        _print(found, len(crashes))
        _hint(len(failed_files(target)))
    else:
        console().print("No crash waits for symbols.")
    return 0


def _hint(failed: int) -> None:
    out = console()
    out.print("\nIs a file the right one? `cairn symbols check PATH` compares its ids with what crashes wait for.")
    if failed:
        what = "One file that was uploaded" if failed == 1 else f"{failed} files that were uploaded"
        out.print(f"{what} cannot be used: `cairn symbols list --failed` says why.")


def _print(found: tuple[MissingModule, ...], crashes: int) -> None:
    out = console()
    own = [missing for missing in found if missing.module.in_app is not False]
    others = [missing for missing in found if missing.module.in_app is False]
    out.print(f"{crashes} {'crash waits' if crashes == 1 else 'crashes wait'} for symbols.")
    for missing in own:
        for line in told(missing):
            out.print(line)
    if others:
        out.print(Text("\nLibraries of the system: stacks that pass through them are walked better with the files.\n"))
        rows = [
            (m.module.name, str(m.crashes), platform(m), m.module.debug_id or m.module.code_id or "") for m in others
        ]
        print_table(("LIBRARY", "CRASHES", "PLATFORM", "ID"), rows)


def told(missing: MissingModule) -> Iterator[Text]:
    """What there is to say of one module of the user's own."""
    module = missing.module
    yield Text()
    wanted = f"{missing.crashes} {'crash' if missing.crashes == 1 else 'crashes'}"
    yield Text.assemble(("● ", "yellow"), (module.name, "bold"), f"  {platform(missing)}  {wanted}")
    rows = {
        "debug id": module.debug_id,
        "code id": module.code_id,
        "lacks": ", ".join(module.lacks or ()) or None,
        "tried": module.reason or f"symbols are {module.status}",
        "since": f"{moment(missing.first_seen)} UTC, last {moment(missing.last_seen)} UTC",
        "event": missing.events[0],
        "look for": look_for(missing),
        "send": command(missing),
    }
    for name, value in rows.items():
        if value:
            yield Text.assemble((f"    {name:<10}", "dim"), value)


def platform(missing: MissingModule) -> str:
    """System and processor, as far as they are known."""
    return " ".join(filter(None, (missing.module.os, missing.module.arch)))


def look_for(missing: MissingModule) -> str:
    """The files that would help, and whether one or all of them."""
    companion, *program = missing.files
    if not program:
        return companion
    if missing.module.type == "elf":
        return f"{companion}, and {program[0]} itself, which does alone when it has not been stripped"
    return f"{companion} and {program[0]}"
