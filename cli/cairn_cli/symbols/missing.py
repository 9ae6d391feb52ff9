"""`cairn symbols missing`: the to-do list of symbols."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from cairn.store.symbols.missing_modules import MissingModule, missing_modules, printable
from cairn.store.symbols.source_answers import NotAsked, SourceAnswer, SourceAnswers
from cairn.store.symbols.symbol_index import keys_of
from cairn.store.symbols.waiting import WaitingCrash, WaitingCrashes, WantedModule
from cairn.symbols.helpful_files import upload_command
from cairn.symbols.sources.records import FetchStatus
from cairn.web.missing import module_json
from cairn_cli.output import console, moment, print_json, print_table
from cairn_cli.project_option import chosen_project
from cairn_cli.symbols.files import failed_files
from cairn_cli.target import Target

Answers = Mapping[WantedModule, Sequence[SourceAnswer]]

ABSENT = (FetchStatus.FOUND, FetchStatus.MISSING)
"""Answers that say all."""

NO_ID = (
    "Without an id in the dump: no file can be told to be theirs, so nothing can be uploaded for these crashes. They "
    "leave the list with their dumps."
)

WORDS = {
    FetchStatus.FOUND: "has it",
    FetchStatus.MISSING: "not found",
    FetchStatus.FORBIDDEN: "refused",
    FetchStatus.TIMED_OUT: "timed out",
    FetchStatus.TOO_LARGE: "too large",
    FetchStatus.MALFORMED: "cannot be used",
    FetchStatus.WRONG_ID: "another file",
    FetchStatus.FAILED: "failed",
    FetchStatus.REFUSED: "not allowed",
    NotAsked.PENDING: "no answer yet",
    NotAsked.NOT_ASKED: "not asked",
    NotAsked.DISABLED: "not asked",
}


def show_missing(target: Target, arguments: argparse.Namespace) -> int:
    """Print what crashes of a project wait for; returns the exit code."""
    project = chosen_project(target, arguments.project)
    crashes = WaitingCrashes(target.settings, target.clients).wanted(project.id, arguments.crashes)
    found = missing_modules(crashes)
    answers = SourceAnswers(target.settings, target.clients).of(project.id, [one.module for one in found])
    if arguments.json:
        print_json([module_json(missing, answers[missing.module]) for missing in found])
    elif found:
        _print(found, answers, sum(map(waits, crashes)))
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


def _print(found: tuple[MissingModule, ...], answers: Answers, crashes: int) -> None:
    out = console()
    own = [missing for missing in found if missing.module.in_app is not False and missing.has_id]
    nameless = [missing for missing in found if missing.module.in_app is not False and not missing.has_id]
    others = [missing for missing in found if missing.module.in_app is False]
    out.print(f"{crashes} {'crash waits' if crashes == 1 else 'crashes wait'} for symbols.")
    for missing in own:
        for line in told(missing, answers[missing.module]):
            out.print(line)
    if nameless:
        out.print(Text(f"\n{NO_ID}\n"))
        print_table(
            ("MODULE", "CRASHES", "PLATFORM", "EVENT", "FROM THE NEXT BUILD ON"), list(map(nameless_row, nameless))
        )
    if others:
        out.print(Text("\nLibraries of the system: stacks that pass through them are walked better with the files.\n"))
        rows = [table_row(missing, answers[missing.module]) for missing in others]
        print_table(("LIBRARY", "CRASHES", "PLATFORM", "ID", "SYMBOL SERVERS"), rows)
        if not any(answers.values()):
            out.print("\nNo symbol server is asked for them: `cairn sources builtin` lists those that have such files.")


def nameless_row(missing: MissingModule) -> tuple[str, ...]:
    """A module without an id, as the table has it."""
    name, event = missing.module.name, missing.events[0]
    return name, str(missing.crashes), platform(missing), event, missing.next_step or ""


def waits(crash: WaitingCrash) -> bool:
    """Whether a file could be sent for a crash."""
    return any(keys_of((module.debug_id, module.code_id)) for module in crash.modules)


def table_row(missing: MissingModule, answers: Sequence[SourceAnswer]) -> tuple[str, ...]:
    """A library of the system, as the table has it."""
    module = missing.module
    said = "; ".join(map(answer_text, answers)) or "none"
    return module.name, str(missing.crashes), platform(missing), module.debug_id or module.code_id or "", said


def told(missing: MissingModule, answers: Sequence[SourceAnswer]) -> Iterator[Text]:
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
        "asked": "\n              ".join(map(answer_text, answers)),
        "since": since(missing),
        "event": missing.events[0],
        "look for": look_for(missing),
        "send": upload_command(missing.files),
    }
    for name, value in rows.items():
        if value:
            yield Text.assemble((f"    {name:<10}", "dim"), value)


def since(missing: MissingModule) -> str:
    """When the first of the crashes came, and the last if there are more."""
    last = f", last {moment(missing.last_seen)} UTC" if missing.crashes > 1 else ""
    return f"{moment(missing.first_seen)} UTC{last}"


def answer_text(answer: SourceAnswer) -> str:
    """What one symbol server said, in a few words."""
    details = f" ({printable(answer.details)})" if answer.details and answer.status not in ABSENT else ""
    again = asked_again(answer.asked_again) if answer.asked_again is not None else ""
    return f"{answer.source}: {WORDS[answer.status]}{details}{again}"


def asked_again(when: float) -> str:
    """When a server is asked again: after that time, with the next crash that needs the module."""
    return f", asked again after {moment(when)} UTC" if when > time.time() else ", asked again with the next crash"


def platform(missing: MissingModule) -> str:
    """System and processor, as far as they are known."""
    return " ".join(filter(None, (missing.module.os, missing.module.arch)))


def look_for(missing: MissingModule) -> str | None:
    """The files that would help, and whether one or all of them."""
    if not missing.files:
        return None
    companion, *program = missing.files
    if not program:
        return companion
    if missing.module.type == "elf":
        return f"{companion}, and {program[0]} itself, which does alone when it has not been stripped"
    return f"{companion} and {program[0]}"
