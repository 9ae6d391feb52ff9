"""`cairn stats`: how many crashes came in, and what became of them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from cairn.intake.outcomes import Outcome
from cairn.store.errors import StoreError
from cairn.store.outcomes import OutcomeCount, Outcomes
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json, print_table
from cairn_cli.project_option import add_project_option, chosen_project
from cairn_cli.target import Target, add_target_option, connect

EXAMPLES = [
    "cairn stats",
    "cairn stats --project game --days 30",
    "cairn stats --json | jq 'map(select(.outcome == \"dropped\"))'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--project``, ``--days`` and ``--json``."""
    add_project_option(parser)
    parser.add_argument("--days", type=_days, default=7, help="how many days up to today, in UTC (default: 7)")
    parser.add_argument("--json", action="store_true", help="print JSON: a count for each day, outcome, reason and key")
    add_target_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the counts; returns the exit code."""
    target = connect(arguments)
    today = datetime.now(UTC).date()
    first = today - timedelta(arguments.days - 1)
    try:
        counts = _counts(target, arguments.project, first, today)
    except StoreError as error:
        raise CliError(str(error)) from error
    if arguments.json:
        print_json([asdict(one) for one in counts])
    else:
        _show(counts, [first + timedelta(day) for day in range(arguments.days)])
    return 0


def _counts(target: Target, project: str, first: date, last: date) -> tuple[OutcomeCount, ...]:
    project_id = chosen_project(target, project).id
    return Outcomes(target.settings, target.clients).between(project_id, first, last)


def _show(counts: Sequence[OutcomeCount], days: Sequence[date]) -> None:
    daily: Counter[tuple[date, Outcome]] = Counter()
    reasons: Counter[tuple[str, str, str]] = Counter()
    for one in counts:
        daily[one.day, one.outcome] += one.count
        reasons[one.outcome.value, one.reason or "-", one.public_key or "-"] += one.count
    rows = [(str(day), *(str(daily[day, outcome]) for outcome in Outcome)) for day in days]
    print_table(("DAY (UTC)", *(outcome.value.upper() for outcome in Outcome)), rows)
    if reasons:
        console().print()
        table = [(*what, str(count)) for what, count in sorted(reasons.items())]
        print_table(("OUTCOME", "REASON", "KEY", "CRASHES"), table)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 365):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to 365")
    return int(text)
