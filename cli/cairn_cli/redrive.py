"""`cairn redrive`: dead letters, put back on their queue."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cairn.store.crashes.uploads import MANIFEST, Uploads
from cairn.store.dead_letters import DeadLetter, DeadLetters
from cairn.store.errors import StoreError, UnreadableError
from cairn.store.notifications import assembly_in, fetch_in, is_sweep, object_keys, scrub_in, waking_in
from cairn_cli.errors import CliError
from cairn_cli.output import console, moment, print_json, print_table
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn redrive",
    "cairn redrive --queue crashes --json",
]

QUEUES = {
    "crashes": ("CrashDeadLetters", "CrashQueue", "symbolicate"),
    "debug-files": ("DebugFileDeadLetters", "DebugFileQueue", "compile_symbols"),
}
"""Queue to the outputs that name its dead letters and itself, and to the function that works on it."""

SHOWN = 50
"""Letters that are shown to a person; ``--json`` has all."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A dead letter as it is told: what it is ``about``, why it failed if that can be seen from here, and whether it is
    on its queue again. One that no Cairn can read stays."""

    queue: str
    message_id: str
    sent: float
    about: str
    reason: str | None
    moved: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which queue."""
    parser.add_argument("--queue", choices=QUEUES, help="only the dead letters of this queue (default: of both)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_target_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Put them back; returns the exit code: 1 when one had to stay."""
    target = connect(arguments)
    try:
        done = list(redrive(target, [arguments.queue] if arguments.queue else list(QUEUES)))
    except StoreError as error:
        raise CliError(str(error), "nothing is lost: run it again") from error
    if arguments.json:
        print_json([_as_json(one) for one in done])
    else:
        tell(done)
    return 0 if all(one.moved for one in done) else 1


def redrive(target: Target, queues: list[str]) -> Iterator[Moved]:
    """Put the dead letters of these queues back, with a bar on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(), disable=not console().is_terminal, transient=True) as progress:
        for queue in queues:
            dead, alive, _ = QUEUES[queue]
            letters = DeadLetters(target.clients, target.outputs[dead], target.outputs[alive])
            task = progress.add_task(queue, total=letters.count())
            for letter, moved in letters.redrive(is_readable):
                progress.advance(task)
                reason = why(target, letter)
                yield Moved(queue, letter.id, letter.sent, about(letter), reason, moved)


def is_readable(letter: DeadLetter) -> bool:
    """Whether some Cairn could do what a letter asks for."""
    found = problem(letter)
    return found is None or found.code == "message_too_new"


def tell(done: list[Moved]) -> None:
    """Print what was moved, for a person."""
    out = console()
    if not done:
        out.print("There are no dead letters.")
        return
    rows = [
        (one.queue, moment(one.sent), "back" if one.moved else "stays", one.about, one.reason or "") for one in done
    ]
    print_table(("QUEUE", "SENT (UTC)", "NOW", "ABOUT", "WHY IT FAILED"), rows[:SHOWN])
    if len(rows) > SHOWN:
        out.print(f"… and {len(rows) - SHOWN} more; --json shows all")
    for queue in QUEUES:
        of_queue = [one for one in done if one.queue == queue]
        if of_queue:
            out.print(f"{queue}: {sum(one.moved for one in of_queue)} of {len(of_queue)} dead letters are back")
    unknown = next((one for one in done if one.reason is None), None)
    if unknown:
        function = QUEUES[unknown.queue][2]
        out.print(f"Why one failed is in the log of the function {function}: search for {unknown.message_id}")


def about(letter: DeadLetter) -> str:
    """What a letter asks for."""
    try:
        return task_of(letter.body) or ", ".join(object_keys(letter.body)) or "nothing"
    except UnreadableError:
        return letter.body[:60]


def task_of(body: str) -> str | None:
    """What a letter is about that asks for something else than an upload or a debug file to be worked on."""
    if assembly := assembly_in(body):
        return f"the debug file {assembly[0]}"
    if waking := waking_in(body):
        return f"the crashes that wait for {'the sources of ' if waking[2] else ''}{waking[0][0] or waking[0][1]}"
    if fetch := fetch_in(body):
        return f"symbols for project {fetch[0]}: {fetch[1]}"
    if scrub := scrub_in(body):
        return f"the large dump of {scrub}"
    return "debug files that no crash used for long" if is_sweep(body) else None


def why(target: Target, letter: DeadLetter) -> str | None:
    """Why a letter failed, where that can be seen: it cannot be read, or what it is about cannot. ``None`` when it
    looks as if it will succeed now."""
    if found := problem(letter):
        return found.message
    if task_of(letter.body):
        return None
    try:
        for key in object_keys(letter.body):
            if key.endswith(MANIFEST) and Uploads(target.settings, target.clients).get(key) is None:
                return "the upload is past its retention: there is nothing left to do"
    except UnreadableError as error:
        return error.message
    return None


def problem(letter: DeadLetter) -> UnreadableError | None:
    """What is wrong with the letter itself."""
    if task_of(letter.body):
        return None
    try:
        object_keys(letter.body)
    except UnreadableError as error:
        return error
    return None


def _as_json(one: Moved) -> dict[str, object]:
    return {name: getattr(one, name) for name in Moved.__dataclass_fields__}
